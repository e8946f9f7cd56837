"""Measures the choice of a mailing's customers on campaigns of which it is known who redeemed what.

Learned from the campaigns that were over before a day, and asked of those that began from it on; everything that is
told about a case is of the time before its campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customers.domain import logistic
from rewards.domain.redeemers import features
from rewards.domain.redeemers.features import Array, Counts

RESAMPLES = 1000
SEED = 20171231

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Customers, products, coupons and campaigns are numbers from 0, days whole ones.

    `buyer`, `day` and `is_discounted` by basket; `basket` and `product` by line; `starts`, `ends` and `is_for_all`
    (each customer gets every coupon) by campaign; `target` and `campaign` by customer written to in a campaign; `good`
    and `good_coupon` by product of a coupon; `coupon_campaign` by coupon; `redeemer`, `redeemed_coupon` and
    `redeemed_day` by redemption.
    """

    customers: int
    buyer: Numbers
    day: Numbers
    is_discounted: Flags
    basket: Numbers
    product: Numbers
    starts: Numbers
    ends: Numbers
    is_for_all: Flags
    target: Numbers
    campaign: Numbers
    good: Numbers
    good_coupon: Numbers
    coupon_campaign: Numbers
    redeemer: Numbers
    redeemed_coupon: Numbers
    redeemed_day: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class _Cases:
    """Of one campaign or more: who, in which, what was known, and whether they redeemed anything of it."""

    customer: Numbers
    campaign: Numbers
    table: Array
    used: Flags


def evaluate(history: History, *, since: int) -> dict[str, Any]:
    """Numbers for JSON; `since` is the first day of what is asked."""
    asked = np.flatnonzero(history.starts >= since)
    cases = {int(campaign): _cases(history, int(campaign)) for campaign in range(len(history.starts))}

    def known(before: int) -> _Cases:
        return _together(cases[campaign] for campaign in np.flatnonzero(history.ends < before).tolist())

    learned, tested = known(since), _together(cases[campaign] for campaign in asked.tolist())
    model = logistic.learn(learned.table, learned.used)
    anew = np.concatenate([_anew(known(int(history.starts[one])), cases[one]) for one in asked.tolist()])
    scores = {
        "learned_once": model.chances(tested.table),
        "learned_before_each": anew,
        "past_redemption_rate": tested.table[:, 0],
        "share_of_baskets_with_a_discount": tested.table[:, 1],
        "bought_of_its_products": tested.table[:, 2],
    }
    return {
        "learned_from": _size(learned),
        "asked": _size(tested),
        "weights": [round(float(weight), 3) for weight in model.weights],
        "rankings": {name: _figures(tested, score) for name, score in scores.items()},
    }


def _anew(known: _Cases, asked: _Cases) -> Array:
    return logistic.learn(known.table, known.used).chances(asked.table)


def _cases(history: History, campaign: int) -> _Cases:
    start = int(history.starts[campaign])
    who = history.target[history.campaign == campaign]
    used = np.zeros(history.customers, bool)
    used[history.redeemer[history.coupon_campaign[history.redeemed_coupon] == campaign]] = True
    goods = history.good[history.coupon_campaign[history.good_coupon] == campaign]
    table = features.table(_counts(history, start, goods, who))
    return _Cases(who, np.full(len(who), campaign), table, used[who])


def _counts(history: History, start: int, goods: Numbers, who: Numbers) -> Counts:
    """Of these customers, from what happened before the day."""

    def by_customer(customer: Numbers, weight: Array | None = None) -> Array:
        return np.bincount(customer, weight, minlength=history.customers)[who].astype(np.float64)

    earlier = history.starts < start
    past = history.redeemed_day < start
    campaigns = history.coupon_campaign[history.redeemed_coupon]
    redeemed = np.unique(history.redeemer[past] * len(history.starts) + campaigns[past])
    recent = (history.day < start) & (history.day >= start - features.DAYS)
    line = recent[history.basket] & np.isin(history.product, goods)
    with_goods = np.unique(history.basket[line])
    fading = 2.0 ** (-(start - history.day[with_goods]) / features.HALF_LIFE)
    kinds = int(history.product.max(initial=0)) + 1
    products = np.unique(history.buyer[history.basket[line]] * kinds + history.product[line])
    return Counts(
        coupons=by_customer(history.target[earlier[history.campaign]]),
        redeemed=by_customer(redeemed // len(history.starts)),
        baskets=by_customer(history.buyer[recent]),
        discounted=by_customer(history.buyer[recent & history.is_discounted]),
        fading=by_customer(history.buyer[with_goods], fading),
        products=by_customer(products // kinds),
    )


def _together(cases: Iterable[_Cases]) -> _Cases:
    found = list(cases)
    return _Cases(
        np.concatenate([one.customer for one in found]),
        np.concatenate([one.campaign for one in found]),
        np.concatenate([one.table for one in found]),
        np.concatenate([one.used for one in found]),
    )


def _size(cases: _Cases) -> dict[str, Any]:
    return {
        "campaigns": len(np.unique(cases.campaign)),
        "cases": len(cases.used),
        "redeemed": round(float(cases.used.mean()), 5),
    }


def _figures(cases: _Cases, score: Array) -> dict[str, Any]:
    low, high = interval(cases.customer, lambda rows: logistic.auc(score[rows], cases.used[rows]))
    top = np.argsort(-score, kind="stable")[: max(len(score) // 10, 1)]
    return {
        "auc": round(logistic.auc(score, cases.used), 5),
        "auc_interval": [low, high],
        "auc_within_campaigns": round(_within(score, cases.used, cases.campaign), 5),
        "average_precision": round(logistic.average_precision(score, cases.used), 5),
        "redeemed_in_best_tenth": round(float(cases.used[top].mean()), 5),
    }


def _within(score: Array, used: Flags, group: Numbers) -> float:
    """The mean AUC of the groups that have both, each counted by how many used one."""
    found, weights = [], []
    for one in np.unique(group):
        own = group == one
        if 0 < used[own].sum() < own.sum():
            found.append(logistic.auc(score[own], used[own]))
            weights.append(used[own].sum())
    return float(np.average(found, weights=weights)) if found else 0.5


def interval(customer: Numbers, measure: Callable[[Numbers], float]) -> tuple[float, float]:
    """Where a measure of cases (their rows) lies with 95 % certainty, by drawing the customers again with replacement;
    `customer` by case."""
    draws = np.random.default_rng(SEED)
    order = np.argsort(customer, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(customer[order]) > 0])
    rows = np.split(order, starts[1:])
    found = [
        measure(np.concatenate([rows[one] for one in draws.integers(len(rows), size=len(rows))]))
        for _round in range(RESAMPLES)
    ]
    low, high = np.percentile(found, [2.5, 97.5])
    return round(float(low), 5), round(float(high), 5)
