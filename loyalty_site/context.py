"""What every template may use."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from rewards.models import Program


def program(request: HttpRequest) -> dict[str, Any]:
    return {
        "program": getattr(request, "program", None) or SimpleLazyObject(Program.objects.current),
        "customer": getattr(request, "customer", None),
    }
