"""The whole URL map."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from customers import urls as customers
from loyalty_site import choices, portal, views
from loyalty_site.api import api
from loyalty_site.till import urls as till
from rewards import urls as rewards
from surveys import urls as surveys

portal_patterns = [
    path("", portal.home, name="home"),
    path("demo/", portal.demo_sign_in, name="demo-sign-in"),
    path("me/data/", portal.own_data, name="own-data"),
    *customers.portal_patterns,
    *rewards.portal_patterns,
]

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("api/v1/", api.urls),
    path(
        "admin/autocomplete/", admin.site.admin_view(choices.autocomplete)
    ),  # before the admin's own, whose name stays
    path("admin/", admin.site.urls),
    path("staff/email/", RedirectView.as_view(pattern_name="admin:index")),  # addresses are the owner's to change
    path("staff/", include("allauth.urls")),
    path("till/", include((till.till_patterns, "till"))),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include((portal_patterns, "portal"))),
    path("", include(surveys)),
]
