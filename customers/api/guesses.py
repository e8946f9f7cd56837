"""Calls that say whether a code is good are no place to try codes at."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from customers.domain import attempts
from loyalty_site.lib import actors
from loyalty_site.lib.api.problems import Problem


class Guesses(NamedTuple):
    """`named`: whether a call, by its values, names codes. `wrong`: how many of them its answer, by its JSON, says are
    no codes at all."""

    named: Callable[[Mapping[str, Any]], bool]
    wrong: Callable[[Mapping[str, Any]], int]


def guarded(call: Callable[..., HttpResponse], guesses: Guesses) -> Callable[..., HttpResponse]:
    """Good codes cost the till nothing. A wrong one is told, again too, only when it was counted within the till's
    limit."""

    @wraps(call)
    def counted(request: HttpRequest, **values: Any) -> HttpResponse:
        if not guesses.named(values):
            return call(request, **values)
        limits, now = attempts.of_counter(by=actors.till(request.auth.pk)), timezone.now()  # type: ignore[attr-defined]
        try:
            attempts.refuse_when_used_up(limits=limits, at=now)
            response = call(request, **values)
            attempts.count(wrong=guesses.wrong(json.loads(response.content)), limits=limits, at=now)
        except attempts.TooManyAttempts as refusal:
            headers = {"Retry-After": str(refusal.seconds)}
            raise Problem(429, refusal.code, str(refusal), headers=headers) from refusal
        return response

    return counted
