"""One customer's points, event by event: the ledger's own rules in plain Python, no database, no clock.

What is read from history keeps its moment; a return takes from its award's own lot first, spending from the lot that
lapses soonest. Where a draft leaves a customer without the points that they spent in truth, the rest is `uncovered`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(slots=True)
class Lot:
    """`award` is the purchase that brought the points, None when none did. `moves`: an activity puts off its lapse."""

    points: int
    available_at: datetime
    expires_at: datetime | None
    award: int | None = None
    moves: bool = False
    lapsed: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """What happened at `at`: `lot` came, or `points` were spent, or taken back for the award `award`.

    `idle_until` is when points that lapse after inactivity lapse from here on; None when this is no activity.
    """

    at: datetime
    kind: Literal["lot", "spend", "take_back"]
    points: int = 0
    lot: Lot | None = None
    award: int | None = None
    idle_until: datetime | None = None


@dataclass(slots=True)
class Account:
    """What is left, and what became of the rest."""

    keeps_debts: bool
    lots: list[Lot] = field(default_factory=list)
    debt: int = 0
    awarded: int = 0
    taken_back: int = 0
    spent: int = 0
    uncovered: int = 0
    lapsed: int = 0

    def replay(self, events: Iterable[Event], *, until: datetime) -> None:
        """`events` in the order of their time; then what has lapsed by `until` is booked."""
        for event in events:
            if event.idle_until:
                self._keep_alive(event.at, event.idle_until)
            if event.lot:
                self._add(event.lot)
            elif event.kind == "spend":
                self._spend(event.points, event.at)
            else:
                self._take_back(event.points, event.award, event.at)
        self._lapse(until)

    @property
    def outstanding(self) -> int:
        """Points in the lots, spendable or not yet."""
        return sum(lot.points for lot in self.lots)

    def _add(self, lot: Lot) -> None:
        self.awarded += lot.points if lot.award is not None else 0
        repaid = min(self.debt, lot.points)
        self.debt -= repaid
        lot.points -= repaid
        self.lots.append(lot)

    def _keep_alive(self, at: datetime, until: datetime) -> None:
        for lot in self.lots:
            if lot.moves and lot.expires_at and at < lot.expires_at < until:
                lot.expires_at = until

    def _spend(self, points: int, at: datetime) -> None:
        usable = [
            lot for lot in self.lots if lot.available_at <= at and (lot.expires_at is None or lot.expires_at > at)
        ]
        left = _take(usable, points)
        self.spent += points - left
        self.uncovered += left

    def _take_back(self, points: int, award: int | None, at: datetime) -> None:
        self._lapse(at)
        own = [lot for lot in self.lots if lot.award == award and award is not None]
        for lot in own:
            gone = min(lot.lapsed, points)
            lot.lapsed -= gone
            points -= gone
        left = _take(self.lots, _take(own, points))
        self.taken_back += points if self.keeps_debts else points - left
        self.debt += left if self.keeps_debts else 0

    def _lapse(self, at: datetime) -> None:
        for lot in self.lots:
            if lot.points and lot.expires_at and lot.expires_at <= at:
                self.lapsed += lot.points
                lot.lapsed += lot.points
                lot.points = 0


def _take(lots: list[Lot], points: int) -> int:
    """Takes from the lot that lapses soonest on; returns how many points are missing."""
    for lot in sorted(lots, key=lambda one: (one.expires_at is None, one.expires_at or one.available_at)):
        taken = min(lot.points, points)
        lot.points -= taken
        points -= taken
    return points
