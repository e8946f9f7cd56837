"""Which candidates a customer is shown, and why. Reasons are data: whoever shows them puts them into words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from customers.domain.recommendations.baskets import Flags, Numbers
from customers.domain.recommendations.habits import Rhythm
from customers.domain.recommendations.likeness import Likeness
from customers.domain.recommendations.model import Ranked

AGAIN, NEW = "again", "new"
WAIT_DAYS = 7  # after which anything may be recommended again; sooner when half of its own rhythm is over
_LOOKED_AT = 40  # candidates of a kind, from the best


@dataclass(frozen=True, slots=True)
class Pick:
    """`product`, and `because` in the reason, are numbers of products; the best of a customer scores 1."""

    product: int
    kind: str
    score: float
    reason: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Goods:
    """By product: whether it may be recommended at all, and a number that products of the same name share."""

    offered: Flags
    name: Numbers


class Selection:
    """Picks for the customers of one chunk. `barred` holds customer × products + product of what came back or was
    rated badly: neither recommended nor a reason for anything else."""

    def __init__(
        self, ranked: Ranked, rhythm: Rhythm, likeness: Likeness, goods: Goods, *, barred: Numbers, today: int
    ) -> None:
        self._ranked, self._rhythm, self._likeness, self._goods = ranked, rhythm, likeness, goods
        rows, size = ranked.rows, len(goods.name)
        allowed = goods.offered[rows.product] & ~np.isin(rows.customer * size + rows.product, barred)
        own = np.maximum(rows.habit, 0)
        due = (
            (today - rhythm.last_day[own] >= np.minimum(WAIT_DAYS, rhythm.every_days[own] / 2))
            if len(rhythm.days)
            else np.zeros(len(own), bool)
        )
        several = rhythm.days[own] > 1 if len(rhythm.days) else np.zeros(len(own), bool)
        self._again: Flags = allowed & ~rows.is_new & due & several
        self._new: Flags = allowed & rows.is_new
        self._speaks = (
            ~np.isin(ranked.own.customer * size + ranked.own.product, barred) & goods.offered[ranked.own.product]
        )
        self._starts = np.searchsorted(rows.customer, np.arange(len(ranked.own.all_kept) + 1))
        self._own_starts = np.searchsorted(ranked.own.customer, np.arange(len(ranked.own.all_kept) + 1))

    def of(self, customer: int, *, size: int, new_slots: int) -> list[Pick]:
        """Best first: two that they buy again, then a new one, and so on; where one kind runs short the other fills."""
        again = list(self._picks_again(customer))[:size]
        new = list(self._picks_new(customer))[:size]
        room = max(new_slots, size - len(again))
        picked = again[: size - min(room, len(new))]
        for place, pick in enumerate(new[:room]):
            picked.insert(3 * place + 2, pick)
        return picked

    def _best(self, customer: int, allowed: Flags) -> Iterator[tuple[int, float]]:
        """Rows, best first, with a score of which the customer's best has 1."""
        begin, end = self._starts[customer], self._starts[customer + 1]
        rows = np.flatnonzero(allowed[begin:end]) + begin
        score = self._ranked.score[rows]
        order = np.argsort(-score, kind="stable")[:_LOOKED_AT]
        for row, value in zip(rows[order], score[order], strict=True):
            yield int(row), float(np.exp(value - score[order[0]]))

    def _picks_again(self, customer: int) -> Iterator[Pick]:
        """Of products with the same name the one they are likeliest to take."""
        rows, rhythm = self._ranked.rows, self._rhythm
        names: set[int] = set()
        for row, score in self._best(customer, self._again):
            habit, name = rows.habit[row], int(self._goods.name[rows.product[row]])
            if name in names:
                continue
            names.add(name)
            reason: dict[str, Any] = {"times": int(rhythm.days[habit]), "last_day": int(rhythm.last_day[habit])}
            if rhythm.is_regular[habit]:
                reason["every_days"] = max(round(float(rhythm.every_days[habit])), 1)
            yield Pick(int(rows.product[row]), AGAIN, score, reason)

    def _picks_new(self, customer: int) -> Iterator[Pick]:
        """Only what something they buy speaks for. Nothing that goes by the name of what they buy: another size of
        the same milk is no news. What has spoken counts half as much for the next, so that not everything comes from
        the bananas."""
        begin, end = self._own_starts[customer], self._own_starts[customer + 1]
        own = self._ranked.own.product[begin:end][self._speaks[begin:end]]
        names = set(self._goods.name[self._ranked.own.product[begin:end]].tolist())
        likeness = self._likeness
        own = own[likeness.column[own] >= 0]
        if not len(own):
            return
        voice = np.ones(len(own))
        for row, score in self._best(customer, self._new):
            product = int(self._ranked.rows.product[row])
            column = likeness.column[product]
            if column < 0 or int(self._goods.name[product]) in names:
                continue
            speaks = likeness.weights[likeness.column[own], column] * voice
            speaker = int(speaks.argmax())
            if speaks[speaker] <= 0:
                continue
            voice[speaker] /= 2
            names.add(int(self._goods.name[product]))
            yield Pick(product, NEW, score, {"because": int(own[speaker])})


def filled(picked: Sequence[Pick], more: Iterator[tuple[int, dict[str, Any]]], *, size: int) -> list[Pick]:
    """Up to `size` with products that need no history, each with its reason and in their order."""
    found, named = list(picked), {pick.product for pick in picked}
    score = min((pick.score for pick in picked), default=2.0)
    for product, reason in more:
        if len(found) >= size:
            break
        if product not in named:
            named.add(product)
            score /= 2
            found.append(Pick(product, NEW, score, reason))
    return found
