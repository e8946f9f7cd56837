"""What the programme owes its customers in points when a day ends, and how it came to that.

By when things happened, in the programme's zone, as wherever points are shown by day: a purchase told late and a file
of last year's belong to their own days, and each closing is the next opening. By when they were written, a lapse booked
an hour after midnight, and a whole year imported in one night, would lie on days on which nothing of it happened. The
price is that a past closing moves when something of the past is told later.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from django.db import connection

from rewards.models import EntryKind, Program

_SQL = Path(__file__).resolve().parent.parent / "sql"

# A share of fewer lots says nothing.
BREAKAGE_LOTS_MIN = 100


@dataclass(frozen=True, slots=True)
class Movement:
    """The days from `first` to `last`. Points as the ledger signs them: opening and movements sum to the closing."""

    first: date
    last: date
    opening: int
    awarded: int
    clawed_back: int
    redeemed: int
    reimbursed: int
    expired: int
    adjusted: int
    merged: int

    @property
    def closing(self) -> int:
        moved = self.awarded + self.clawed_back + self.redeemed + self.reimbursed
        return self.opening + moved + self.expired + self.adjusted + self.merged


@dataclass(frozen=True, slots=True)
class Breakage:
    """Of all `points` in the `lots` that were to lapse within a year, `lapsed` did so unspent."""

    lots: int
    points: int
    lapsed: int

    @property
    def share(self) -> Fraction:
        return Fraction(self.lapsed, self.points)


@dataclass(frozen=True, slots=True)
class Liability:
    """`closing` of the last day = spendable + pending + lapse_due − debt.

    `lapse_due` has lapsed and is not in the books yet. A debt is taken from what a customer earns next and is not set
    off against what others are owed. `breakage` is None without enough history. Amounts are minor units of `currency`.
    """

    months: Sequence[Movement]
    total: Movement
    spendable: int
    pending: int
    lapse_due: int
    debt: int
    currency: str
    point_value_minor: int
    breakage: Breakage | None

    @property
    def owed(self) -> int:
        """Points that customers can spend, now or later."""
        return self.spendable + self.pending

    @property
    def owed_minor(self) -> int:
        return self.owed * self.point_value_minor

    @property
    def expected_breakage(self) -> int | None:
        """How many of the points owed will lapse unspent, if they fare as those of the year before; rounded down.

        Rather too few: points that are left have fewer days to be spent than they had when they were earned.
        """
        return None if self.breakage is None else int(self.owed * self.breakage.share)


def report(*, first: date, last: date, at: datetime) -> Liability:
    """The days from `first` to `last` month by month; what is not over at `at` as far as it has come."""
    program = Program.objects.current()
    days = _firsts(first, last)
    bounds = _midnights(days)
    moved, balance, debt = _movements(bounds)
    opening = balance - sum(sum(points.values()) for points in moved.values())
    months = []
    for number, (begins, ends) in enumerate(zip(days, days[1:], strict=False), start=1):
        months.append(_movement(begins, ends - timedelta(days=1), opening, moved[number]))
        opening = months[-1].closing
    pending, lapse_due, breakage = _lots(min(bounds[-1], at))
    return Liability(
        months=months,
        total=_movement(first, last, months[0].opening, _summed(moved, len(months))),
        spendable=opening + debt - pending - lapse_due,
        pending=pending,
        lapse_due=lapse_due,
        debt=debt,
        currency=program.currency,
        point_value_minor=program.point_value_minor,
        breakage=breakage,
    )


def _firsts(first: date, last: date) -> list[date]:
    """`first`, the first days of the months after it, and the day after `last`."""
    days = [first]
    while (following := (days[-1].replace(day=1) + timedelta(days=32)).replace(day=1)) <= last:
        days.append(following)
    return [*days, last + timedelta(days=1)]


def _midnights(days: Sequence[date]) -> list[datetime]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(day::timestamp AT TIME ZONE terms.timezone ORDER BY day)"
            " FROM unnest(%s::date[]) AS day CROSS JOIN points_terms() AS terms",
            [list(days)],
        )
        return list(cursor.fetchone()[0])


def _movements(bounds: Sequence[datetime]) -> tuple[Mapping[int, Mapping[str, int]], int, int]:
    """Points by period and kind, those after the last bound too; the balance of now; the debt at the last bound."""
    moved: dict[int, dict[str, int]] = defaultdict(dict)
    balance = debt = 0
    with connection.cursor() as cursor:
        cursor.execute(_read("liability_movements"), {"bounds": list(bounds)})
        for period, kind, points, became_debt in cursor:
            if kind == "ACCOUNTS":
                balance, debt = points, debt + became_debt
            else:
                moved[period][kind] = points
                debt -= became_debt if period == len(bounds) else 0
    return moved, balance, debt


def _lots(at: datetime) -> tuple[int, int, Breakage | None]:
    year_before = at - timedelta(days=365)
    with connection.cursor() as cursor:
        cursor.execute(_read("liability_lots"), {"at": at, "year_before": year_before})
        pending, lapse_due, lots, points, lapsed = cursor.fetchone()
    return pending, lapse_due, Breakage(lots, points, lapsed) if lots >= BREAKAGE_LOTS_MIN else None


def _movement(first: date, last: date, opening: int, points: Mapping[str, int]) -> Movement:
    return Movement(
        first=first,
        last=last,
        opening=opening,
        awarded=points.get(EntryKind.AWARD, 0),
        clawed_back=points.get(EntryKind.CLAW_BACK, 0),
        redeemed=points.get(EntryKind.REDEEM, 0),
        reimbursed=points.get(EntryKind.REIMBURSE, 0),
        expired=points.get(EntryKind.EXPIRE, 0),
        adjusted=points.get(EntryKind.ADJUST, 0),
        merged=points.get(EntryKind.MERGE, 0),
    )


def _summed(moved: Mapping[int, Mapping[str, int]], periods: int) -> Mapping[str, int]:
    total: dict[str, int] = defaultdict(int)
    for period in range(1, periods + 1):
        for kind, points in moved[period].items():
            total[kind] += points
    return total


def _read(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")
