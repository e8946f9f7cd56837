"""Learns from a history of purchases what customers take next, and ranks it for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from customers.domain.recommendations import choice, features
from customers.domain.recommendations.baskets import Baskets, Floats, Numbers, among
from customers.domain.recommendations.crowd import Popularity, Rhythms
from customers.domain.recommendations.features import Candidates, Crowd
from customers.domain.recommendations.habits import Habits
from customers.domain.recommendations.likeness import Likeness

ROUNDS = 5  # of each customer's latest baskets, so many are foretold from those before
LEARNERS = 900  # customers a round whose baskets the weights are learned from
CHUNK = 500  # customers ranked at once
SEED = 20171231
# What fewer than SELDOM of all baskets hold goes a little before what everybody buys: it is about as likely to be
# found, and to be reminded of it is worth more. Of a catalog that is not LARGE the lists name a third as it is.
SELDOM, RAISED, LARGE = 0.004, 0.1, 10_000
_POPULAR = features.NAMES.index("popular long:again")


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Candidates of some customers, numbered as in the baskets asked with; `score` orders each customer's."""

    rows: Candidates
    own: Habits
    score: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """`weights` by `features.NAMES`."""

    crowd: Crowd
    weights: Floats

    def rank(self, baskets: Baskets, today: Numbers) -> Iterator[tuple[int, Ranked]]:
        """By chunk: its first customer and its candidates for a basket on `today` (by customer). Not sorted."""
        for first in range(0, baskets.customers, CHUNK):
            end = min(first + CHUNK, baskets.customers)
            rows, table, own = features.known(baskets.part(first, end), self.crowd, today[first:end])
            score = (table @ self.weights.astype(np.float32)).astype(np.float64)
            if baskets.products >= LARGE:
                score += RAISED * np.maximum(np.log(SELDOM) - table[:, _POPULAR], 0)  # 0 for what is new: its column is
            yield first, Ranked(rows, own, score)


def learn(baskets: Baskets) -> Model:
    """Each of the customers' latest baskets is foretold from those before it; the weights that foretell best are used.

    What the crowd is like is counted without the foretold baskets too; only popularity goes on, by days before.
    """
    popularity = Popularity(baskets)
    tables, starts, chosen, rows = [], [], [], 0
    for number in range(1, ROUNDS + 1):
        before = baskets.before(baskets.ends - number)
        crowd = Crowd(Rhythms(before), Likeness(before), popularity)
        for part, today, truth in _questions(baskets, number):
            candidates, table, _ = features.known(part, crowd, today)
            tables.append(table)
            starts.append(candidates.starts + rows)
            chosen.append(among(candidates.customer * baskets.products + candidates.product, truth))
            rows += len(table)
    crowd = Crowd(Rhythms(baskets), Likeness(baskets), popularity)
    if not rows:
        return Model(crowd, features.BELIEVED)
    together = np.concatenate(tables)
    del tables
    return Model(crowd, choice.learn(together, np.concatenate(starts), np.concatenate(chosen), features.BELIEVED))


def _questions(baskets: Baskets, number: int) -> Iterator[tuple[Baskets, Numbers, Numbers]]:
    """Chunks of customers who have a basket before their `number`th last: what they bought before, the day it is asked
    on, and what was in it (customer × products + product). The even are asked on their own day, the others in a morning
    up to it: learned from the first alone, lists would be good on the day of a visit and worse until then."""
    draws = np.random.default_rng(SEED + number)
    cut = baskets.ends - number
    able = np.flatnonzero(cut > baskets.begins)
    if len(able) > LEARNERS:
        able = np.sort(draws.choice(able, LEARNERS, replace=False))
    for first in range(0, len(able), CHUNK):
        asked = able[first : first + CHUNK]
        some = baskets.of_customers(asked)
        at = some.ends - number
        today = _mornings(some, at, draws) if number % 2 else some.day[at]
        yield some.before(at), today, some.contents(at)


def _mornings(baskets: Baskets, at: Numbers, draws: np.random.Generator) -> Numbers:
    """By customer one of the days after the basket before `at`, up to its own day, by lot."""
    day = baskets.day[at]
    waited = day - baskets.day[at - 1]
    mornings: Numbers = day - (draws.random(len(at)) * waited).astype(np.int64)
    return mornings
