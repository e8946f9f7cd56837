"""The back office's door, and the pages that draw on several apps."""

from typing import Any

import allauth.account.admin
import allauth.mfa.admin
import django.contrib.auth.admin
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from loyalty_site.admin import customer, merge, segment

__all__ = ["allauth", "customer", "django", "merge", "segment"]

# Staff sign in by allauth's page, with its limits and its second step. This must stand before the site's urls are read.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

_app_list = admin.site.get_app_list


def _app_list_when_read(request: HttpRequest, app_label: str | None = None) -> Any:
    """Every page asks for the list of all models, a fifth of its time; only a few pages show it."""
    return SimpleLazyObject(lambda: _app_list(request, app_label))


admin.site.get_app_list = _app_list_when_read  # type: ignore[method-assign]

# Roles are code (loyalty_site.roles), and what proves who somebody is belongs to them alone. Their packages registered
# these when they were imported above.
admin.site.unregister([Group, EmailAddress, Authenticator])
