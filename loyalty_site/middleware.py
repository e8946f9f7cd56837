"""Small middleware of our own."""

from collections.abc import Callable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import render
from django.urls import resolve
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from customers.domain import customers, sign_in
from loyalty_site.lib.api import problems
from rewards.models import Program

WITHOUT_DATABASE = {"/healthz", "/readyz"}  # must answer while PostgreSQL is away

Handler = Callable[[HttpRequest], HttpResponse]

_STRICT = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'; base-uri 'self'; "
    "object-src 'none'"
)
# The admin theme's Alpine needs inline styles and evaluated expressions; only staff ever load it.
_ADMIN = _STRICT.replace(
    "default-src 'self'",
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'",
)


def content_security_policy(get_response: Handler) -> Handler:
    """Nothing loads from another host, and no inline script runs outside the admin."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault(
            "Content-Security-Policy", _ADMIN if request.path.startswith("/admin/") else _STRICT
        )
        return response

    return middleware


def problems_under_api(get_response: Handler) -> Handler:
    """What goes wrong below /api/ before or beside the API is told as the API tells it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if is_api(request) and "Transfer-Encoding" in request.headers and "Content-Length" not in request.headers:
            return problems.for_status(411).response()  # Django reads no further than the length that was told
        response = get_response(request)
        if not is_api(request) or response.status_code < 400 or response["Content-Type"] == problems.CONTENT_TYPE:
            return response
        told = problems.for_status(response.status_code).response()
        for name, value in response.items():
            if name not in {"Content-Type", "Content-Length"}:
                told.headers.setdefault(name, value)
        return told

    return middleware


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def straight_to_api(get_response: Handler) -> Handler:
    """Calls of the till API go past what only pages need: files, sessions, sign-in, forms' tokens, messages. That was a
    tenth of what a purchase costs the web server."""
    api: Any = convert_exception_to_response(_call)
    for layer in (XFrameOptionsMiddleware, CommonMiddleware, LocaleMiddleware):
        api = convert_exception_to_response(layer(api))

    def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = api(request) if is_api(request) else get_response(request)
        return response

    return middleware


def _call(request: HttpRequest) -> HttpResponse:
    """As Django's handler does innermost."""
    match = request.resolver_match = resolve(request.path_info)
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response


def readable_query(get_response: Handler) -> Handler:
    """A NUL in the query is read as U+FFFD, which stands for what cannot be read: no text column takes a NUL, so every
    list and search would fail on it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.META["QUERY_STRING"] = request.META.get("QUERY_STRING", "").replace("%00", "%EF%BF%BD")
        return get_response(request)

    return middleware


def program_time_zone(get_response: Handler) -> Handler:
    """`request.program`, and its zone for every date a page shows, so that midnight is the stores' midnight."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path in WITHOUT_DATABASE:
            return get_response(request)
        program = Program.objects.current()
        request.program = program  # type: ignore[attr-defined]
        with timezone.override(program.timezone):
            return get_response(request)

    return middleware


def signed_in_customer(get_response: Handler) -> Handler:
    """`request.customer`: the signed-in Customer or None. Customers are not staff users; their session is apart."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.customer = SimpleLazyObject(lambda: sign_in.customer_of(request.session))  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


class AgainWhenMerged:
    """A page whose customer was merged while it worked had nothing done: its verb is atomic. It is made once more, for
    who stands for them now. Who signed in as the one who is gone signs in again for the next page.

    The till API answers by itself: a till looks its customer up again.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, refusal: Exception) -> HttpResponse | None:
        if not isinstance(refusal, customers.CustomerMerged):
            return None
        if known := request.customer:  # type: ignore[attr-defined]
            known.refresh_from_db()
            target = customers.present(customer=known)
            request.customer = target if target.closed_at is None else None  # type: ignore[attr-defined]
        match = request.resolver_match
        try:
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)  # type: ignore[union-attr]
        except customers.CustomerMerged:
            return render(request, "409.html", status=409)
        return response
