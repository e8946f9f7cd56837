"""Which candidates a customer is shown, and why. Reasons are data: whoever shows them puts them into words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from customers.domain.recommendations.baskets import Flags, Numbers, among
from customers.domain.recommendations.habits import Rhythm
from customers.domain.recommendations.likeness import Likeness
from customers.domain.recommendations.model import Ranked

AGAIN, NEW = "again", "new"
EVERYWHERE, IN_STORE, IN_CATEGORY = range(3)
WAIT_DAYS = 7  # since one of its name was bought; less where half of its own rhythm is less
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


@dataclass(frozen=True, slots=True, eq=False)
class Barred:
    """What came back or was rated badly: `pairs` are customer × products + product (ascending), each with its `day`."""

    pairs: Numbers
    day: Numbers


class Popular:
    """Products with most buyers, of which nothing of a customer need be known. `rows` are a kind (EVERYWHERE, IN_STORE,
    IN_CATEGORY), the id of the store or category, and a product's number; most buyers first."""

    def __init__(self, rows: Numbers) -> None:
        self.rows = rows
        self._products: dict[tuple[int, int], list[int]] = {}
        for kind, place, product in rows.tolist():
            self._products.setdefault((kind, place), []).append(product)

    def products(self, kind: int, place: int = 0) -> list[int]:
        return self._products.get((kind, place), [])


class Selection:
    """Picks for the customers of one chunk. What is `barred` is neither recommended nor a reason for anything else, nor
    is another product of its name recommended until one was bought on a later day. `today` is by customer."""

    def __init__(
        self, ranked: Ranked, rhythm: Rhythm, likeness: Likeness, goods: Goods, *, barred: Barred, today: Numbers
    ) -> None:
        self._ranked, self._rhythm, self._likeness, self._goods = ranked, rhythm, likeness, goods
        rows, self._names = ranked.rows, int(goods.name.max(initial=0)) + 1
        own, size = ranked.own, len(goods.name)
        self._names_barred = self._still_barred(barred)
        name = rows.customer * self._names + goods.name[rows.product]
        allowed = goods.offered[rows.product] & ~among(rows.customer * size + rows.product, barred.pairs)
        allowed &= ~among(name, self._names_barred)
        due = (rhythm.days > 1) & (
            today[own.customer] - rhythm.last_day >= np.minimum(WAIT_DAYS, rhythm.every_days / 2)
        )
        self._again: Flags = np.zeros(len(rows.product), bool)
        self._again[~rows.is_new] = due[rows.habit[~rows.is_new]]
        self._again &= allowed
        self._new: Flags = allowed & rows.is_new
        self._speaks = ~among(own.customer * size + own.product, barred.pairs) & goods.offered[own.product]
        self._starts = np.searchsorted(rows.customer, np.arange(len(ranked.own.all_kept) + 1))
        self._own_starts = np.searchsorted(ranked.own.customer, np.arange(len(ranked.own.all_kept) + 1))

    def _still_barred(self, barred: Barred) -> Numbers:
        """Customer × names + name, ascending, of which nothing was bought on a later day."""
        own, name = self._ranked.own, self._goods.name
        customer, product = np.divmod(barred.pairs, max(len(name), 1))
        keys, of_own = customer * self._names + name[product], own.customer * self._names + name[own.product]
        if not len(of_own):
            return np.sort(keys)
        by_name = np.argsort(of_own, kind="stable")
        place = by_name[np.minimum(np.searchsorted(of_own, keys, sorter=by_name), len(by_name) - 1)]
        since = np.where(of_own[place] == keys, self._rhythm.last_day[place], -1)
        return np.sort(keys[since <= barred.day])

    def of(self, customer: int, *, size: int, new_slots: int) -> list[Pick]:
        """Best first: two that they buy again, then a new one, and so on; where one kind runs short the other fills."""
        again = list(islice(self._picks_again(customer), size))
        new = list(islice(self._picks_new(customer), max(new_slots, size - len(again))))
        picked = again[: size - len(new)]
        for place, pick in enumerate(new):
            picked.insert(3 * place + 2, pick)
        return picked

    def filled(
        self, customer: int, picked: Sequence[Pick], more: Iterator[tuple[int, dict[str, Any]]], *, size: int
    ) -> list[Pick]:
        """Up to `size` with products that need no history, each with its reason and in their order; nothing given up,
        and nothing that goes by the name of what they buy, of what is barred or of another on the list."""
        found, name = list(picked), self._goods.name
        if len(found) >= size:
            return found
        first, end = np.searchsorted(self._names_barred, self._names * np.array([customer, customer + 1]))
        barred = self._names_barred[first:end] - self._names * customer
        names = {*barred.tolist(), *name[self._own(customer)].tolist()}
        names |= {int(name[pick.product]) for pick in picked}
        score = min((pick.score for pick in picked), default=2.0)
        for product, reason in more:
            if self._goods.offered[product] and int(name[product]) not in names:
                names.add(int(name[product]))
                score /= 2
                found.append(Pick(product, NEW, score, reason))
                if len(found) >= size:
                    break
        return found

    def _own(self, customer: int) -> Numbers:
        """The products they bought."""
        return self._ranked.own.product[self._own_starts[customer] : self._own_starts[customer + 1]]

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
        likeness, own = self._likeness, self._own(customer)
        names = set(self._goods.name[own].tolist())
        own = own[self._speaks[self._own_starts[customer] : self._own_starts[customer + 1]]]
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
