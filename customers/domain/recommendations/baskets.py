"""Purchases as columns. A basket is one receipt; customers and products are numbers from 0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Baskets:
    """Who bought what on which day.

    Baskets: `customer` (ascending) and `day` (days since any date), in order of time within a customer.
    Lines: `basket` and `product`, each pair once, in order of customer, product, basket.
    """

    customers: int
    products: int
    customer: Numbers
    day: Numbers
    basket: Numbers
    product: Numbers

    @property
    def begins(self) -> Numbers:
        """By customer: their first basket."""
        return np.searchsorted(self.customer, np.arange(self.customers))

    @property
    def ends(self) -> Numbers:
        """By customer: the basket after their last."""
        return np.searchsorted(self.customer, np.arange(self.customers), side="right")

    @property
    def buyer(self) -> Numbers:
        """By line: the customer."""
        return self.customer[self.basket]

    @property
    def sizes(self) -> Numbers:
        """By basket: how many products are in it."""
        return np.bincount(self.basket, minlength=len(self.customer))

    @property
    def parts(self) -> Floats:
        """By line: its part of its basket, one over the number of products in it."""
        parts: Floats = 1 / self.sizes[self.basket]
        return parts

    def contents(self, baskets: Numbers) -> Numbers:
        """Customer × products + product of all that is in these baskets (ascending)."""
        held = among(self.basket, baskets)
        return self.buyer[held] * self.products + self.product[held]

    def before(self, cut: Numbers) -> Baskets:
        """Without each customer's baskets from `cut` (by customer) on. Baskets keep no old number."""
        return self.only(np.arange(len(self.customer)) < cut[self.customer])

    def without_empty(self) -> Baskets:
        """Baskets without a line are none."""
        kept = np.zeros(len(self.customer), bool)
        kept[self.basket] = True
        return self.only(kept)

    def part(self, first: int, end: int) -> Baskets:
        """Of the customers from `first` to before `end`, who become 0, 1, …"""
        return self.of_customers(np.arange(first, end))

    def of_customers(self, customers: Numbers) -> Baskets:
        """Of these customers (ascending), who become 0, 1, …"""
        kept = among(self.customer, customers)
        some = self.only(kept)
        return replace(some, customers=len(customers), customer=np.searchsorted(customers, some.customer))

    def of_products(self, kept: Flags) -> Baskets:
        """Without other products; baskets that had nothing else stay, empty."""
        lines = kept[self.product]
        return replace(self, basket=self.basket[lines], product=self.product[lines])

    def only(self, kept: Flags) -> Baskets:
        """Without the other baskets."""
        lines = kept[self.basket]
        number = np.cumsum(kept) - 1
        return replace(
            self,
            customer=self.customer[kept],
            day=self.day[kept],
            basket=number[self.basket[lines]],
            product=self.product[lines],
        )


def build(*, customer: Any, moment: Any, day: Any, receipt: Any, line_receipt: Any, product: Any) -> Baskets:
    """From columns in any order: by receipt its `customer`, `moment`, `day` and number (which settles what happened at
    the same moment); by line its receipt's position and its product. Lines may repeat."""
    customer, day = np.asarray(customer, np.int64), np.asarray(day, np.int64)
    order = np.lexsort((receipt, moment, customer))
    customer, day = customer[order], day[order]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    customers = int(customer.max()) + 1 if len(customer) else 0
    product = np.asarray(product, np.int64)
    products = int(product.max()) + 1 if len(product) else 0
    # numbers of customer, product and basket in one: sorting them is many times faster than three columns
    begins = np.searchsorted(customer, np.arange(customers))
    visit = np.arange(len(customer)) - begins[customer]
    visits = int(visit.max(initial=0)) + 1
    basket = place[np.asarray(line_receipt, np.int64)]
    line = np.sort((customer[basket] * products + product) * visits + visit[basket])
    line = line[run_starts(line)]
    pair = line // visits
    owner = pair // max(products, 1)
    return Baskets(customers, products, customer, day, begins[owner] + line - pair * visits, pair - owner * products)


def among(values: Numbers, ascending: Numbers) -> Flags:
    """Which of `values` are in `ascending`; faster than `np.isin` the more of them come in order."""
    if not len(ascending):
        return np.zeros(len(values), bool)
    found: Flags = ascending[np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)] == values
    return found


def most(counts: Numbers, size: int) -> Numbers:
    """Where the `size` largest are, the largest first, of equal ones the earlier; none that is 0."""
    least = max(int(np.partition(counts, -size)[-size]), 1) if len(counts) > size else 1
    able = np.flatnonzero(counts >= least)
    return able[np.argsort(-counts[able], kind="stable")[:size]]


def run_starts(keys: NDArray[Any]) -> Numbers:
    """Where each run of equal neighbors begins."""
    if not len(keys):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])


def run_lengths(starts: Numbers, total: int) -> Numbers:
    lengths: Numbers = np.diff(np.r_[starts, total])
    return lengths
