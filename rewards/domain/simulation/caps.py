"""What caps cut, in the order of time: pure, as `backfill_caps` does it in the books."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `points` a customer and `period` (PURCHASE, DAY, WEEK, MONTH or YEAR) from `valid_from` until before
    `valid_to`."""

    points: int
    period: str
    valid_from: datetime
    valid_to: datetime | None

    def period_of(self, local_at: datetime) -> object:
        day = local_at.date()
        match self.period:
            case "DAY":
                return day
            case "WEEK":
                return day.isocalendar()[:2]
            case "MONTH":
                return day.year, day.month
            case _:
                return day.year


@dataclass(slots=True)
class Counter:
    """One account's. `waiting` was earned before and is counted from a moment on: (moment, earned at, points)."""

    caps: Sequence[Cap]
    timezone: ZoneInfo
    waiting: list[tuple[datetime, datetime, int]] = field(default_factory=list)
    _counted: dict[tuple[str, object], int] = field(default_factory=lambda: defaultdict(int))
    _rooms: dict[int, int] = field(default_factory=dict)

    def count(self, points: int, at: datetime) -> None:
        """Points earned at `at`; fewer than none when they were taken back."""
        local = at.astimezone(self.timezone)
        for period, key in {(cap.period, cap.period_of(local)) for cap in self.caps if cap.period != "PURCHASE"}:
            self._counted[period, key] += points

    def learn(self, known_at: datetime) -> None:
        while self.waiting and self.waiting[0][0] < known_at:
            _, earned_at, points = self.waiting.pop(0)
            self.count(points, earned_at)

    def left_of(
        self, points: int, *, purchase: int, at: datetime, known_at: datetime, family: Sequence["Counter"]
    ) -> int:
        """How many of the points of a purchase the caps leave, for what was known when it was told of the customer and
        who was part of them."""
        for one in family:
            one.learn(known_at)
        local, left = at.astimezone(self.timezone), points
        for cap in self.caps:
            if cap.valid_from <= at and (cap.valid_to is None or at < cap.valid_to):
                key = cap.period, cap.period_of(local)
                before = 0 if cap.period == "PURCHASE" else sum(one._counted[key] for one in family)
                left = min(left, max(0, cap.points - before))
        self._rooms[purchase] = left
        self.count(left, at)
        return left

    def taken_back(self, before: int, after: int, *, purchase: int, earned_at: datetime) -> int:
        """What a return takes back that leaves `after` of `before` points, both before caps."""
        room = self._rooms.get(purchase)
        points = before - after if room is None else min(before, room) - min(after, room)
        self.count(-points, earned_at)
        return points
