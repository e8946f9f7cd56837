"""Measures the chance that customers stay away on a history of purchases: learned anew at each asked day from the six
times before it, all of it over by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customers.domain import logistic
from customers.domain.absences import features
from customers.domain.absences.features import Array, Counts

LOOKS_BACK = 6
ASKED_WITHIN = 90  # of who bought in the last days, as published comparisons ask
PATIENCE = 14

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """By day with a purchase: `customer` from 0, `day`, and `lines` bought; customers ascending, days within them."""

    customers: int
    customer: Numbers
    day: Numbers
    lines: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    who: Numbers
    counts: Counts
    stayed_away: Flags


def evaluate(days: Days, *, asked: Sequence[int]) -> dict[str, Any]:
    """Numbers for JSON; each of `asked` is the first day of what is foretold."""
    rules: dict[str, list[Array]] = {}
    happened: list[Flags] = []
    for day in asked:
        model = _learned(days, day)
        now = at(days, day - 1)
        kept = now.counts.since < ASKED_WITHIN
        happened.append(now.stayed_away[kept])
        for name, score in _scores(model, now.counts).items():
            rules.setdefault(name, []).append(score[kept])
    stayed = np.concatenate(happened)
    scores = {name: np.concatenate(parts) for name, parts in rules.items()}
    drifting = scores.pop("drifting_away") > 0
    flagged = int(drifting.sum())
    likeliest = np.argsort(-scores["chance"], kind="stable")[:flagged]
    return {
        "cases": len(stayed),
        "stayed_away": round(float(stayed.mean()), 5),
        "told": round(float(scores["chance"].mean()), 5),
        "rankings": {
            name: {
                "auc": round(logistic.auc(score, stayed), 5),
                "average_precision": round(logistic.average_precision(score, stayed), 5),
            }
            for name, score in scores.items()
        },
        "flagged": flagged,
        "stayed_away_of_drifting": round(float(stayed[drifting].mean()), 5) if flagged else None,
        "stayed_away_of_as_many_likeliest": round(float(stayed[likeliest].mean()), 5) if flagged else None,
    }


def _learned(days: Days, day: int) -> logistic.Model:
    before = [at(days, day - 1 - times * features.AHEAD) for times in range(1, LOOKS_BACK + 1)]
    return logistic.learn(
        np.concatenate([features.table(one.counts) for one in before]),
        np.concatenate([one.stayed_away for one in before]),
    )


def _scores(model: logistic.Model, counts: Counts) -> dict[str, Array]:
    """By rule; the rhythm's own gap is drawn towards everybody's as if three more gaps had been like that."""
    usual = counts.span.sum() / (counts.days - 1).sum()
    gap = (counts.span + 3 * usual) / (counts.days - 1 + 3)
    return {
        "chance": model.chances(features.table(counts)),
        "few_days_lately": -counts.days_84,
        "days_since": counts.since,
        "days_since_by_usual_gap": counts.since / gap,
        "drifting_away": (counts.since >= np.maximum(np.ceil(2 * gap), PATIENCE)).astype(np.float64),
    }


def at(days: Days, until: int) -> _Asked:
    """Of who is seen often and lately enough by that day; only whether they stay away looks beyond it."""
    past = days.day <= until
    customer, age = days.customer[past], until - days.day[past]

    def total(kept: Flags, weight: Numbers | None = None) -> Array:
        return np.bincount(customer[kept], None if weight is None else weight[kept], days.customers).astype(np.float64)

    everything, recent = np.ones(len(age), bool), age < features.RECENT
    gap = np.r_[0, -np.diff(age)] * np.r_[False, customer[1:] == customer[:-1]]
    since = np.full(days.customers, features.SEEN_WITHIN)
    np.minimum.at(since, customer, age)
    span = np.zeros(days.customers, np.int64)
    np.maximum.at(span, customer, age)
    in_weeks = age < features.WEEKS * 7
    weeks = np.unique(customer[in_weeks] * features.WEEKS + age[in_weeks] // 7) // features.WEEKS
    number = total(everything)
    ends = np.searchsorted(customer, np.arange(days.customers), side="right")
    third = age[np.maximum(ends - 3, 0)]
    who = np.flatnonzero((number >= features.DAYS_MIN) & (since < features.SEEN_WITHIN))
    counts = (
        since,
        number,
        total(age < features.AHEAD),
        total(recent),
        np.bincount(weeks, minlength=days.customers),
        total(recent, days.lines[past]),
        total(everything, np.maximum(gap - features.AHEAD, 0)),
        span - since,
        third,
    )
    later = (days.day > until) & (days.day <= until + features.AHEAD)
    stayed_away = np.bincount(days.customer[later], minlength=days.customers) == 0
    return _Asked(who, Counts(*(column[who].astype(np.float64) for column in counts)), stayed_away[who])
