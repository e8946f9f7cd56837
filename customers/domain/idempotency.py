"""A till's call told again under its key is answered the same and done once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.models import IdempotentCall, Till
from loyalty_site.lib import statements
from loyalty_site.lib.errors import DomainError

KEPT_FOR = timedelta(days=3)


class StillRunning(DomainError):
    code = "still_running"
    message = _("The first call under this key is still running.")


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"
    message = _("This key was used before for another call.")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a JSON text; `is_replayed` when it was given before."""

    status: int
    body: str
    is_replayed: bool = False


@transaction.atomic
def answer_once(*, till: Till, key: str, fingerprint: bytes, call: Callable[[], Answer], at: datetime) -> Answer:
    """What `call` answers, or answered the first time; its answer is kept in the transaction of what it does.

    `call` answers a refusal by itself; what it raises rolls all back, and the key is as if it had never been used.
    Raises StillRunning or IdempotencyKeyReused.
    """
    ((is_running, known, status, body),) = statements.rows(_ASK, (till.pk, key, _number(till, key)))
    if is_running:
        raise StillRunning
    if known is None:
        answer = call()
        statements.rows(_KEEP, (till.pk, key, fingerprint, answer.status, answer.body, at))
        return answer
    if bytes(known) != fingerprint:
        raise IdempotencyKeyReused
    return Answer(status, body, is_replayed=True)


def forget(*, at: datetime) -> int:
    """Deletes answers that nobody asks for any more; returns how many."""
    return IdempotentCall.objects.filter(created_at__lt=at - KEPT_FOR).delete()[0]


def _number(till: Till, key: str) -> int:
    """Of the lock under which the call runs."""
    return int.from_bytes(hashlib.sha256(f"idempotent-call:{till.pk}:{key}".encode()).digest()[:8], signed=True)


_ASK = "SELECT is_running, fingerprint, status, body FROM idempotent_calls_ask(%s, %s, %s)"
_KEEP = (
    "INSERT INTO customers_idempotentcall (till_id, key, fingerprint, status, body, created_at)"
    " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id"
)
