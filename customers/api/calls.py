"""How every call of the till API goes: the till's key, its scope and rate, and each POST once under its key."""

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial, wraps
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from ninja import Router
from ninja.security import HttpBearer
from pydantic import BaseModel

from customers.api.guesses import Guesses, guarded
from customers.domain import idempotency, tills
from customers.domain.idempotency import Answer
from customers.models import Customer, Till, TillScope
from loyalty_site.lib import rates
from loyalty_site.lib.api.problems import CONTENT_TYPE, Problem
from loyalty_site.lib.errors import DomainError

View = TypeVar("View", bound=Callable[..., Any])

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class TillRequest(HttpRequest):
    """A request that was let in."""

    auth: Till


class TillKey(HttpBearer):
    """Lets in a till whose key has the scope; `request.auth` is the till, with its store."""

    openapi_description = "The key that was shown when the till was made."

    def __init__(self, scope: TillScope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Till | None:
        till, now = tills.authenticate(key=token), timezone.now()
        if till is None:
            return None
        wait = rates.seconds_to_wait(what=f"till:{till.pk}", limit=settings.TILL_RATE_PER_MINUTE, at=now)
        if wait:
            detail = _("This till has called too often. Try again in %(seconds)s seconds.") % {"seconds": wait}
            raise Problem(429, "too_many_calls", detail, headers={"Retry-After": str(wait)})
        if self.scope not in till.scopes:
            raise Problem(403, "scope_missing", _("This till may not do that; it needs “%s”.") % self.scope.value)
        tills.note_seen(till=till, at=now)
        return till


def get(router: Router, path: str, *, gives: type[BaseModel]) -> Callable[[View], View]:
    """A call that reads. The function's name is the operation's."""

    def registered(view: View) -> View:
        router.get(path, response=gives, auth=TillKey(TillScope.READ), **_named(view))(view)
        return view

    return registered


def post(
    router: Router,
    path: str,
    *,
    gives: type[BaseModel],
    status: int = 200,
    scope: TillScope = TillScope.SELL,
    is_atomic: bool = False,
    guesses: Guesses | None = None,
) -> Callable[[View], View]:
    """A call that is done once under its Idempotency-Key. The function's name is the operation's.

    `is_atomic` says that the only verb which the view calls and which books takes back what it did when it refuses: no
    savepoint is set around the view then, and what is counted beside it stays. `guesses` says where codes stand that
    somebody could try.
    """

    def registered(view: View) -> View:
        keyed = _once(view, status, is_atomic)
        keyed = guarded(keyed, guesses) if guesses else keyed
        router.post(path, response={status: gives}, auth=TillKey(scope), **_named(view))(keyed)
        return view

    return registered


def texts_for(request: HttpRequest, customer: Customer | None) -> AbstractContextManager[None]:
    """In it texts are in the language that the till asks for, else in the customer's."""
    if customer is None or "Accept-Language" in request.headers:
        return nullcontext()
    return translation.override(customer.language)


def _named(view: Callable[..., Any]) -> dict[str, Any]:
    return {"operation_id": view.__name__, "summary": view.__name__.replace("_", " ").capitalize()}


def _once(view: Callable[..., BaseModel], status: int, is_atomic: bool) -> Callable[..., HttpResponse]:
    @wraps(view)
    def keyed(request: TillRequest, **values: Any) -> HttpResponse:
        answer = idempotency.answer_once(
            till=request.auth,
            key=_key_of(request),
            fingerprint=_fingerprint(request),
            call=partial(_answer, partial(view, request, **values), status, is_atomic),
            at=timezone.now(),
        )
        kind = "application/json" if answer.status < 400 else CONTENT_TYPE
        response = HttpResponse(answer.body, status=answer.status, content_type=kind)
        if answer.is_replayed:
            response["Idempotent-Replayed"] = "true"
        return response

    return keyed


def _answer(call: Callable[[], BaseModel], status: int, is_atomic: bool) -> Answer:
    """A refusal takes back what the call did, and is an answer like any other."""
    try:
        with nullcontext() if is_atomic else transaction.atomic():
            return Answer(status, call().model_dump_json())
    except DomainError as error:
        refusal = Problem.of(error)
    except Problem as problem:
        refusal = problem
    return Answer(refusal.status, refusal.body)


def _key_of(request: HttpRequest) -> str:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise Problem(400, "idempotency_key_missing", _("Every POST needs the header Idempotency-Key."))
    if not _KEY.fullmatch(key):
        raise Problem(422, "idempotency_key_invalid", _("Idempotency-Key is 1 to 255 visible ASCII characters."))
    return key


def _fingerprint(request: HttpRequest) -> bytes:
    """The same for the same call, however its JSON was spaced."""
    body = json.dumps(json.loads(request.body), sort_keys=True) if request.body else ""
    return hashlib.sha256(f"{request.method}\n{request.path}\n{body}".encode()).digest()
