"""Telling customers by mail, 30 and 7 days before, which of their points lapse.

The rows are the queue: PENDING → SENDING (committed before the network) → ACCEPTED, REJECTED, UNCERTAIN, or PENDING
again when the server refused for now. Of what is UNCERTAIN a person decides. At most one mail for each customer,
lapse and touch, whoever is killed when.
"""

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, consents
from customers.models import Purpose
from loyalty_site.lib import mail_replies
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.mail_replies import Fate, Outcome, ServerUnavailable
from rewards.domain import notice_mails, points
from rewards.models import NoticeBarrier, NoticeState, PointsNotice, Program

TOUCHES = (30, 7)
LEASE = timedelta(minutes=10)
SERVER_PAUSE = timedelta(minutes=1)

_SQL = (Path(__file__).resolve().parent.parent / "sql" / "points_notices.sql").read_text(encoding="utf-8")

Clock = Callable[[], datetime]

logger = logging.getLogger(__name__)


class NoticeNotUncertain(DomainError):
    code = "notice_not_uncertain"
    message = _("It is known by now what became of this mail.")


def prepare(*, at: datetime) -> int:
    """Makes the rows whose time has come, in one statement; returns how many. Again and again, each is made once."""
    values: dict[str, Any] = {
        "at": at,
        "touches": list(TOUCHES),
        "longest": max(TOUCHES),
        "purpose": Purpose.MARKETING_EMAIL.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SQL, values)
        return int(cursor.rowcount)


def send_due(*, mailer: BaseEmailBackend, clock: Clock, until: datetime) -> int:
    """Sends what is due until nothing is, `until` has come or the server is unavailable; returns how many left.

    Any number of workers may run it at once. `mailer` is opened when something is due, and again after it failed.
    """
    program = Program.objects.current()
    accepted = 0
    try:
        while clock() < until and _due(clock()).exists():
            mail_replies.connect(mailer)
            notice = claim(program=program, at=clock())
            if notice and notice.state == NoticeState.SENDING:
                accepted += _send(notice, mailer, program, clock) == Fate.ACCEPTED
    except ServerUnavailable as error:
        logger.error("the mail server takes nothing: %s", error)
    finally:
        mail_replies.hang_up(mailer)
    return accepted


@transaction.atomic(durable=True)
def claim(*, program: Program, at: datetime) -> PointsNotice | None:
    """The next notice that is due and that nobody else has in hand: SENDING, or SUPPRESSED where it must not be sent.

    Consent, address, and what is left to lapse are read now.
    """
    free = _due(at).select_for_update(skip_locked=True, of=("self",), no_key=True)
    notice = free.select_related("customer").order_by("not_before", "pk").first()
    if notice is None:
        return None
    zone = ZoneInfo(program.timezone)
    notice.points = _lapsing(notice, zone, at)
    if barrier := _barrier(notice, at.astimezone(zone).date()):
        notice.state, notice.reason, notice.settled_at = NoticeState.SUPPRESSED, barrier, at
    else:
        notice.state, notice.claimed_at = NoticeState.SENDING, at
        notice.attempts += 1
    notice.save()
    return notice


@transaction.atomic(durable=True)
def reconcile(*, at: datetime) -> int:
    """What workers that are gone had claimed is UNCERTAIN, for a person to look at; returns how many."""
    left = PointsNotice.objects.filter(state=NoticeState.SENDING, claimed_at__lte=at - LEASE)
    return left.update(state=NoticeState.UNCERTAIN, claimed_at=None, settled_at=at)


@transaction.atomic
def send_again(*, notice: PointsNotice, by: Actor, at: datetime) -> None:
    """Whoever looked into it says that the mail did not arrive: it waits again, and is sent if it still may be. Raises
    NoticeNotUncertain."""
    _decide(notice, "notice.sent_again", by, at, state=NoticeState.PENDING, not_before=at, settled_at=None)


