"""How staff sign in: accounts are made in the admin, never by themselves."""

import logging
from contextlib import suppress
from functools import cache
from ipaddress import ip_address

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest
from django.shortcuts import resolve_url

from loyalty_site.till.access import PERMISSION

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 - nobody listens there

logger = logging.getLogger(__name__)


class StaffAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """A Unix socket tells no address, so without TRUSTED_PROXIES all who come by it count as one. Who came by fewer
        proxies counts by the address that connected."""
        try:
            return str(super().get_client_ip(request))
        except ImproperlyConfigured:
            _warn("a request came by fewer proxies than TRUSTED_PROXIES says, so its sender's limit may be a proxy's")
            with suppress(ValueError):  # a socket's path
                return str(ip_address(request.META.get("REMOTE_ADDR", "")))
        except PermissionDenied:
            _warn("no request says its network address, so all share one limit: set TRUSTED_PROXIES")
        return UNKNOWN_ADDRESS

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Who books purchases and does not look through them works at the till page; the others in the back office."""
        user = request.user
        if user.has_perm(PERMISSION) and not user.has_perm("customers.view_purchase"):
            return resolve_url("till:home")
        return str(super().get_login_redirect_url(request))


@cache
def _warn(what: str) -> None:
    """Once in each process."""
    logger.warning(what)
