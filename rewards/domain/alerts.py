"""Looking over the shoulder: staff who serve themselves, and who moves unusually much by hand.

What somebody does for themselves is noticed at once, and again every night for what came in another way. Unusual is a
member of staff or a till with at least LEAST of a kind in WINDOW and more than TIMES the median of their peers: active
staff with a role in common, or tills that sold something. Without peers nothing is unusual. The same is told again
after WINDOW at the earliest.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Q

from customers.domain import audit
from customers.models import Customer, User
from loyalty_site.lib.actors import Actor
from rewards.models import AlertKind, Program, StaffAlert

WINDOW = timedelta(days=30)
TIMES = 3
LEAST: Mapping[str, int] = {"ADJUSTMENT": 10, "RETURN": 20, "COUPON": 20}

_SQL = (Path(__file__).resolve().parent.parent / "sql" / "staff_alerts.sql").read_text(encoding="utf-8")


def note_own(*, kind: AlertKind, fact: str, customer: Customer, by: Actor, at: datetime) -> None:
    """An alert when `by` is a member of staff whose e-mail address or phone is the customer's; once for each fact."""
    same = Q(pk__in=[])
    if customer.email:
        same |= Q(email__iexact=customer.email)
    if customer.phone:
        same |= Q(phone=customer.phone)
    if by.kind == "user" and User.objects.filter(same, pk=by.id or 0).exists():
        alert = StaffAlert(kind=kind, actor=str(by), fact=fact, customer=customer, noticed_at=at)
        StaffAlert.objects.bulk_create([alert], ignore_conflicts=True)


def look_over(*, at: datetime) -> int:
    """Looks at what staff and tills did in the WINDOW before `at`, in one statement; returns how many are new."""
    day = at.astimezone(ZoneInfo(Program.objects.current().timezone)).date().isoformat()
    values: dict[str, Any] = {"since": at - WINDOW, "at": at, "day": day, "times": TIMES, "least": json.dumps(LEAST)}
    with connection.cursor() as cursor:
        cursor.execute(_SQL, values)
        return int(cursor.rowcount)


@transaction.atomic
def see(*, alert: StaffAlert, by: Actor, at: datetime) -> None:
    """Somebody has looked at it; the first one is kept."""
    if StaffAlert.objects.filter(pk=alert.pk, seen_at__isnull=True).update(seen_at=at, seen_by=str(by)):
        audit.record(actor=by, action="alert.seen", subject=f"alert:{alert.pk}", at=at)
    alert.refresh_from_db(fields=["seen_at", "seen_by"])
