"""Candidates for customers' next baskets, and what is known about each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from customers.domain.recommendations import habits
from customers.domain.recommendations.baskets import Baskets, Flags, Floats, Numbers, run_starts
from customers.domain.recommendations.crowd import Popularity, Rhythms
from customers.domain.recommendations.habits import MIDDLE

if TYPE_CHECKING:
    from customers.domain.recommendations.habits import Habits
    from customers.domain.recommendations.likeness import Likeness

POPULAR = 100  # candidates that are new to the customer, of each sort
ALIKE = 60
NOW, LATELY, LONG = WINDOWS = (10, 28, 120)  # days that popularity is counted over
_RARE = 1e-5
_USUAL_CHANCE = -3.5  # a logarithm, so that products of it with others stay near 0
_DOUBT = (0.5, 1.0, 2.0, 1.0, 2.0)  # baskets of the crowd's that are mixed into the customer's own, by memory
_USUALLY_ALONE, _DOUBT_OF_ONE = 0.2, 0.5
_PHASES = ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.25), (1.25, 2.0), (2.0, 4.0))


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Rows by customer and product: `habit` is the row in the customers' habits, −1 for what they never bought."""

    customer: Numbers
    product: Numbers
    habit: Numbers
    alike: NDArray[np.float32]
    has_likeness: Flags

    @property
    def is_new(self) -> Flags:
        return self.habit < 0

    @property
    def starts(self) -> Numbers:
        return run_starts(self.customer)


class Crowd:
    """What is known about products, from one set of baskets; `popularity` may come from another, that goes on."""

    def __init__(self, rhythms: Rhythms, likeness: Likeness, popularity: Popularity) -> None:
        self.rhythms, self.likeness, self.popularity = rhythms, likeness, popularity


def candidates(baskets: Baskets, own: Habits, crowd: Crowd, today: Numbers) -> Candidates:
    """All a customer bought, what is popular on their day, and what is most alike to what they bought."""
    size = baskets.products
    bought = own.customer * size + own.product
    scores = crowd.likeness.scores(baskets)
    found = [bought, _popular(crowd.popularity, today) + _offset(today, size)]
    if scores.shape[1]:
        alike = np.argpartition(-scores, min(ALIKE, scores.shape[1]) - 1, axis=1)[:, :ALIKE]
        speaks = np.take_along_axis(scores, alike, axis=1) > 0
        keys = np.arange(len(today))[:, None] * size + crowd.likeness.products[alike]
        found.append(keys[speaks])
    keys = np.sort(np.concatenate([part[part >= 0] for part in map(np.ravel, found)]))
    keys = keys[run_starts(keys)]
    customer, product = keys // size, keys % size
    place = np.minimum(np.searchsorted(bought, keys), max(len(bought) - 1, 0))
    habit = np.where(bought[place] == keys, place, -1) if len(bought) else np.full(len(keys), -1)
    column = crowd.likeness.column[product]
    alike_score = np.zeros(len(keys), np.float32)
    alike_score[column >= 0] = scores[customer[column >= 0], column[column >= 0]]
    return Candidates(customer, product, habit, alike_score, column >= 0)


def _popular(popularity: Popularity, today: Numbers) -> Numbers:
    """Customers × POPULAR products; far below 0 where there are fewer."""
    days, position = np.unique(today, return_inverse=True)
    table = np.full((len(days), POPULAR), -(1 << 60))
    for row, day in enumerate(days):
        best = popularity.best(int(day), days=LATELY, size=POPULAR)
        table[row, : len(best)] = best
    return table[position]


def _offset(today: Numbers, size: int) -> Numbers:
    return np.arange(len(today))[:, None] * size


def table(rows: Candidates, own: Habits, crowd: Crowd, today: Numbers) -> NDArray[np.float32]:
    """Rows × `NAMES`, column after column. What tells about habits is 0 for what is new and the other way round."""
    new, day = rows.is_new, today[rows.customer]
    columns = _of_products(rows, crowd, day) | _of_habits(rows, own, crowd, day)
    columns |= _of_sizes(
        rows, own, crowd.popularity.alone(rows.product, day, days=LONG) + _RARE, columns["popular long"]
    )
    filled = np.zeros((len(NAMES), len(new)), np.float32)
    for place, name in enumerate(NAMES):
        what, _, side = name.partition(":")
        filled[place] = columns[what] * (new if side == "new" else ~new if side == "again" else 1)
    return filled.T


def _of_products(rows: Candidates, crowd: Crowd, day: Numbers) -> dict[str, NDArray[Any]]:
    lately, now = (crowd.popularity.share(rows.product, day, days=days) for days in (LATELY, NOW))
    alike = np.maximum(rows.alike, 0).astype(np.float64)
    return {
        "popular lately": np.log(lately + _RARE),
        "popular now": np.log(now + 10 * _RARE),
        "chance": np.log(crowd.rhythms.chance[rows.product]),
        "alike": rows.alike.astype(np.float64),
        "log alike": np.log(alike + 0.005),
        "has likeness": rows.has_likeness.astype(np.float64),
    }


