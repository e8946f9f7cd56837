"""The only door to the ledger.

Each verb is one statement, a function of `rewards/sql`, and so atomic by itself and inside its caller's transaction: it
locks the account, looks whether the reference is in the books, writes the entry, moves lots and balance. A refusal
changes nothing and leaves the caller's transaction usable; only CustomerMerged and CustomerClosed, of a customer who
was read before that happened, end it. The account stays locked until the transaction ends; whoever books for several
customers in one transaction goes by ascending customer id.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import IntegrityError, connection, models
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from customers.domain.customers import CustomerClosed, CustomerMerged
from customers.models import Customer
from loyalty_site.lib import statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.models import EntryKind, HoldState, PointsEntry, PointsHold

# Points given back after their lots lapsed can be spent for this many more days.
GRACE_DAYS = 30

_GONE: Mapping[str | None, type[DomainError]] = {
    "points_customer_is_not_merged": CustomerMerged,
    "points_customer_is_not_closed": CustomerClosed,
}
_Row = TypeVar("_Row", bound=models.Model)


class InsufficientPoints(DomainError):
    code = "insufficient_points"
    message = _("Not enough points: %(points)s wanted, %(available)s can be spent.")


class ReferenceReused(DomainError):
    code = "reference_reused"
    message = _("%(reference)s was booked before with other points.")


class HoldExpired(DomainError):
    code = "hold_expired"
    message = _("The points are no longer held: the time to take them is over.")


class HoldReleased(DomainError):
    code = "hold_released"
    message = _("The points are no longer held: the hold was released.")


class HoldCaptured(DomainError):
    code = "hold_captured"
    message = _("The points that were held are spent already.")


@dataclass(frozen=True, slots=True)
class PointsSummary:
    """`balance` is the ledger's: available, pending, held and what has lapsed since the last booking, minus debt.

    `held` is in active holds. `expiring` lists what can be spent now and lapses, soonest first.
    """

    balance: int
    available: int
    pending: int
    held: int
    debt: int
    expiring: tuple[tuple[int, datetime], ...]


def award(
    *,
    customer: Customer,
    points: int,
    reference: str,
    by: Actor,
    at: datetime,
    booked_at: datetime | None = None,
    reason: str = "",
    breakdown: Mapping[str, object] | None = None,
) -> PointsEntry:
    """Points earned: they repay a debt first; the rest can be spent after the programme's pending days.

    `booked_at` is when what happened at `at` is told, if that is later: what has lapsed by then stays so. Raises
    ReferenceReused.
    """
    return _add(EntryKind.AWARD, customer, points, reference, by, at, reason, breakdown, booked_at or at)


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
        return _add(EntryKind.ADJUST, customer, points, reference, by, at, reason, None, at)
    return _take(EntryKind.ADJUST, customer, -points, reference, by, at, reason)


def hold(*, customer: Customer, points: int, ttl: timedelta, reference: str, by: Actor, at: datetime) -> PointsHold:
    """Keeps points from being spent by others for `ttl`, those that lapse soonest first; the balance stays.

    A reference once in use by the customer finds the first hold, however it ended. Raises InsufficientPoints,
    ReferenceReused.
    """
    _refuse_unless(points > 0 and ttl > timedelta())
    kept = _call(PointsHold, "points_hold", customer.pk, points, reference, at, at + ttl, str(by))
    if kept is None:
        raise InsufficientPoints(points=points, available=summary(customer=customer, at=at).available)
    if kept.points != points:
        raise ReferenceReused(reference=reference)
    return kept


def capture(*, hold: PointsHold, by: Actor, at: datetime) -> PointsEntry:
    """Redeems what the hold keeps, also what lapsed meanwhile; told again, the same entry.

    `hold` itself is not read again. Raises HoldExpired, HoldReleased.
    """
    entry = _call(PointsEntry, "points_capture", hold.pk, at, str(by))
    if entry is None:
        state = PointsHold.objects.values_list("state", flat=True).get(pk=hold.pk)
        raise HoldReleased if state == HoldState.RELEASED else HoldExpired
    return entry


def release(*, hold: PointsHold, by: Actor, at: datetime) -> PointsHold:
    """Lets others spend the points again; what lapsed meanwhile lapses. Raises HoldCaptured."""
    ended = _call(PointsHold, "points_release", hold.pk, at, str(by))
    assert ended is not None
    if ended.state == HoldState.CAPTURED:
        raise HoldCaptured
    return ended


def claw_back(
    *, entry: PointsEntry, points: int, reference: str, by: Actor, at: datetime, reason: str = ""
) -> PointsEntry:
    """Takes back points of an award whose purchase was returned: from its own lot, then from others, then as a debt.

    What lapsed from its own lot counts first: it was never used. Holds are released, the newest first, where only they
    are in the way. With ShortfallPolicy.WITHIN_BALANCE what is missing is
    forgiven. The breakdown says how many points were `asked`, `lapsed` and `forgiven`; the entry may be of 0 points.
    Raises ReferenceReused; asking for more than the award's points in all is an IntegrityError.
    """
    _refuse_unless(entry.kind == EntryKind.AWARD and points > 0)
    taken = _call(PointsEntry, "points_claw_back", entry.customer_id, entry.pk, points, reference, at, str(by), reason)
    if taken is None or (taken.corrects_id, (taken.breakdown or {}).get("asked")) != (entry.pk, points):
        raise ReferenceReused(reference=reference)
    return taken


def reimburse(
    *,
    entry: PointsEntry,
    by: Actor,
    at: datetime,
    points: int | None = None,
    reference: str | None = None,
    reason: str = "",
) -> PointsEntry:
    """Gives back points that a redemption took, or all that is left of them, to the very lots, which keep their dates.

    Points that claw-backs forgave since the redemption, because they were spent, are made good first, then a debt. What
    came from lots that lapsed meanwhile comes back as lots good for GRACE_DAYS that carry those on. The breakdown says
    how many were `asked`, which claw-backs (ids) were `recouped` and which lots (ids) `renewed`; the entry may be of 0
    points. Raises ReferenceReused; asking for more than the redemption's points in all is an IntegrityError.
    """
    _refuse_unless(entry.kind == EntryKind.REDEEM and (points is None or points > 0))
    reference = reference or f"entry:{entry.pk}"
    given = _call(
        PointsEntry,
        "points_reimburse",
        entry.customer_id,
        entry.pk,
        points,
        reference,
        at,
        str(by),
        reason,
        GRACE_DAYS,
    )
    if given is None or given.corrects_id != entry.pk or points not in (None, _asked(given)):
        raise ReferenceReused(reference=reference)
    return given


def expire(*, at: datetime, limit: int) -> int:
    """Books what has lapsed, for up to `limit` lots; call it until it returns 0. Returns how many accounts it changed.

    Spending never waits for it: what has lapsed cannot be spent, booked or not.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT points_expire(%s, %s)", [at, limit])
        return int(cursor.fetchone()[0])


