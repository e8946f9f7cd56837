"""The only door to the ledger.

Each verb is one statement, a function of `rewards/sql`, and so atomic by itself and inside its caller's transaction: it
locks the account, looks whether the reference is in the books, writes the entry, moves lots and balance. A refusal
changes nothing and leaves the caller's transaction usable. The account stays locked until the transaction ends; whoever
books for several customers in one transaction goes by ascending customer id.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.models import EntryKind, PointsEntry

# Points given back after their lots lapsed can be spent for this many more days.
GRACE_DAYS = 30


class InsufficientPoints(DomainError):
    code = "insufficient_points"
    message = _("Not enough points: %(points)s wanted, %(available)s can be spent.")


class ReferenceReused(DomainError):
    code = "reference_reused"
    message = _("%(reference)s was booked before with other points.")


@dataclass(frozen=True, slots=True)
class PointsSummary:
    """`balance` is the ledger's: available, pending and what has lapsed since the last booking, minus debt.

    `expiring` lists what can be spent now and lapses, soonest first.
    """

    balance: int
    available: int
    pending: int
    debt: int
    expiring: tuple[tuple[int, datetime], ...]


def award(
    *,
    customer: Customer,
    points: int,
    reference: str,
    by: Actor,
    at: datetime,
    reason: str = "",
    breakdown: Mapping[str, object] | None = None,
) -> PointsEntry:
    """Points earned: they repay a debt first; the rest can be spent after the programme's pending days.

    Raises ReferenceReused.
    """
    return _add(EntryKind.AWARD, customer, points, reference, by, at, reason, breakdown)


def redeem(
    *, customer: Customer, points: int, reference: str, by: Actor, at: datetime, reason: str = ""
) -> PointsEntry:
    """Points spent, those that lapse soonest first. Raises InsufficientPoints, ReferenceReused."""
    return _take(EntryKind.REDEEM, customer, points, reference, by, at, reason)


def adjust(*, customer: Customer, points: int, reference: str, reason: str, by: Actor, at: datetime) -> PointsEntry:
    """A correction by hand, up (spendable at once) or down (never more than can be spent, so it makes no debt).

    Raises InsufficientPoints, ReferenceReused.
    """
    if points > 0:
        return _add(EntryKind.ADJUST, customer, points, reference, by, at, reason, None)
    return _take(EntryKind.ADJUST, customer, -points, reference, by, at, reason)


def claw_back(
    *, entry: PointsEntry, points: int, reference: str, by: Actor, at: datetime, reason: str = ""
) -> PointsEntry:
    """Takes back points of an award whose purchase was returned: from its own lot, then from others, then as a debt.

    What lapsed from its own lot counts first: it was never used. With ShortfallPolicy.WITHIN_BALANCE what is missing is
    forgiven. The breakdown says how many points were `asked`, `lapsed` and `forgiven`; the entry may be of 0 points.
    Raises ReferenceReused; asking for more than the award's points in all is an IntegrityError.
    """
    _refuse_unless(entry.kind == EntryKind.AWARD and points > 0)
    taken = _call("points_claw_back", entry.customer_id, entry.pk, points, reference, at, str(by), reason)
    if taken is None or (taken.corrects_id, (taken.breakdown or {}).get("asked")) != (entry.pk, points):
        raise ReferenceReused(reference=reference)
    return taken


def reimburse(*, entry: PointsEntry, by: Actor, at: datetime, reason: str = "") -> PointsEntry:
    """Gives back all that a redemption took, once, to the very lots, which keep their dates.

    A debt is repaid first. What came from lots that lapsed meanwhile comes back as a lot good for GRACE_DAYS.
    """
    _refuse_unless(entry.kind == EntryKind.REDEEM)
    given = _call("points_reimburse", entry.customer_id, entry.pk, at, str(by), reason, GRACE_DAYS)
    assert given is not None
    return given


def expire(*, at: datetime, limit: int) -> int:
    """Books what has lapsed, for up to `limit` lots; call it until it returns 0. Returns how many accounts it changed.

    Spending never waits for it: what has lapsed cannot be spent, booked or not.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT points_expire(%s, %s)", [at, limit])
        return int(cursor.fetchone()[0])


def lock(*, customer: Customer) -> None:
    """Keeps everybody else from booking for this customer until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT points_lock(%s)", [customer.pk])


def summary(*, customer: Customer, at: datetime) -> PointsSummary:
    """What the customer has at `at`, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMMARY, {"customer": customer.pk, "at": at})
        rows = cursor.fetchall()
    balance, debt = (rows[0][0], rows[0][1]) if rows else (0, 0)
    lots = [(points, is_available, expires_at) for _, _, points, is_available, expires_at in rows if points]
    return PointsSummary(
        balance=balance,
        available=sum(points for points, is_available, _ in lots if is_available),
        pending=sum(points for points, is_available, _ in lots if not is_available),
        debt=debt,
        expiring=tuple((points, lapses) for points, is_available, lapses in lots if is_available and lapses),
    )


_SUMMARY = """
    SELECT account.balance, account.debt, lot.points, lot.is_available, lot.expires_at
    FROM rewards_pointsaccount account
    LEFT JOIN (
        SELECT customer_id, sum(remaining)::bigint AS points, available_at <= %(at)s AS is_available, expires_at
        FROM rewards_pointslot
        WHERE customer_id = %(customer)s AND remaining > 0 AND (expires_at IS NULL OR expires_at > %(at)s)
        GROUP BY customer_id, is_available, expires_at
    ) lot USING (customer_id)
    WHERE customer_id = %(customer)s
    ORDER BY lot.expires_at
"""


def _add(
    kind: EntryKind,
    customer: Customer,
    points: int,
    reference: str,
    by: Actor,
    at: datetime,
    reason: str,
    breakdown: Mapping[str, object] | None,
) -> PointsEntry:
    _refuse_unless(points > 0)
    details = None if breakdown is None else json.dumps(breakdown, ensure_ascii=False)
    entry = _call("points_award", customer.pk, kind, points, reference, at, str(by), reason, details)
    return _same(entry, points, reference)


def _take(
    kind: EntryKind, customer: Customer, points: int, reference: str, by: Actor, at: datetime, reason: str
) -> PointsEntry:
    _refuse_unless(points > 0)
    entry = _call("points_redeem", customer.pk, kind, points, reference, at, str(by), reason)
    if entry is None:
        raise InsufficientPoints(points=points, available=summary(customer=customer, at=at).available)
    return _same(entry, -points, reference)


def _same(entry: PointsEntry | None, points: int, reference: str) -> PointsEntry:
    """`entry`, unless it is an earlier one of the same reference that says something else."""
    if entry is None or entry.points != points:
        raise ReferenceReused(reference=reference)
    return entry


def _refuse_unless(makes_sense: bool) -> None:
    """Callers know these bounds; a breach is their fault, not a refusal to show to anybody."""
    if not makes_sense:
        raise ValueError("points must be positive, and the entry of the kind that is corrected this way")


def _call(function: str, *arguments: object) -> PointsEntry | None:
    """The entry that a function of rewards/sql returns, if it returns one."""
    marks = ", ".join(["%s"] * len(arguments))
    return next(iter(PointsEntry.objects.raw(f"SELECT * FROM {function}({marks})", arguments)), None)  # noqa: S608
