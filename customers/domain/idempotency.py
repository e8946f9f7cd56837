"""A till's call told again under its key is answered the same and done once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from customers.models import IdempotentCall, Till
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
    if not _is_first(till, key):
        raise StillRunning
    known = IdempotentCall.objects.filter(till=till, key=key).first()
    if known is None:
        answer = call()
        IdempotentCall.objects.create(
            till=till, key=key, fingerprint=fingerprint, status=answer.status, body=answer.body, created_at=at
        )
        return answer
    if bytes(known.fingerprint) != fingerprint:
        raise IdempotencyKeyReused
    return Answer(known.status, known.body, is_replayed=True)


def forget(*, at: datetime) -> int:
    """Deletes answers that nobody asks for any more; returns how many."""
    return IdempotentCall.objects.filter(created_at__lt=at - KEPT_FOR).delete()[0]


def _is_first(till: Till, key: str) -> bool:
    """The lock ends with the transaction. It is a statement of its own: the look for a row must come after it."""
    number = hashlib.sha256(f"idempotent-call:{till.pk}:{key}".encode()).digest()[:8]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(number, signed=True)])
        return bool(cursor.fetchone()[0])
