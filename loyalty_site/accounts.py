"""How staff sign in: accounts are made in the admin, never by themselves."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.shortcuts import resolve_url

from loyalty_site.till.access import PERMISSION


class StaffAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Who books purchases and does not look through them works at the till page; the others in the back office."""
        user = request.user
        if user.has_perm(PERMISSION) and not user.has_perm("customers.view_purchase"):
            return resolve_url("till:home")
        return str(super().get_login_redirect_url(request))