def lock(*, customer: Customer) -> None:
    """Keeps everybody else from booking for this customer until the transaction ends.

    Raises CustomerMerged, CustomerClosed.
    """
    with refusing_who_is_gone():
        statements.rows("SELECT points_lock(%s)", (customer.pk,))


def lock_owner(*, customer: Customer) -> Customer:
    """The same for whoever this customer was merged into, or who has left: to put right what was booked before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT points_lock_owner(%s)", [customer.pk])
        return Customer.objects.get(pk=cursor.fetchone()[0])


def release_all(*, customer: Customer, by: Actor, at: datetime) -> None:
    """Releases all holds of a customer who leaves; the account stays locked until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT points_release_holds(%s, %s, %s)", [customer.pk, at, str(by)])


@contextmanager
def refusing_who_is_gone() -> Iterator[None]:
    """Around calls that lock an account: the database knows, under the lock, however long ago the caller read the
    customer. Raises CustomerMerged, CustomerClosed."""
    try:
        yield
    except IntegrityError as error:
        refusal = _GONE.get(getattr(getattr(error.__cause__, "diag", None), "constraint_name", None))
        if refusal is None:
            raise
        raise refusal from error


def booked(*, customer: Customer | None, reference: str) -> dict[str, PointsEntry]:
    """What stands in the books under this reference, by kind, in the account of whoever the customer then was."""
    if customer is None:
        return {}
    accounts = RawSQL("SELECT points_relatives(%s)", [customer.pk])
    return {entry.kind: entry for entry in PointsEntry.objects.filter(customer__in=accounts, reference=reference)}


