"""What came of an experiment: who came back and what they spent, by arm, and how sure one can be of the difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from rewards.domain import statistics
from rewards.domain.statistics import Interval, Moments, Size
from rewards.models import Arm, Experiment, ExperimentKind, Program, ReturnWindow

_SQL = Path(__file__).resolve().parent.parent.parent / "sql"

# With fewer in an arm, no interval of spend can be trusted: docs/experiments.md.
SPEND_FROM = 100
UNBALANCED_FROM = 0.1
RATIO_WRONG_BELOW = 0.001


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of `customers` of one arm, `complete` had their whole window; of these `came` came back. The rest is pending.

    `visits` are purchases, `spent` is what was paid in minor units of the programme's currency, by customer, who did
    not come with 0. What was brought back later is not taken off.
    """

    customers: int
    complete: int
    came: int
    visits: Moments
    spent: Moments

    @property
    def pending(self) -> int:
        return self.customers - self.complete

    @property
    def rate(self) -> Interval | None:
        return statistics.wilson(self.came, self.complete) if self.complete else None


NOBODY = Outcome(0, 0, 0, Moments(0, 0, 0, 0), Moments(0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Window:
    """Both arms in the `days` after the assignment; 0 is the time before it."""

    days: int
    treated: Outcome
    held_out: Outcome

    @property
    def came_more(self) -> Interval | None:
        """How much larger the share is that came back when treated, −1 to 1. None while an arm is empty."""
        if not (self.treated.complete and self.held_out.complete):
            return None
        return statistics.newcombe(self.treated.came, self.treated.complete, self.held_out.came, self.held_out.complete)

    @property
    def spent_more(self) -> Interval | None:
        """Minor units for each customer. None with fewer than SPEND_FROM in an arm."""
        return self._difference(self.treated.spent, self.held_out.spent)

    @property
    def visited_more(self) -> Interval | None:
        """Visits for each customer."""
        return self._difference(self.treated.visits, self.held_out.visits)

    @staticmethod
    def _difference(treated: Moments, held_out: Moments) -> Interval | None:
        if min(treated.n, held_out.n) < SPEND_FROM:
            return None
        return statistics.difference_of_means(treated, held_out)


@dataclass(frozen=True, slots=True)
class Given:
    """What an arm used in its window, of any offer: `discount_minor` that its coupons took off, in the programme's
    currency, and `gifts` handed over."""

    discount_minor: int = 0
    gifts: int = 0


@dataclass(frozen=True, slots=True)
class Imbalance:
    """How far apart the arms were before anything was given, in units of the spread, and what chance explains."""

    came: float
    spent: float
    by_chance: float

    @property
    def is_large(self) -> bool:
        return max(abs(self.came), abs(self.spent)) > max(UNBALANCED_FROM, self.by_chance)


@dataclass(frozen=True, slots=True)
class Report:
    """`windows` after 7, 30 and 90 days; `main` is the planned one. Amounts are minor units of `currency`.

    `size` is what the plan asks for, None without a hold-out. `cost_minor` is what the treated of `main` redeemed in
    its days of what they were given, a gesture or the coupon of a mailing; None where that is not known, as of gifts
    without a price, and of surveys, which give none. `given` is all that each arm used in these days, by arm.
    """

    experiment: Experiment
    at: datetime
    currency: str
    windows: Sequence[Window]
    before: Window
    size: Size | None
    cost_minor: int | None
    given: Mapping[str, Given]

    @property
    def main(self) -> Window:
        return next(window for window in self.windows if window.days == self.experiment.window_days)

    @property
    def is_enough(self) -> bool:
        """Whether as many customers as planned have had their whole window."""
        main, size = self.main, self.size
        return size is not None and main.treated.complete >= size.treated and main.held_out.complete >= size.holdout

    @property
    def is_time(self) -> bool:
        return self.at >= read_on(self.experiment)

    @property
    def is_final(self) -> bool:
        """Before, whoever looks may stop at the first sign that chance gives."""
        return self.is_time and self.is_enough

    @property
    def ratio(self) -> float:
        """How likely chance alone makes the arms' sizes as they are."""
        held_out, treated = self.main.held_out.customers, self.main.treated.customers
        share = self.experiment.holdout_percent / 100
        return statistics.sample_ratio(holdout=held_out, treated=treated, holdout_share=share)

    @property
    def is_ratio_wrong(self) -> bool:
        return self.ratio < RATIO_WRONG_BELOW

    @property
    def imbalance(self) -> Imbalance | None:
        treated, held_out = self.before.treated, self.before.held_out
        if min(treated.complete, held_out.complete) < 2:
            return None
        shares = [arm.came / arm.complete for arm in (treated, held_out)]
        one, other = shares
        return Imbalance(
            statistics.standardized_difference(one, one * (1 - one), other, other * (1 - other)),
            statistics.standardized_difference(
                treated.spent.mean, treated.spent.variance, held_out.spent.mean, held_out.spent.variance
            ),
            by_chance=3 * (1 / treated.complete + 1 / held_out.complete) ** 0.5,
        )

    @property
    def seen_from(self) -> float | None:
        """The smallest rise of the share that came back which as many customers as now would show, 0 to 1."""
        rate = self.main.held_out.rate
        if rate is None:
            return None
        arms = {"holdout": self.main.held_out.complete, "treated": self.main.treated.complete}
        return statistics.detectable(rate=rate.estimate, **arms)

    @property
    def extra_visit_cost(self) -> tuple[float, float, float] | None:
        """Minor units for each visit that would not have been: as found, at best, at worst.

        None where the cost is not known or it is not sure that there are more visits at all.
        """
        more, treated = self.main.visited_more, self.main.treated.complete
        if self.cost_minor is None or more is None or more.low <= 0:
            return None
        return tuple(self.cost_minor / (treated * visits) for visits in (more.estimate, more.high, more.low))  # type: ignore[return-value]


def read_on(experiment: Experiment) -> datetime:
    """When the result is read, as planned."""
    return experiment.started_at + timedelta(days=experiment.horizon_days)


def size_planned(experiment: Experiment) -> Size | None:
    """So many customers that the planned difference is seen in 80 of 100 such experiments; None without hold-out."""
    if not experiment.holdout_percent:
        return None
    return statistics.size_needed(
        rate=experiment.returning_percent / 100,
        difference=experiment.difference_percent / 100,
        holdout_share=experiment.holdout_percent / 100,
    )


def report(*, experiment: Experiment, at: datetime) -> Report:
    """As it stands at `at`."""
    currency = Program.objects.current().currency
    told = {"experiment": experiment.pk, "currency": currency, "at": at, "days": experiment.window_days}
    found = {arm: Given(*figures) for arm, *figures in _rows("experiments_given", told)}
    windows = {window.days: window for window in _windows(experiment, currency, at)}
    return Report(
        experiment=experiment,
        at=at,
        currency=currency,
        windows=[windows[days] for days in ReturnWindow.values],
        before=windows[0],
        size=size_planned(experiment),
        cost_minor=_cost(experiment, told),
        given={arm: found.get(arm, Given()) for arm in (Arm.TREATED, Arm.HOLDOUT)},
    )


def _windows(experiment: Experiment, currency: str, at: datetime) -> list[Window]:
    told = {"experiment": experiment.pk, "currency": currency, "at": at, "before": experiment.window_days}
    found: dict[tuple[int, str], Outcome] = {}
    for arm, days, customers, complete, came, *sums in _rows("experiments_outcomes", told):
        visits, spent = ([int(number) for number in part] for part in (sums[:3], sums[3:]))
        found[days, arm] = Outcome(customers, complete, came, Moments(complete, *visits), Moments(complete, *spent))
    return [
        Window(days, found.get((days, Arm.TREATED), NOBODY), found.get((days, Arm.HOLDOUT), NOBODY))
        for days in (0, *ReturnWindow.values)
    ]


def _cost(experiment: Experiment, told: Mapping[str, Any]) -> int | None:
    if experiment.kind == ExperimentKind.CAMPAIGN:
        return None
    ((cost, without_price),) = _rows("experiments_costs", told)
    return None if without_price else int(cost)


def _rows(name: str, told: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute((_SQL / f"{name}.sql").read_text(encoding="utf-8"), told)
        return list(cursor.fetchall())
