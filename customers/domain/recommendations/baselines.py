"""Simple rules to be better than. Each gives a score for every candidate; 0 and less is not recommended."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from customers.domain.recommendations.baskets import Baskets, Floats, Numbers, run_lengths, run_starts
from customers.domain.recommendations.model import Ranked

PREFERRED = 5  # categories


def scores(ranked: Ranked, sold: Numbers, category: Numbers | None) -> Mapping[str, Floats]:
    """`sold`: baskets by product; `category` by product, −1 where there is none."""
    rows, own = ranked.rows, ranked.own
    times = np.where(rows.is_new, 0, own.times[rows.habit]) if len(own.times) else np.zeros(len(rows.product))
    popularity = sold[rows.product] / max(int(sold.max(initial=0)), 1)
    found = {"popularity": popularity, "personal_frequency": times + popularity / 2}
    if category is not None:
        found["bought_in_preferred_category"] = _seeds_rule(ranked, category)
    return found


def _seeds_rule(ranked: Ranked, category: Numbers) -> Floats:
    """Bought before and in a preferred category, the latest first. A file holds no stated preferences: the categories
    that the customer bought most often stand for them."""
    rows, own = ranked.rows, ranked.own
    if not len(own.times):
        return np.zeros(len(rows.product))
    size = int(category.max(initial=-1)) + 2
    keys = own.customer * size + category[own.product] + 1
    bought = np.bincount(keys, own.times)
    order = np.lexsort((np.arange(len(bought)), -bought, np.arange(len(bought)) // size))
    order = order[(bought[order] > 0) & (order % size > 0)]
    starts = run_starts(order // size)
    place = np.arange(len(order)) - np.repeat(starts, run_lengths(starts, len(order)))
    preferred = np.isin(keys, order[place < PREFERRED])
    latest = np.where(preferred, 1 / own.back, 0.0)
    return np.where(rows.is_new, 0.0, latest[rows.habit])


def popular(baskets: Baskets) -> Numbers:
    """Baskets by product."""
    return np.bincount(baskets.product, minlength=baskets.products)
