"""Rounds, medians and rows of the table."""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Scale:
    """How much work: `rounds` of `seconds`, on `share` of the rows that the targets name."""

    rounds: int = 5
    seconds: float = 2.0
    share: float = 1.0

    def rows(self, full: int) -> int:
        return max(20, round(full * self.share))

    def clients(self, *full: int) -> list[int]:
        """At most four of them where nothing is measured: each is a process."""
        return sorted({min(number, 4) for number in full}) if self.seconds < 1 else list(full)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `unit` is "/s" (more is better, the target a floor) or "s" (less, the target a ceiling).

    `ratios` are of the rounds, ours to the limit's; `note` is said below the table.
    """

    work: str
    beside: str
    limit: float
    ours: float
    unit: str
    ratios: Sequence[float]
    target: float
    note: str = ""

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def is_reached(self) -> bool:
        return self.ratio >= self.target if self.unit == "/s" else self.ratio <= self.target

    def noted(self, note: str) -> "Row":
        return replace(self, note=note)


def side_by_side(
    *,
    work: str,
    beside: str,
    limit: Callable[[int], float],
    ours: Callable[[int], float],
    unit: str,
    target: float,
    scale: Scale,
) -> Row:
    """Limit, ours, limit, ours …: each is given the round's number, from 0, and returns its rate or its seconds."""
    pairs = []
    for number in range(scale.rounds):
        pairs.append((limit(number), ours(number)))
        say(f"  {work}, round {number + 1}: limit {pairs[-1][0]:.3g} {unit}, ours {pairs[-1][1]:.3g} {unit}")
    return Row(
        work=work,
        beside=beside,
        limit=statistics.median(limit for limit, _ in pairs),
        ours=statistics.median(ours for _, ours in pairs),
        unit=unit,
        ratios=[ours / limit for limit, ours in pairs],
        target=target,
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