def _of_habits(rows: Candidates, own: Habits, crowd: Crowd, day: Numbers) -> dict[str, NDArray[Any]]:
    again = ~rows.is_new
    taken = rows.habit if len(own.times) else np.zeros(0, np.int64)
    times, age, span, back = (
        (column[taken] * again if len(own.times) else np.zeros(len(again)))
        for column in (own.times, own.age, own.span, own.back)
    )
    popular = crowd.popularity.share(rows.product, day, days=LONG)
    found: dict[str, NDArray[Any]] = {"again": again.astype(np.float64), "popular long": np.log(popular + _RARE)}
    for memory, doubt in enumerate(_DOUBT):
        kept = own.kept[taken, memory] * again if len(own.times) else np.zeros(len(again))
        all_kept = own.all_kept[rows.customer, memory]
        found[f"rate {memory}"] = np.log((kept + doubt * (popular + _RARE)) / (all_kept + doubt))
    more = times > 1
    gap = np.where(more, (span + 30) / np.maximum(times, 1), 1.0)
    phase = age / np.maximum(gap, 0.5)
    usual = np.log(np.clip(age / crowd.rhythms.gap[rows.product], 0.05, 20))
    often, old, far = np.log(np.maximum(times, 1)), np.log1p(age), np.log(np.maximum(back, 1))
    chance = np.log(crowd.rhythms.chance[rows.product]) - _USUAL_CHANCE
    found |= {
        "once": times == 1, "twice": times == 2, "times": often, "age": old, "back": far,
        "chance × times": chance * often, "chance × age": chance * old, "chance × back": chance * far,
        "age × times": old * often, "age squared": old**2, "times squared": often**2, "chance squared": chance**2,
        "today": age < 1, "yesterday": age == 1, "last basket": back == 1, "basket before": back == 2,
        "phase": np.where(more, np.log(np.maximum(phase, 0.05)), 0.0),
        "usual phase": usual, "usual phase squared": usual**2,
        "chance once": chance * (times == 1),
    }  # fmt: skip
    for begin, end in _PHASES:
        found[f"phase {begin}"] = more & (phase >= begin) & (phase < end)
    return found


def _of_sizes(rows: Candidates, own: Habits, alone: Floats, popular: Floats) -> dict[str, NDArray[Any]]:
    """What is bought alone, or with little else, by everybody and by this customer, and the size of their baskets.
    `alone` is the crowd's, `popular` a logarithm."""
    again, taken = ~rows.is_new, rows.habit if len(own.times) else np.zeros(0, np.int64)
    kept, kept_alone = (
        column[taken] * again if len(own.times) else np.zeros(len(again)) for column in (own.kept[:, MIDDLE], own.alone)
    )
    size, all_kept = own.size[rows.customer], own.all_kept[rows.customer, MIDDLE]
    own_alone = np.log((kept_alone + _USUALLY_ALONE * _DOUBT_OF_ONE) / (kept + _DOUBT_OF_ONE))
    return {
        "popular alone": np.log(alone),
        "rate alone": np.log((kept_alone + alone) / (all_kept + 1)),
        "alone": own_alone,
        "alone × size": own_alone * size,
        "crowd alone × size": (np.log(alone) - popular) * size,
    }


_SHARED = ["rate 1", "rate 4"]
_NEW = [
    "popular lately", "popular now", "popular long", "popular alone", "crowd alone × size", "chance", "alike",
    "log alike", "has likeness",
]  # fmt: skip
_AGAIN = [
    "again", "popular lately", "popular now", "popular long", "popular alone", "crowd alone × size", "chance", "alike",
    "has likeness", "rate alone", "alone", "alone × size",
    "rate 0", "rate 1", "rate 2", "rate 3", "rate 4", "once", "twice", "times", "age", "back", "today", "yesterday",
    "last basket", "basket before", "phase", "usual phase", "usual phase squared", "chance once",
    "chance × times", "chance × age", "chance × back", "age × times", "age squared", "times squared", "chance squared",
    *(f"phase {begin}" for begin, _ in _PHASES),
]  # fmt: skip
NAMES = [*_SHARED, *(f"{name}:new" for name in _NEW), *(f"{name}:again" for name in _AGAIN)]
# Before anything is learned: the customer's own share of baskets, fading in baskets and in days alike, mixed with the
# crowd's.
BELIEVED = np.array([1 / len(_SHARED) if name in _SHARED else 0.0 for name in NAMES])


def known(baskets: Baskets, crowd: Crowd, today: Numbers) -> tuple[Candidates, NDArray[np.float32], Habits]:
    """The candidates of all customers of `baskets`, their table, and the habits they point to."""
    own = habits.count(baskets, today)
    rows = candidates(baskets, own, crowd, today)
    return rows, table(rows, own, crowd, today), own