def summary(*, customer: Customer, at: datetime, answer: Sequence[tuple[Any, ...]] | None = None) -> PointsSummary:
    """What the customer has at `at`, in one query. `answer` is what points_summary said, where the caller has had it
    called with other work."""
    rows = answer
    if rows is None:
        rows = statements.rows("SELECT * FROM points_summary(%s, %s)", (customer.pk, at))
    balance, debt, held = rows[0][:3] if rows else (0, 0, 0)
    lots = [(points, is_available, expires_at) for *_, points, is_available, expires_at in rows if points]
    return PointsSummary(
        balance=balance,
        available=sum(points for points, is_available, _ in lots if is_available),
        pending=sum(points for points, is_available, _ in lots if not is_available),
        held=held,
        debt=debt,
        expiring=tuple((points, lapses) for points, is_available, lapses in lots if is_available and lapses),
    )


def _add(
    kind: EntryKind,
    customer: Customer,
    points: int,
    reference: str,
    by: Actor,
    at: datetime,
    reason: str,
    breakdown: Mapping[str, object] | None,
    booked_at: datetime,
) -> PointsEntry:
    _refuse_unless(points > 0)
    details = None if breakdown is None else json.dumps(breakdown, ensure_ascii=False)
    values = (customer.pk, kind, points, reference, at, str(by), reason, details, booked_at)
    entry = _call(PointsEntry, "points_award", *values)
    return _same(entry, points, reference)


def _take(
    kind: EntryKind, customer: Customer, points: int, reference: str, by: Actor, at: datetime, reason: str
) -> PointsEntry:
    _refuse_unless(points > 0)
    entry = _call(PointsEntry, "points_redeem", customer.pk, kind, points, reference, at, str(by), reason)
    if entry is None:
        raise not_enough(customer=customer, points=points, at=at)
    return _same(entry, -points, reference)


def not_enough(*, customer: Customer, points: int, at: datetime) -> InsufficientPoints:
    """Says how many there are."""
    return InsufficientPoints(points=points, available=summary(customer=customer, at=at).available)


def _same(entry: PointsEntry | None, points: int, reference: str) -> PointsEntry:
    """`entry`, unless it is an earlier one of the same reference that says something else."""
    if entry is None or entry.points != points:
        raise ReferenceReused(reference=reference)
    return entry


def _refuse_unless(makes_sense: bool) -> None:
    """Callers know these bounds; a breach is their fault, not a refusal to show to anybody."""
    if not makes_sense:
        raise ValueError("points and times must be positive, and the entry of the kind that is corrected this way")


def _asked(correction: PointsEntry) -> int:
    return int((correction.breakdown or {}).get("asked", correction.points))


def _call(model: type[_Row], function: str, *arguments: object) -> _Row | None:
    """The row that a function of rewards/sql returns, if it returns one."""
    marks = ", ".join(["%s"] * len(arguments))
    columns = statements.columns(model, "booked")
    with refusing_who_is_gone():
        found = statements.rows(f"SELECT {columns} FROM {function}({marks}) AS booked", arguments)  # noqa: S608
    return statements.instance(model, found[0]) if found else None
