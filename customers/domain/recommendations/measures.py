"""How good lists are, against what was bought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from customers.domain.recommendations.baskets import Floats, Numbers, run_lengths, run_starts

RESAMPLES = 1000
SEED = 20171231
NAMES = ("recall", "ndcg", "ndcg_cut", "hit_rate", "precision")


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What each customer took: `keys` (ascending) are customer × products + product, `sizes` by customer."""

    keys: Numbers
    sizes: Numbers
    products: int


def truth(keys: Numbers, *, customers: int, products: int) -> Truth:
    return Truth(np.sort(keys), np.bincount(keys // products, minlength=customers), products)


def best(customer: Numbers, product: Numbers, score: Floats, *, customers: int, size: int) -> Numbers:
    """Customers × `size` products, best score first, the lower number first among equals; −1 where there are fewer."""
    order = np.lexsort((product, -score, customer))
    customer, product = customer[order], product[order]
    starts = run_starts(customer)
    place = np.arange(len(customer)) - np.repeat(starts, run_lengths(starts, len(customer)))
    kept = place < size
    lists = np.full((customers, size), -1)
    lists[customer[kept], place[kept]] = product[kept]
    return lists


def measure(lists: Numbers, truth: Truth) -> Floats:
    """Customers with something to find × NAMES.

    recall: found of what was bought; precision: found of all places; hit_rate: 1 when anything was found. ndcg: each
    find counts 1 / log2(place + 1), divided by what a list would reach that had all that was bought first; ndcg_cut:
    the same, but what a list of this length would reach.
    """
    size = lists.shape[1]
    keys = np.arange(len(lists))[:, None] * truth.products + lists
    found = np.isin(keys, truth.keys) & (lists >= 0)
    some = truth.sizes > 0
    found, sizes = found[some], truth.sizes[some]
    worth = 1 / np.log2(np.arange(2, max(int(sizes.max(initial=0)), size) + 2))
    ideal = np.r_[0.0, np.cumsum(worth)]
    gained, hits = found @ worth[:size], found.sum(axis=1)
    columns = (hits / sizes, gained / ideal[sizes], gained / ideal[np.minimum(sizes, size)], hits > 0, hits / size)
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def intervals(values: Floats) -> list[tuple[float, float]]:
    """By column: where the mean lies with 95 % certainty, by drawing the customers again with replacement. The same
    customers are drawn for all columns, so that the differences of a pair are a pair's."""
    draws = np.random.default_rng(SEED)
    number = len(values)
    if not number:
        return [(0.0, 0.0)] * values.shape[1]
    means = np.empty((RESAMPLES, values.shape[1]))
    for row in range(RESAMPLES):
        means[row] = np.bincount(draws.integers(number, size=number), minlength=number) @ values / number
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))
