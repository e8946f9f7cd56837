"""Signing in by a code from a mail. Known and unknown addresses get the same answers at every step."""

import logging
from ipaddress import ip_address
from urllib.parse import quote, unquote

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from redis import RedisError

from customers import tasks
from customers.domain import sign_in
from customers.forms import CodeForm, EmailForm
from customers.models import Customer
from customers.views.session import current_customer, enter, remember_next

TOKEN_KEY = "sign_in_browser"  # noqa: S105 - the name of a session key
ASKED_KEY = "sign_in_asked"
EMAIL_COOKIE = "sign_in_email"
REQUESTS_PER_HOUR_AND_ADDRESS = 30

logger = logging.getLogger(__name__)


@never_cache
@require_http_methods(["GET", "POST"])
def ask_for_code(request: HttpRequest) -> HttpResponse:
    if current_customer(request):
        return redirect("portal:home")
    remember_next(request)
    form = EmailForm(request.POST or None)
    if form.is_valid():
        return _ask(request, form.cleaned_data["email"])
    return render(request, "customers/sign_in.html", {"form": form, "demo": settings.LOYALTY_DEMO})


@never_cache
@require_http_methods(["GET", "POST"])
def enter_code(request: HttpRequest) -> HttpResponse:
    if current_customer(request):
        return redirect("portal:home")
    if ASKED_KEY not in request.session:
        return redirect("portal:sign-in")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            customer = sign_in.verify(
                browser_token=request.session.get(TOKEN_KEY, ""), code=form.cleaned_data["code"], at=timezone.now()
            )
        except sign_in.CodeRefused as refusal:
            form.add_error("code", str(refusal))
        else:
            return _let_in(request, customer)
    return render(request, "customers/sign_in_code.html", {"form": form, **_waiting(request)})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    sign_in.close_session(request.session)
    return redirect("portal:sign-in")


def _ask(request: HttpRequest, email: str) -> HttpResponse:
    """The same steps whoever is behind the address; the worker finds out whom to write to."""
    now, previous = timezone.now(), request.session.get(TOKEN_KEY, "")
    token = sign_in.browser_token(email=email, previous=previous, at=now)
    if token == previous:
        messages.info(request, _("Your code is on its way. Please wait a minute before you ask for another."))
    else:
        if ASKED_KEY in request.session:
            messages.info(request, _("We have noted that you want another code. Only the newest one works."))
        if _has_requests_left(request) and sign_in.request(email=email, browser_token=token, at=now):
            request.session[TOKEN_KEY] = token
            transaction.on_commit(tasks.send_sign_in_codes.delay, robust=True)
        request.session[ASKED_KEY] = int(now.timestamp())
    response = redirect("portal:sign-in-code")
    _keep_email(response, email)
    return response


def _let_in(request: HttpRequest, customer: Customer) -> HttpResponse:
    for key in (TOKEN_KEY, ASKED_KEY):
        request.session.pop(key, None)
    response = enter(request, customer)
    response.delete_cookie(EMAIL_COOKIE, path=resolve_url("portal:sign-in"))
    return response


def _keep_email(response: HttpResponse, email: str) -> None:
    """Only the browser keeps what was typed: a stranger's address has no place in our tables.

    Quoted, because a server drops all cookies of a request when one of them is not ASCII.
    """
    response.set_signed_cookie(
        EMAIL_COOKIE,
        quote(email),
        max_age=sign_in.VALID_FOR,
        path=resolve_url("portal:sign-in"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _waiting(request: HttpRequest) -> dict[str, object]:
    """What was asked for, and in how many seconds it makes sense to ask again."""
    elapsed = timezone.now().timestamp() - request.session[ASKED_KEY]
    return {
        "email": unquote(request.get_signed_cookie(EMAIL_COOKIE, default="", max_age=sign_in.VALID_FOR) or ""),
        "seconds": max(0, round(sign_in.RESEND_AFTER.total_seconds() - elapsed)),
        "minutes": sign_in.VALID_FOR.seconds // 60,
    }


def _has_requests_left(request: HttpRequest) -> bool:
    """Counts this one for the network address it comes from. Without Redis only each e-mail address's limit holds."""
    address = get_adapter(request).get_client_ip(request)
    if ip_address(address).is_unspecified:  # a socket: whoever sits in front has to count
        return True
    key = "sign-in:" + salted_hmac("customers.sign_in.network", address, algorithm="sha256").hexdigest()
    try:
        cache.add(key, 0, timeout=3600)
        return bool(cache.incr(key) <= REQUESTS_PER_HOUR_AND_ADDRESS)
    except (RedisError, ValueError) as error:
        logger.warning("sign-in requests are not counted: %s", type(error).__name__)
        return True
