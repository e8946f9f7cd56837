"""Measures which of several coupons a customer redeems, by what they and others bought before the campaign began.

Of the campaigns of which everybody gets every coupon; of who redeemed any. Nothing is learned: coupons are in the
order of the customer's own purchases of their products, a product once a day and fading by half in 60 days; those that
are equal, as where nothing was bought, in the order of how many customers bought any of their products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from customers.domain import logistic
from rewards.domain.redeemers import features
from rewards.domain.redeemers.evaluation import Flags, History, Numbers, interval
from rewards.domain.redeemers.features import Array


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """A customer in a campaign. By coupon: what they bought of it, how many customers did, whether it was redeemed."""

    customer: int
    own: Array
    buyers: Array
    used: Flags


def evaluate(history: History, *, since: int) -> dict[str, Any]:
    """Numbers for JSON; `since` is the first day of what is asked. `hit_at_1` is the chance that a coupon that comes
    first was redeemed, ties by lot; `auc` is that within the coupons of a case, all cases alike."""
    asked = np.flatnonzero(history.is_for_all & (history.starts >= since))
    cases = [case for campaign in asked.tolist() for case in _cases(history, campaign)]
    customer = np.array([case.customer for case in cases], np.int64)
    rankings = {
        "own_then_buyers": [_in_turn(case.own, case.buyers) for case in cases],
        "own": [case.own for case in cases],
        "buyers": [case.buyers for case in cases],
        "by_lot": [np.zeros(len(case.used)) for case in cases],
    }
    used = [case.used for case in cases]
    return {"cases": len(cases)} | {name: _figures(customer, scores, used) for name, scores in rankings.items()}


def _cases(history: History, campaign: int) -> list[_Case]:
    coupons = np.flatnonzero(history.coupon_campaign == campaign)
    of_it = history.coupon_campaign[history.redeemed_coupon] == campaign
    who, place = np.unique(history.redeemer[of_it], return_inverse=True)
    used = np.zeros((len(who), len(coupons)), bool)
    used[place, np.searchsorted(coupons, history.redeemed_coupon[of_it])] = True
    own, buyers = _bought(history, coupons, int(history.starts[campaign]))
    return [_Case(int(one), own[one], buyers, used[row]) for row, one in enumerate(who)]


def _bought(history: History, coupons: Numbers, start: int) -> tuple[Array, Array]:
    """Customers × coupons, fading; and by coupon how many customers. Of the days before `start`."""
    recent = (history.day < start) & (history.day >= start - features.DAYS)
    line = recent[history.basket] & np.isin(history.product, history.good[np.isin(history.good_coupon, coupons)])
    basket = history.basket[line]
    told = np.stack([history.buyer[basket], history.day[basket], history.product[line]])
    buyer, day, product = np.unique(told, axis=1)
    fading = 2.0 ** (-(start - day) / features.HALF_LIFE)
    own = np.zeros((history.customers, len(coupons)))
    for column, coupon in enumerate(coupons):
        of_it = np.isin(product, history.good[history.good_coupon == coupon])
        own[:, column] = np.bincount(buyer[of_it], fading[of_it], minlength=history.customers)
    return own, (own > 0).sum(axis=0).astype(np.float64)


def _in_turn(first: Array, second: Array) -> Array:
    """Places in the order of the one, and of the other where that is equal."""
    return np.unique(np.stack([first, second], axis=1), axis=0, return_inverse=True)[1].ravel().astype(np.float64)


def _figures(customer: Numbers, scores: list[Array], used: list[Flags]) -> dict[str, Any]:
    pairs = list(zip(scores, used, strict=True))
    hits = np.array([one[score == score.max()].mean() for score, one in pairs])
    aucs = np.array([logistic.auc(score, one) for score, one in pairs])
    is_told = np.array([not one.all() for one in used], bool)
    return _mean("hit_at_1", customer, hits) | _mean("auc", customer[is_told], aucs[is_told])


def _mean(name: str, customer: Numbers, values: Array) -> dict[str, Any]:
    if not len(values):
        return {name: None}
    low, high = interval(customer, lambda rows: float(values[rows].mean()))
    return {name: round(float(values.mean()), 5), f"{name}_interval": [low, high]}
