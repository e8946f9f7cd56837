"""One customer's points, event by event: the ledger's own rules in plain Python, no database, no clock.

What is read from history keeps its moment; a return takes from its award's own lot first, spending from the lot that
lapses soonest. Where a draft leaves a customer without the points that they spent in truth, the rest is `uncovered`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal


@dataclass(slots=True)
class Lot:
    """`award` is the purchase that brought the points, None when none did. `moves`: an activity puts off its lapse.

    `known_at` is when the programme learnt of it, where that was after the replay begins.
    """

    points: int
    available_at: datetime
    expires_at: datetime | None
    award: int | None = None
    moves: bool = False
    lapsed: int = 0
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What happened at `at`: `lot` came, or `points` were spent by `entry`, or taken back for the award `award`.

    Or `points` that `entry` spent were given back to their lots, and as ones like `lot` what came from lots that
    lapsed; what was spent before the replay begins comes as the very lots again (`refill`).
    `idle_until` is when points that lapse after inactivity lapse from here on; None when this is no activity. What had
    lapsed by `open_at` stays so; nothing was known of it before `known_at`.
    """

    at: datetime
    kind: Literal["lot", "refill", "spend", "take_back", "give_back"]
    points: int = 0
    lot: Lot | None = None
    award: int | None = None
    idle_until: datetime | None = None
    entry: int | None = None
    known_at: datetime | None = None
    open_at: datetime | None = None


@dataclass(slots=True)
class Part:
    """What was taken from a lot and not given back."""

    lot: Lot
    points: int


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
    _spendings: dict[int | None, list[Part]] = field(default_factory=dict)
    _activities: list[tuple[datetime, datetime]] = field(default_factory=list)

    def replay(self, events: Iterable[Event], *, until: datetime) -> None:
        """`events` in the order in which they became known; then what has lapsed by `until` is booked.

        Lots and a debt at the start are of customers who were merged since: the one repays the other.
        """
        late = sorted((lot for lot in self.lots if lot.known_at), key=lambda lot: lot.known_at or until)
        self.lots = [lot for lot in self.lots if lot.known_at is None]
        self.debt -= sum(part.points for part in _take(self.lots, self.debt))
        for event in events:
            while late and (late[0].known_at or until) < (event.known_at or event.at):
                self._add(late.pop(0), is_earned=False)
            if event.idle_until:
                self._keep_alive(event, event.idle_until)
            if event.kind == "give_back" and event.lot:
                self._give_back(event.points, event.entry, event.lot)
            elif event.lot:
                if event.kind == "lot" and event.lot.moves:
                    self._keep_alive_too(event.lot)
                self._add(event.lot, is_earned=event.kind == "lot" and event.award is not None)
            elif event.kind == "spend":
                self._spend(event.points, event.entry, event.at)
            else:
                self._take_back(event.points, event.award, event.at)
        for lot in late:
            self._add(lot, is_earned=False)
        self._lapse(until)

    @property
    def outstanding(self) -> int:
        """Points in the lots, spendable or not yet."""
        return sum(lot.points for lot in self.lots)

    def _add(self, lot: Lot, *, is_earned: bool) -> None:
        self.awarded += lot.points if is_earned else 0
        repaid = min(self.debt, lot.points)
        self.debt -= repaid
        lot.points -= repaid
        self.lots.append(lot)

    def _keep_alive(self, event: Event, until: datetime) -> None:
        self._activities.append((event.at, until))
        for lot in self.lots:
            if lot.moves and lot.expires_at and (event.open_at or event.at) < lot.expires_at < until:
                lot.expires_at = until

    def _keep_alive_too(self, late: Lot) -> None:
        """What the customer did after a purchase and before it was told puts off the lapse of its points as well."""
        for at, until in sorted(self._activities):
            if late.expires_at and at < late.expires_at < until:
                late.expires_at = until

    def _spend(self, points: int, entry: int | None, at: datetime) -> None:
        usable = [
            lot for lot in self.lots if lot.available_at <= at and (lot.expires_at is None or lot.expires_at > at)
        ]
        parts = _take(usable, points)
        covered = sum(part.points for part in parts)
        self._spendings[entry] = parts
        self.spent += covered
        self.uncovered += points - covered

    def _give_back(self, points: int, entry: int | None, fresh: Lot) -> None:
        """A debt first. Then to the lots that lapse last; no more than was there to spend."""
        at, parts = fresh.available_at, self._spendings.get(entry, [])
        points = min(points, sum(part.points for part in parts))
        repaid = min(self.debt, points)
        self.debt -= repaid
        points -= repaid
        renewed = []
        for part in sorted(parts, key=lambda one: _lapse_order(one.lot))[::-1]:
            back = min(part.points, points)
            part.points -= back
            points -= back
            if part.lot.expires_at is None or part.lot.expires_at > at:
                part.lot.points += back
            elif back:
                renewed.append(replace(fresh, points=back, award=part.lot.award))
        self.lots += renewed[::-1]

    def _take_back(self, points: int, award: int | None, at: datetime) -> None:
        self._lapse(at)
        own = [lot for lot in self.lots if lot.award == award and award is not None]
        for lot in own:
            gone = min(lot.lapsed, points)
            lot.lapsed -= gone
            points -= gone
        left = points - sum(part.points for part in _take(own, points))
        left -= sum(part.points for part in _take(self.lots, left))
        self.taken_back += points if self.keeps_debts else points - left
        self.debt += left if self.keeps_debts else 0

    def _lapse(self, at: datetime) -> None:
        for lot in self.lots:
            if lot.points and lot.expires_at and lot.expires_at <= at:
                self.lapsed += lot.points
                lot.lapsed += lot.points
                lot.points = 0


def _take(lots: list[Lot], points: int) -> list[Part]:
    """Takes from the lot that lapses soonest on, as far as there is any."""
    parts = []
    for lot in sorted(lots, key=_lapse_order):
        taken = min(lot.points, points)
        if taken:
            lot.points -= taken
            points -= taken
            parts.append(Part(lot, taken))
    return parts


def _lapse_order(lot: Lot) -> tuple[bool, datetime]:
    return lot.expires_at is None, lot.expires_at or lot.available_at