@transaction.atomic
def assume_delivered(*, notice: PointsNotice, by: Actor, at: datetime) -> None:
    """Whoever looked into it says that the mail arrived. Raises NoticeNotUncertain."""
    _decide(notice, "notice.assumed_delivered", by, at, state=NoticeState.ACCEPTED, settled_at=at)


def _decide(notice: PointsNotice, action: str, by: Actor, at: datetime, **values: object) -> None:
    """Once: the second of two who decide is refused."""
    if not PointsNotice.objects.filter(pk=notice.pk, state=NoticeState.UNCERTAIN).update(**values):
        raise NoticeNotUncertain
    audit.record(actor=by, action=action, subject=f"points-notice:{notice.pk}", at=at)


def _due(at: datetime) -> QuerySet[PointsNotice]:
    return PointsNotice.objects.filter(state=NoticeState.PENDING, not_before__lte=at)


def _lapsing(notice: PointsNotice, zone: ZoneInfo, at: datetime) -> int:
    """What can be spent at `at` and lapses when the notice's day ends."""
    expiring = points.summary(customer=notice.customer, at=at).expiring
    return sum(number for number, lapses in expiring if _last_day(lapses, zone) == notice.last_day)


def _last_day(lapses_at: datetime, zone: ZoneInfo) -> date:
    return (lapses_at - timedelta(microseconds=1)).astimezone(zone).date()


def _barrier(notice: PointsNotice, today: date) -> NoticeBarrier | None:
    days_left = (notice.last_day - today).days
    if notice.customer.closed_at is not None:
        return NoticeBarrier.CLOSED
    if not notice.customer.email:
        return NoticeBarrier.NO_EMAIL
    if not consents.allows(customer=notice.customer, purpose=Purpose.MARKETING_EMAIL):
        return NoticeBarrier.NO_CONSENT
    if not notice.points:
        return NoticeBarrier.NOTHING_LEFT
    return NoticeBarrier.LATE if any(days_left <= touch < notice.touch for touch in TOUCHES) else None


def _send(notice: PointsNotice, mailer: BaseEmailBackend, program: Program, clock: Clock) -> Fate | None:
    """Raises ServerUnavailable, after the notice waits again."""
    try:
        message = notice_mails.compose(notice=notice, program=program)
    except Exception as error:
        logger.error("lapse notice %s cannot be written: %s", notice.pk, type(error).__name__)
        return _settle(notice, Outcome(Fate.DEFERRED, mail_replies.in_words(error)), clock())
    try:
        outcome = mail_replies.hand_over(message, mailer)
    except ServerUnavailable as error:
        _change(notice, state=NoticeState.PENDING, not_before=clock() + SERVER_PAUSE, smtp_reply=str(error))
        raise
    if not outcome.connection_is_good:
        mail_replies.hang_up(mailer)
    return _settle(notice, outcome, clock())


def _settle(notice: PointsNotice, outcome: Outcome, at: datetime) -> Fate | None:
    """None when the lease has ended meanwhile: what was found out since stays."""
    fate = outcome.fate
    if fate == Fate.DEFERRED and notice.attempts < mail_replies.MAX_ATTEMPTS:
        pause = mail_replies.pause_before_retry(attempts=notice.attempts, seed=notice.pk)
        changed = _change(notice, state=NoticeState.PENDING, not_before=at + pause, smtp_reply=outcome.reply)
    else:
        fate = Fate.REJECTED if fate == Fate.DEFERRED else fate
        changed = _change(notice, state=NoticeState(fate), settled_at=at, smtp_reply=outcome.reply)
    return fate if changed else None


def _change(notice: PointsNotice, **values: object) -> bool:
    """Committed at once, and only while the claim is still ours."""
    ours = PointsNotice.objects.filter(pk=notice.pk, state=NoticeState.SENDING, claimed_at=notice.claimed_at)
    return bool(ours.update(claimed_at=None, **values))
