"""What a product is to everybody: how popular it is, and how soon its buyers take it again."""

from __future__ import annotations

import numpy as np

from customers.domain.recommendations.baskets import Baskets, Floats, Numbers, most

WATCHED = 20  # baskets after a purchase in which it is waited for the next
_BASKETS_OF_DOUBT = 50.0  # how much watching it takes to believe a product rather than the average of all
_GAPS_OF_DOUBT = 5.0


class Popularity:
    """Shares of baskets, by the day they are asked for: only earlier days count."""

    def __init__(self, baskets: Baskets) -> None:
        self._zero = int(baskets.day.min()) if len(baskets.day) else 0
        self._days = int(baskets.day.max()) - self._zero + 2 if len(baskets.day) else 1  # one after the last too
        self._products = baskets.products
        day = (baskets.day - self._zero)[baskets.basket]
        sales = baskets.product * self._days + day
        order = np.argsort(sales, kind="stable")
        self._sales, self._alone = sales[order], np.r_[0.0, np.cumsum(baskets.parts[order])]
        self._baskets = np.sort(baskets.day - self._zero)
        by_day = np.argsort(day, kind="stable")
        self._sold, self._sold_on = baskets.product[by_day], day[by_day]

    def share(self, product: Numbers, day: Numbers, *, days: int) -> Floats:
        """Of the baskets in the `days` before `day`, those with `product`; both by row."""
        begin, end, baskets = self._between(product, day, days)
        share: Floats = (end - begin) / baskets
        return share

    def alone(self, product: Numbers, day: Numbers, *, days: int) -> Floats:
        """The same, but each basket counts one over the number of products in it: what people come for alone, or with
        little else, stands out."""
        begin, end, baskets = self._between(product, day, days)
        alone: Floats = np.maximum(self._alone[end] - self._alone[begin], 0) / baskets
        return alone

    def _between(self, product: Numbers, day: Numbers, days: int) -> tuple[Numbers, Numbers, Numbers]:
        """By row the first and the one after the last of its sales, and the number of all baskets (or 1)."""
        since, until = (np.clip(moment - self._zero, 0, self._days - 1) for moment in (day - days, day))
        row = product * self._days
        order = np.argsort(row + until)  # neighbors are found near each other
        begin, end = np.empty(len(row), np.int64), np.empty(len(row), np.int64)
        begin[order] = np.searchsorted(self._sales, (row + since)[order])
        end[order] = np.searchsorted(self._sales, (row + until)[order])
        baskets = np.searchsorted(self._baskets, until) - np.searchsorted(self._baskets, since)
        return begin, end, np.maximum(baskets, 1)

    def best(self, day: int, *, days: int, size: int) -> Numbers:
        """The `size` products in most baskets of the `days` before `day`; none that was in no basket at all."""
        begin, end = np.searchsorted(self._sold_on, [day - self._zero - days, day - self._zero])
        return most(np.bincount(self._sold[begin:end], minlength=self._products), size)


class Rhythms:
    """By product: `chance` to be in its buyers' next basket, and `gap`, the usual days between two purchases (a
    geometric mean). Few observations are mixed with the average of all products."""

    def __init__(self, baskets: Baskets) -> None:
        product, size = baskets.product, baskets.products
        same = np.zeros(len(product), bool)
        buyer = baskets.buyer
        same[:-1] = (product[1:] == product[:-1]) & (buyer[1:] == buyer[:-1])
        until = np.r_[baskets.basket[1:], 0] - baskets.basket
        came = same & (until <= WATCHED)
        left = baskets.ends[buyer] - 1 - baskets.basket
        watched = np.where(came, until, np.minimum(np.where(same, WATCHED, left), WATCHED))
        again = np.bincount(product, came, minlength=size)
        watched_for = np.bincount(product, watched, minlength=size)
        average = (again.sum() + 0.1) / (watched_for.sum() + 1.0)
        self.chance: Floats = (again + _BASKETS_OF_DOUBT * average) / (watched_for + _BASKETS_OF_DOUBT)
        day = baskets.day[baskets.basket]
        gap = np.log(np.maximum(np.r_[day[1:], 0] - day, 0.5))
        gaps = np.bincount(product, same, minlength=size)
        length = np.bincount(product, np.where(same, gap, 0.0), minlength=size)
        usual = length.sum() / gaps.sum() if gaps.sum() else np.log(30.0)
        self.gap: Floats = np.exp((length + _GAPS_OF_DOUBT * usual) / (gaps + _GAPS_OF_DOUBT))

    @classmethod
    def known(cls, *, chance: Floats, gap: Floats) -> Rhythms:
        found = cls.__new__(cls)
        found.chance, found.gap = chance, gap
        return found
