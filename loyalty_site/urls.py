"""The whole URL map."""

from django.contrib import admin
from django.urls import include, path

from loyalty_site import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("", include("surveys.urls")),
    path("admin/", admin.site.urls),
    path("staff/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
