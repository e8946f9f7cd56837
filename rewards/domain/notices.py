"""Telling customers by mail, 30 and 7 days before, which of their points lapse.

At most one mail for each customer, lapse and touch, whoever is killed when.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.mail import EmailMultiAlternatives
from django.db import connection

from customers.models import Purpose
from rewards.domain import mail_queue, notice_mails, points
from rewards.models import MailBarrier, PointsNotice, Program

TOUCHES = (30, 7)

_SQL = (Path(__file__).resolve().parent.parent / "sql" / "points_notices.sql").read_text(encoding="utf-8")


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


def _barrier(notice: PointsNotice, program: Program, at: datetime) -> MailBarrier | None:
    zone = ZoneInfo(program.timezone)
    notice.points = _lapsing(notice, zone, at)
    days_left = (notice.last_day - at.astimezone(zone).date()).days
    if not notice.points:
        return MailBarrier.NOTHING_LEFT
    return MailBarrier.LATE if any(days_left <= touch < notice.touch for touch in TOUCHES) else None


def _lapsing(notice: PointsNotice, zone: ZoneInfo, at: datetime) -> int:
    """What can be spent at `at` and lapses when the notice's day ends."""
    expiring = points.summary(customer=notice.customer, at=at).expiring
    return sum(number for number, lapses in expiring if _last_day(lapses, zone) == notice.last_day)


def _last_day(lapses_at: datetime, zone: ZoneInfo) -> date:
    return (lapses_at - timedelta(microseconds=1)).astimezone(zone).date()


def _compose(notice: PointsNotice, program: Program) -> EmailMultiAlternatives:
    return notice_mails.compose(notice=notice, program=program, at=notice.claimed_at or notice.not_before)


QUEUE = mail_queue.Queue("points-notice", PointsNotice, _barrier, _compose)
