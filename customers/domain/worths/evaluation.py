"""Measures what customers are foretold to bring, on a history of purchases: learned from what was bought before a day
alone, with the look back that the site does each night, and laid beside what came from that day on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customers.domain import visits
from customers.domain.visits import Array
from customers.domain.worths import mixtures
from customers.domain.worths.mixtures import Known, LookBack, Mixture

REPEATERS_MIN = 30

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """By day with a purchase: `customer` from 0, `day`, and what was `spent`; customers ascending, days within them."""

    customers: int
    customer: Numbers
    day: Numbers
    spent: Array


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Of who bought by a day: their numbers, what is known, and the visits and the spending of the days after it."""

    who: Numbers
    known: Known
    came: Array
    spent: Array


def gathered(customer: Numbers, day: Numbers, spent: Array) -> Days:
    """From purchases in any order."""
    size = int(day.max()) + 1
    keys, place = np.unique(customer * size + day, return_inverse=True)
    return Days(int(customer.max()) + 1, keys // size, keys % size, np.bincount(place, spent).astype(np.float64))


def at(days: Days, until: int, *, ahead_days: int) -> Asked:
    """Only what came looks beyond `until`."""
    past = days.day <= until
    customer, spent, age = days.customer[past], days.spent[past], until - days.day[past]

    def total(weight: Array) -> Array:
        return np.bincount(customer, weight, days.customers).astype(np.float64)

    last, first = np.full(days.customers, np.iinfo(np.int64).max), np.zeros(days.customers, np.int64)
    np.minimum.at(last, customer, age)
    np.maximum.at(first, customer, age)
    in_year, fading = (age < mixtures.YEAR).astype(np.float64), 0.5 ** (age / mixtures.HALF_LIFE)
    number = total(np.ones(len(age)))
    who = np.flatnonzero(number)
    counted = (
        number - 1,
        (first - last).astype(np.float64),
        first.astype(np.float64),
        total(in_year),
        total(in_year * spent),
        total(fading),
        total(fading * spent),
    )
    later = (days.day > until) & (days.day <= until + ahead_days)
    came = np.bincount(days.customer[later], minlength=days.customers).astype(np.float64)
    worth = np.bincount(days.customer[later], days.spent[later], days.customers).astype(np.float64)
    return Asked(who, Known.counted(*(column[who] for column in counted)), came[who], worth[who])


def evaluate(days: Days, *, since: int, ahead_days: int) -> dict[str, Any] | None:
    """Numbers for JSON; `since` is the first of the days that are foretold. None where too few came back before it."""
    now = at(days, since - 1, ahead_days=ahead_days)
    if int((now.known.seen.repeats > 0).sum()) < REPEATERS_MIN:
        return None
    model = visits.fit_visits(now.known.seen)
    back = _looked_back(days, since, ahead_days)
    weeks = ahead_days / 7
    mixture = back.mixture_of(model, weeks=weeks) if back else Mixture(model)
    ahead = mixture.ahead(now.known, weeks=weeks)
    told = {
        "foretold": (ahead.expected, mixtures.visit_spend(now.known, _spends(now.known))),
        "model": (Mixture(model).ahead(now.known, weeks=weeks).expected, _usual_spend(now.known)),
    }
    guessed = _guesses(days, now, since, ahead_days)
    return {
        "customers": len(now.who),
        "days": ahead_days,
        "visits": _beside({name: often for name, (often, _spend) in told.items()} | guessed["visits"], now.came),
        "worth": _beside({name: often * spend for name, (often, spend) in told.items()} | guessed["worth"], now.spent),
        "in_range": _share((ahead.low <= now.came) & (now.came <= ahead.high)),
        "below_range": _share(now.came < ahead.low),
        "above_range": _share(now.came > ahead.high),
        "parameters": {name: round(value, 5) for name, value in asdict(model).items()},
        "look_back": _told(back),
    }


def _looked_back(days: Days, since: int, ahead_days: int) -> LookBack | None:
    weeks = mixtures.look_back_weeks(ahead_days=ahead_days, known_days=since - 1 - int(days.day.min()))
    if not weeks:
        return None
    then = at(days, since - 1 - 7 * weeks, ahead_days=7 * weeks)
    if int((then.known.seen.repeats > 0).sum()) < REPEATERS_MIN:
        return None
    return mixtures.looked_back(then.known, then.came, weeks=weeks)


def _spends(known: Known) -> visits.Spends | None:
    return mixtures.fit_spends(known.days, known.spend, repeaters_min=REPEATERS_MIN)


def _usual_spend(known: Known) -> Array:
    """By Gamma-Gamma alone."""
    mean = np.maximum(known.spend, 0) / np.maximum(known.days, 1)
    model = _spends(known)
    return mean if model is None else model.expected(known.days, mean)


def _guesses(days: Days, now: Asked, since: int, ahead_days: int) -> dict[str, dict[str, Array]]:
    """As in as many days before, and as ever since the first purchase."""
    window = (days.day >= since - ahead_days) & (days.day < since)
    lately = np.bincount(days.customer[window], minlength=days.customers).astype(np.float64)
    spent = np.bincount(days.customer[window], days.spent[window], days.customers).astype(np.float64)
    past = days.day < since
    ever = np.bincount(days.customer[past], days.spent[past], days.customers)
    share = ahead_days / np.maximum(now.known.seen.weeks * 7, mixtures.WEEKS_MIN * 7)
    return {
        "visits": {"as_lately": lately[now.who], "as_ever": now.known.seen.repeats * share},
        "worth": {"as_lately": spent[now.who], "as_ever": ever[now.who] * share},
    }


def _beside(told: dict[str, Array], came: Array) -> dict[str, dict[str, float | None]]:
    return {name: _errors(one, came) for name, one in told.items()}


def _errors(told: Array, came: Array) -> dict[str, float | None]:
    varies = told.std() > 0 and came.std() > 0
    return {
        "error": round(float(np.abs(told - came).mean()), 5),
        "correlation": round(float(np.corrcoef(told, came)[0, 1]), 5) if varies else None,
        "bias": round(float(told.sum() / came.sum() - 1), 5) if came.sum() else None,
    }


def _share(flags: NDArray[np.bool_]) -> float:
    return round(float(flags.mean()), 5)


def _told(back: LookBack | None) -> dict[str, Any] | None:
    if back is None:
        return None
    found = asdict(back)
    mixture = found.pop("mixture")
    found |= {"model_weight": mixture["weight"], "range_stretch": mixture["stretch"]}
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in found.items()}
