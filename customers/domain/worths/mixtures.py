"""What is foretold: BG/NBD and Gamma-Gamma (`visits`), mixed with what customers did lately. Numpy, no Django.

The models are best where customers come seldom and stop, the last weeks where they come every week and their habits
shift. How much each counts is chosen by a look back on the shop's own customers, and so is how wide the ranges are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customers.domain import visits
from customers.domain.visits import Ahead, Array, Histories, Spends, Visits

YEAR = 365  # days of what is known of spending
HALF_LIFE = 42  # days in which what was done lately fades by half
SHARE = 0.8  # of customers that the ranges are to hold
LOOK_BACK_MIN = 4  # weeks: less says nothing
WEEKS_MIN = 4.0  # a newcomer is taken to have been there for

_NEAR = 12.0  # weeks that recent visits speak for; beyond, they grow fewer as the model's do
_WEIGHTS = np.arange(10, -1, -1) / 10
_STRETCHES = np.arange(10, 31) / 10

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """By customer, up to a day: their history; days with a purchase and what was spent in the 365 days before; both
    fading by half in `HALF_LIFE` days. Money is in any unit, one for all."""

    seen: Histories
    days: Array
    spend: Array
    recent_days: Array
    recent_spend: Array

    @classmethod
    def counted(cls, repeats: Array, last_day: Array, known_days: Array, *rest: Array) -> Known:
        """From days since the first purchase, to the last one and in all; the rest as it is."""
        return cls(Histories(repeats, last_day / 7, known_days / 7, np.ones(len(repeats))), *rest)

    def __getitem__(self, rows: Flags) -> Known:
        seen = self.seen
        history = Histories(seen.repeats[rows], seen.last_week[rows], seen.weeks[rows], seen.customers[rows])
        return Known(history, self.days[rows], self.spend[rows], self.recent_days[rows], self.recent_spend[rows])

    @property
    def recent_rate(self) -> Array:
        """Visits a week, fading; the first one ever is not one that came back."""
        life = HALF_LIFE / 7
        repeats = np.maximum(self.recent_days - 0.5 ** (self.seen.weeks / life), 0)
        rate: Array = repeats / (life / np.log(2) * (1 - 0.5 ** (np.maximum(self.seen.weeks, WEEKS_MIN) / life)))
        return rate


@dataclass(frozen=True, slots=True)
class Mixture:
    """`weight` is how much the model counts beside the recent visits, from 0 to 1. Ranges are the model's, `stretch`
    times as wide (from 1 on), around what it expects and around what the mixture does."""

    model: Visits
    weight: float = 1.0
    stretch: float = 1.0

    def ahead(self, known: Known, *, weeks: float) -> Ahead:
        """What `weeks` from then bring: expected visits, and the range that is to hold 8 of 10 customers."""
        return self._of(*_parts(self.model, known, weeks), most=weeks * 7)

    def _of(self, told: Ahead, recent: Array, *, most: float) -> Ahead:
        """`most` is a visit a day."""
        expected = np.minimum(self.weight * told.expected + (1 - self.weight) * recent, most)
        # around both: where the model takes for gone who came often lately, neither is sure
        # what is expected of who is hardly there any more but came daily lies above the middle share of cases
        below, above = (np.maximum(side, 0) for side in (told.expected - told.low, told.high - told.expected))
        low = np.minimum(expected, told.expected) - self.stretch * below
        high = np.maximum(expected, told.expected) + self.stretch * above
        low, high = (np.floor(np.clip(end, 0, most) + 0.5) for end in (low, high))
        return Ahead(expected, low, np.maximum(low, high))


@dataclass(frozen=True, slots=True)
class LookBack:
    """What would have been foretold for the last `weeks`, beside what came: the mean error in visits a customer, that
    of who goes on as they did, by how much all visits together were foretold too high (above 0), and the share of
    customers who came to lie in their range. `mixture` is the one that erred least."""

    mixture: Mixture
    weeks: int
    error: float
    plain_error: float
    bias: float | None
    held: float

    def mixture_of(self, model: Visits, *, weeks: float) -> Mixture:
        """With a model fitted since. Over more weeks than were looked back on habits drift further than it knows: by
        the square root of how many times as long, as errors of a random walk grow."""
        longer = max(1.0, weeks / self.weeks)
        return Mixture(model, self.mixture.weight, self.mixture.stretch * longer**0.5)


def looked_back(known: Known, came: Array, *, weeks: int) -> LookBack:
    """`known` is up to `weeks` ago, `came` the visits since. Of equals the model counts most, and ranges are narrow."""
    model = visits.fit_visits(known.seen)
    told, recent = _parts(model, known, weeks)
    by_weight = [Mixture(model, float(weight)) for weight in _WEIGHTS]
    errors = [float(np.abs(mixed._of(told, recent, most=weeks * 7).expected - came).mean()) for mixed in by_weight]
    weight = by_weight[int(np.argmin(errors))].weight
    for stretch in _STRETCHES:
        mixture = Mixture(model, weight, float(stretch))
        ahead = mixture._of(told, recent, most=weeks * 7)
        held = float(((ahead.low <= came) & (came <= ahead.high)).mean())
        if held >= SHARE:
            break
    plain = known.seen.repeats / np.maximum(known.seen.weeks, 1) * weeks
    return LookBack(
        mixture,
        weeks,
        error=min(errors),
        plain_error=float(np.abs(plain - came).mean()),
        bias=float(ahead.expected.sum() / came.sum() - 1) if came.sum() else None,
        held=held,
    )


def look_back_weeks(*, ahead_days: int, known_days: int) -> int:
    """As long as what is foretold, but at most half of what is known; 0 where that says nothing."""
    weeks = min(ahead_days, known_days // 2) // 7
    return weeks if weeks >= LOOK_BACK_MIN else 0


def visit_spend(known: Known, spends: Spends | None) -> Array:
    """What the next visit is worth: by Gamma-Gamma (where it could not be fitted, the own mean of the year), counted as
    one visit beside the recent ones."""
    mean = np.maximum(known.spend, 0) / np.maximum(known.days, 1)
    usual = mean if spends is None else spends.expected(known.days, mean)
    worth: Array = (usual + np.maximum(known.recent_spend, 0)) / (1 + known.recent_days)
    return worth


def fit_spends(days: Array, spend: Array, *, repeaters_min: int) -> Spends | None:
    """From customers with such days and spend in a year; None where too few came back to say."""
    some = (days > 0) & (spend > 0)
    if int((days[some] > 1).sum()) < repeaters_min:
        return None
    return visits.fit_spends(days[some], spend[some] / days[some])


def _parts(model: Visits, known: Known, weeks: float) -> tuple[Ahead, Array]:
    """By the model, and by the recent visits."""
    told = model.ahead(known.seen, weeks=weeks, share=SHARE)
    near = model.ahead(known.seen, weeks=_NEAR, share=SHARE).expected
    recent: Array = known.recent_rate * _NEAR * told.expected / np.maximum(near, 1e-12)
    return told, recent
