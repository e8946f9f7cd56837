"""Who is signed in, and pages that are only for them."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, resolve_url
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

from customers.domain import sign_in
from customers.models import Customer

P = ParamSpec("P")
NEXT_KEY = "sign_in_next"


def current_customer(request: HttpRequest) -> Customer | None:
    """Set by the middleware."""
    customer: Customer | None = request.customer  # type: ignore[attr-defined]
    return customer or None


def customer_required(
    view: Callable[Concatenate[HttpRequest, Customer, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Gives the view its customer; sends strangers to sign in, and then back here. Nothing is kept by browsers."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        customer = current_customer(request)
        if customer is None:
            here = "?" + urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
            return redirect(resolve_url("portal:sign-in") + here)
        response = view(request, customer, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return wrapper


def remember_next(request: HttpRequest) -> None:
    """Keeps where to go after signing in, when it is a page of this site."""
    wanted = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/"):
        request.session[NEXT_KEY] = wanted[:500]


def enter(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Signs the customer in and goes on, in their language."""
    wanted = request.session.pop(NEXT_KEY, None)
    sign_in.open_session(request.session, customer)
    rotate_token(request)
    response = redirect(wanted or "portal:home")
    speak(response, customer.language)
    return response


def speak(response: HttpResponse, language: str) -> None:
    """The language of the pages from now on, kept as Django's own switch keeps it."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.SESSION_COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
