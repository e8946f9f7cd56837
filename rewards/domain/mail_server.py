"""How fast and whether at all mails are handed over: one rate and one circuit breaker for all workers and all queues.

Both stand in one row, so that they hold whichever process sends. What is about one mail alone never comes here.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from customers.domain import audit
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.mail_causes import Cause
from loyalty_site.lib.mail_replies import ServerUnavailable
from rewards.models import MailServer, PauseCause

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
# Who tries whether the server is back, and dies over it, is followed by another one after so long.
PROBE = 2 * MINUTE
# From the first refusal on, doubling up to the longest.
PAUSES = {
    PauseCause.RATE: (MINUTE, 15 * MINUTE),
    PauseCause.SERVER: (MINUTE, 30 * MINUTE),
    PauseCause.SENDER: (5 * MINUTE, 60 * MINUTE),
    PauseCause.QUOTA: (30 * MINUTE, 120 * MINUTE),
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Admission:
    """So many mails may be handed over now; where none may because of the rate, the next one may after `wait`."""

    places: int
    wait: timedelta | None = None
    failures: int = 0


def admit(*, wanted: int, per_minute: int | None, at: datetime) -> Admission:
    """Places for up to `wanted` mails, taken from a bucket that holds one second's worth of `per_minute` (None: no
    end). While the server is given a pause there are none, and after it one."""
    if per_minute is None and not MailServer.objects.filter(failures__gt=0).exists():
        return Admission(wanted)
    with transaction.atomic():
        server = _locked()
        if server.failures:
            return _probe(server, at)
        return _take(server, wanted, per_minute, at) if per_minute else Admission(wanted)


def refused(*, error: ServerUnavailable, admission: Admission, at: datetime) -> None:
    """Nobody hands over anything for a while. Of several workers who hear it at once the first one counts."""
    cause = PauseCause(error.cause if error.cause in PauseCause.values else Cause.SERVER)
    with transaction.atomic():
        server = _locked()
        if server.failures != admission.failures:
            return
        first, longest = PAUSES[cause]
        server.paused_until = at + min(first * 2.0 ** min(server.failures, 20), longest)
        server.paused_since = server.paused_since or at
        server.cause, server.reply, server.failures = cause, error.reply, server.failures + 1
        server.save()
    # Its words may hold the address that it refused: they stand in the row, which staff see.
    logger.error("the mail server takes nothing until %s: %s", server.paused_until, cause.value)


def answered(*, admission: Admission) -> None:
    """The server took a mail, or refused it for what it is: it is there again."""
    if admission.failures:
        MailServer.objects.filter(failures=admission.failures).update(**_FREE)


@transaction.atomic
def try_now(*, by: Actor, at: datetime) -> None:
    """Whoever has mended it need not wait for the next try."""
    MailServer.objects.filter(failures__gt=0).update(paused_until=at)
    audit.record(actor=by, action="mail_server.tried", subject="mail_server", at=at)


_FREE = {"failures": 0, "cause": "", "reply": "", "paused_since": None, "paused_until": None}


def _locked() -> MailServer:
    MailServer.objects.bulk_create([MailServer()], ignore_conflicts=True)
    return MailServer.objects.select_for_update().get()


def _probe(server: MailServer, at: datetime) -> Admission:
    """The one who comes first after the pause tries with one mail; the others wait for what becomes of it."""
    assert server.paused_until is not None
    if at < server.paused_until:
        return Admission(0, failures=server.failures)
    server.paused_until = at + PROBE
    server.save(update_fields=["paused_until"])
    return Admission(1, failures=server.failures)


def _take(server: MailServer, wanted: int, per_minute: int, at: datetime) -> Admission:
    interval = MINUTE / per_minute
    start = max(server.next_at or at, at)
    room = at + max(SECOND, interval) - start
    places = min(wanted, room // interval)
    if places < 1:
        return Admission(0, wait=interval - room)
    server.next_at = start + places * interval
    server.save(update_fields=["next_at"])
    return Admission(places)
