"""What a product is to everybody: how popular it is, and how soon its buyers take it again."""

from __future__ import annotations

import numpy as np

from customers.domain.recommendations.baskets import Baskets, Floats, Numbers

WATCHED = 20  # baskets after a purchase in which it is waited for the next
_DAYS = 1 << 16
_BASKETS_OF_DOUBT = 50.0  # how much watching it takes to believe a product rather than the average of all
_GAPS_OF_DOUBT = 5.0


class Popularity:
    """Shares of baskets, by the day they are asked for: only earlier days count."""

    def __init__(self, baskets: Baskets) -> None:
        self._zero = int(baskets.day.min()) if len(baskets.day) else 0
        self._products = baskets.products
        day = (baskets.day - self._zero)[baskets.basket]
        self._sales = np.sort(baskets.product * _DAYS + day)
        self._baskets = np.sort(baskets.day - self._zero)
        by_day = np.argsort(day, kind="stable")
        self._sold, self._sold_on = baskets.product[by_day], day[by_day]

    def share(self, product: Numbers, day: Numbers, *, days: int) -> Floats:
        """Of the baskets in the `days` before `day`, those with `product`; both by row."""
        end = np.clip(day - self._zero, 0, _DAYS - 1)
        begin = np.maximum(end - days, 0)
        row = product * _DAYS
        sold = np.searchsorted(self._sales, row + end) - np.searchsorted(self._sales, row + begin)
        all_baskets = np.searchsorted(self._baskets, end) - np.searchsorted(self._baskets, begin)
        share: Floats = sold / np.maximum(all_baskets, 1)
        return share

    def best(self, day: int, *, days: int, size: int) -> Numbers:
        """The `size` products in most baskets of the `days` before `day`; none that was in no basket at all."""
        begin, end = np.searchsorted(self._sold_on, [day - self._zero - days, day - self._zero])
        sold = np.bincount(self._sold[begin:end], minlength=self._products)
        order = np.argsort(-sold, kind="stable")[:size]
        return order[sold[order] > 0]


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
