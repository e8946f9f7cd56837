"""One customer's points, event by event: the ledger's own rules in plain Python, no database, no clock.

What is read from history keeps its moment; a return takes from its award's own lot first, spending from the lot that
lapses soonest. Where a draft leaves a customer without the points that they spent in truth, the rest is `uncovered`.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal


@dataclass(slots=True)
class Lot:
    """`award` is the purchase that brought the points, None when none did. `moves`: an activity puts off its lapse.

    `known_at` is when the programme learnt of it, where that was after the replay begins. `homes` are
    customers whose it was before merges brought it here.
    """

    points: int
    available_at: datetime
    expires_at: datetime | None
    award: int | None = None
    moves: bool = False
    lapsed: int = 0
    known_at: datetime | None = None
    homes: frozenset[int] = frozenset()


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
    """What is left, and what became of the rest. `lots` at the start may have some that are known later.

    `spendings` are what each entry took, and `origins` the lots of all awards, of all accounts that merges ever joined.
    """

    customer: int
    keeps_debts: bool
    lots: list[Lot] = field(default_factory=list)
    debt: int = 0
    awarded: int = 0
    taken_back: int = 0
    spent: int = 0
    uncovered: int = 0
    lapsed: int = 0
    spendings: dict[int | None, list[Part]] = field(default_factory=dict)
    relatives: list["Account"] = field(default_factory=list)
    activities: list[tuple[datetime, datetime]] = field(default_factory=list)
    late: list[Lot] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.late = [lot for lot in self.lots if lot.known_at]
        self.late.sort(key=lambda lot: lot.known_at or lot.available_at)
        self.lots = [lot for lot in self.lots if lot.known_at is None]
        self.relatives = self.relatives or [self]

    def happen(self, event: Event) -> None:
        """Events come in the order in which they became known."""
        self.learn(event.known_at or event.at)
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

    def learn(self, at: datetime) -> None:
        """What was told late, and before `at`, is there from now on."""
        while self.late and (self.late[0].known_at or at) < at:
            self._add(self.late.pop(0), is_earned=False)

    def finish(self, until: datetime) -> None:
        """All is known, and what has lapsed by `until` is booked."""
        while self.late:
            self._add(self.late.pop(0), is_earned=False)
        self.lapse(until)

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
        self.activities.append((event.at, until))
        for lot in self.lots:
            if lot.moves and lot.expires_at and (event.open_at or event.at) < lot.expires_at < until:
                lot.expires_at = until

    def _keep_alive_too(self, late: Lot) -> None:
        """What the customer did after a purchase and before it was told puts off the lapse of its points as well."""
        for at, until in sorted(self.activities):
            if late.expires_at and at < late.expires_at < until:
                late.expires_at = until

    def _spend(self, points: int, entry: int | None, at: datetime) -> None:
        usable = [
            lot for lot in self.lots if lot.available_at <= at and (lot.expires_at is None or lot.expires_at > at)
        ]
        parts = take(usable, points)
        covered = sum(part.points for part in parts)
        self.spendings[entry] = parts
        self.spent += covered
        self.uncovered += points - covered

    def _give_back(self, points: int, entry: int | None, fresh: Lot) -> None:
        """A debt first. Then to the lots that lapse last; no more than was there to spend."""
        at, parts = fresh.available_at, self.spendings.get(entry, [])
        points = min(points, sum(part.points for part in parts))
        repaid = min(self.debt, points)
        self.debt -= repaid
        points -= repaid
        renewed = []
        for part in sorted(parts, key=lambda one: lapse_order(one.lot))[::-1]:
            back = min(part.points, points)
            part.points -= back
            points -= back
            if part.lot.expires_at is None or part.lot.expires_at > at:
                self._fill(part.lot, back)
            elif back:
                renewed.append(replace(fresh, points=back, award=part.lot.award, homes=self._homes(part.lot)))
        self.lots += renewed[::-1]

    def _fill(self, lot: Lot, points: int) -> None:
        """One that a merge has emptied since comes here as one with the same dates."""
        if any(lot is one for one in self.lots):
            lot.points += points
        elif points:
            self.lots.append(replace(lot, points=points, lapsed=0, homes=self._homes(lot)))

    def _homes(self, lot: Lot) -> frozenset[int]:
        """Also whose lot it is now."""
        return lot.homes | {one.customer for one in self.relatives if any(lot is other for other in one.lots)}

    def _take_back(self, points: int, award: int | None, at: datetime) -> None:
        self.lapse(at)
        own = [lot for lot in self.lots if lot.award == award and award is not None]
        carried = [lot for one in self.relatives for lot in one.lots if lot.award == award and award is not None]
        for lot in sorted(carried, key=lambda one: one.lapsed):
            gone = min(lot.lapsed, points)
            lot.lapsed -= gone
            points -= gone
        left = points - sum(part.points for part in take(own, points))
        left -= sum(part.points for part in take(self.lots, left))
        self.taken_back += points if self.keeps_debts else points - left
        self.debt += left if self.keeps_debts else 0

    def lapse(self, at: datetime) -> None:
        for lot in self.lots:
            if lot.points and lot.expires_at and lot.expires_at <= at:
                self.lapsed += lot.points
                lot.lapsed += lot.points
                lot.points = 0


def take(lots: list[Lot], points: int) -> list[Part]:
    """Takes from the lot that lapses soonest on, as far as there is any."""
    parts = []
    for lot in sorted(lots, key=lapse_order):
        taken = min(lot.points, points)
        if taken:
            lot.points -= taken
            points -= taken
            parts.append(Part(lot, taken))
    return parts


def lapse_order(lot: Lot) -> tuple[bool, datetime]:
    return lot.expires_at is None, lot.expires_at or lot.available_at
