"""What the back office offers while somebody types into a field that names a row."""

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse


def autocomplete(request: HttpRequest) -> HttpResponse:
    """The admin's own, for keys that name a field which points to a row: on other relations Django fails."""
    try:
        model = apps.get_model(request.GET.get("app_label", ""), request.GET.get("model_name", ""))
        field = model._meta.get_field(request.GET.get("field_name", ""))
    except (LookupError, ValueError, FieldDoesNotExist):
        field = None
    if not isinstance(field, models.ForeignKey | models.ManyToManyField):
        raise Http404
    return admin.site.autocomplete_view(request)
