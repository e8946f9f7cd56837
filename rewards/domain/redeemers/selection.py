"""The customers of an audience who are the likeliest to use its offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from customers.domain import logistic
from customers.domain.logistic import Array
from rewards.domain.redeemers import features, histories

AT_ONCE = 5000


def likeliest(*, customers: Sequence[int], offer: int, number: int, seed: int, at: datetime) -> list[int]:
    """The ids of `number` of these customers, the likeliest first; all of them where there are no more. Equal chances
    are told apart by lot (`seed`), and so is everybody where too little is known of coupons of before."""
    drawn = np.random.default_rng(seed).permutation(np.asarray(customers, np.int64))
    if len(drawn) <= number:
        return [int(customer) for customer in drawn]
    cases = histories.past(at=at)
    if histories.is_enough(cases):
        chance = chances(learned(cases), customers=drawn.tolist(), offer=offer, at=at)
        drawn = drawn[np.argsort(-chance, kind="stable")]
    return [int(customer) for customer in drawn[:number]]


def learned(cases: Sequence[tuple[histories.Case, bool]]) -> logistic.Model:
    used = np.array([used for _case, used in cases])
    return logistic.learn(_table([case for case, _used in cases]), used)


def chances(model: logistic.Model, *, customers: Sequence[int], offer: int, at: datetime) -> Array:
    """That each of these customers uses a coupon of the offer issued at `at`."""
    return model.chances(_table([(customer, offer, at) for customer in customers]))


def _table(cases: Sequence[histories.Case]) -> Array:
    parts = [cases[first : first + AT_ONCE] for first in range(0, len(cases), AT_ONCE)]
    return np.concatenate([features.table(histories.counts(part)) for part in parts])
