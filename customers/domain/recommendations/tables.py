"""Purchases out of the database by COPY: columns of numbers, never rows of objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import numpy as np
from django.db import connection

from customers.domain.recommendations.baskets import Baskets, Flags, Numbers, build
from customers.domain.recommendations.selection import Goods

HISTORY = timedelta(days=730)
POPULAR_FOR = timedelta(days=56)
POPULAR = 40  # products known by store and by category
BAD_STARS = 2  # and less
DAY_ZERO = date(1970, 1, 1)

_BOUGHT = """
    COPY (
        SELECT p.customer_id, p.id, extract(epoch FROM p.purchased_at)::bigint,
            (p.purchased_at AT TIME ZONE s.timezone)::date - date '1970-01-01', l.product_id
        FROM customers_purchase p
        JOIN customers_store s ON s.id = p.store_id
        JOIN customers_purchaseline l ON l.purchase_id = p.id
        WHERE p.customer_id = ANY(%(customers)s) AND p.purchased_at > %(since)s AND p.purchased_at <= %(at)s
    ) TO STDOUT (FORMAT csv)
"""
_PRODUCTS = """
    COPY (
        SELECT id, (discontinued_at IS NULL OR discontinued_at > %(at)s)::int, dense_rank() OVER (ORDER BY name) - 1
        FROM customers_product
    ) TO STDOUT (FORMAT csv)
"""
# Brought back after it was last bought, or rated badly.
_BARRED = """
    COPY (
        SELECT p.customer_id, l.product_id
        FROM customers_purchase p
        JOIN customers_purchaseline l ON l.purchase_id = p.id
        LEFT JOIN customers_purchasereturnline rl ON rl.line_id = l.id
        LEFT JOIN customers_purchasereturn r ON r.id = rl.purchase_return_id AND r.returned_at <= %(at)s
        WHERE p.customer_id = ANY(%(customers)s) AND p.purchased_at <= %(at)s
        GROUP BY 1, 2 HAVING max(r.returned_at) >= max(p.purchased_at)
        UNION
        SELECT customer_id, product_id FROM customers_productrating
        WHERE customer_id = ANY(%(customers)s) AND stars <= %(bad)s
    ) TO STDOUT (FORMAT csv)
"""
_POPULAR = """
    COPY (
        SELECT place, product_id FROM (
            SELECT place, product_id, row_number() OVER (PARTITION BY place ORDER BY buyers DESC, product_id) AS rank
            FROM (
                SELECT {place} AS place, l.product_id, count(DISTINCT p.customer_id) AS buyers
                FROM customers_purchase p
                JOIN customers_purchaseline l ON l.purchase_id = p.id
                JOIN customers_product d ON d.id = l.product_id
                WHERE p.customer_id IS NOT NULL AND p.purchased_at > %(since)s AND p.purchased_at <= %(at)s
                    AND (d.discontinued_at IS NULL OR d.discontinued_at > %(at)s)
                GROUP BY 1, 2
            ) counted WHERE place IS NOT NULL
        ) ranked WHERE rank <= %(limit)s ORDER BY place, rank
    ) TO STDOUT (FORMAT csv)
"""
_LIKES = """
    COPY (
        SELECT c.id, coalesce(c.home_store_id, 0), coalesce(f.category_id, 0)
        FROM customers_customer c LEFT JOIN customers_preference f ON f.customer_id = c.id
        WHERE c.id = ANY(%(customers)s) ORDER BY 1, f.stated_at DESC, 3
    ) TO STDOUT (FORMAT csv)
"""


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """Products by their number: `ids` ascending."""

    ids: Numbers
    goods: Goods

    def of(self, ids: Numbers) -> Catalog:
        """The products of these ids, in this order; what is gone is not offered."""
        number, known = self.numbers(ids)
        if not len(self.ids):
            return Catalog(ids, Goods(known, np.arange(len(ids))))
        return Catalog(ids, Goods(known & self.goods.offered[number], self.goods.name[number]))

    def numbers(self, ids: Numbers) -> tuple[Numbers, Flags]:
        """Of product ids, and which of them are known."""
        place = np.minimum(np.searchsorted(self.ids, ids), max(len(self.ids) - 1, 0))
        known = self.ids[place] == ids if len(self.ids) else np.zeros(len(ids), bool)
        return place, known


@dataclass(frozen=True, slots=True, eq=False)
class Popular:
    """Product numbers, most buyers first, by store id, by category id, and everywhere."""

    by_store: dict[int, list[int]]
    by_category: dict[int, list[int]]
    everywhere: list[int]


def catalog(*, at: datetime) -> Catalog:
    ids, offered, name = _columns(_PRODUCTS, 3, at=at)
    order = np.argsort(ids)
    return Catalog(ids[order], Goods(offered[order].astype(bool), name[order]))


def baskets(customers: Sequence[int], known: Catalog, *, at: datetime) -> Baskets:
    """Customers are numbered as they stand in `customers`, which is ascending; products as in `known`."""
    owner, receipt, moment, day, product = _columns(_BOUGHT, 5, customers=list(customers), at=at, since=at - HISTORY)
    number, is_known = known.numbers(product)
    owner, receipt, moment, day, number = (column[is_known] for column in (owner, receipt, moment, day, number))
    receipts, first, line_receipt = np.unique(receipt, return_index=True, return_inverse=True)
    built = build(
        customer=np.searchsorted(np.asarray(customers, np.int64), owner[first]),
        moment=moment[first],
        day=day[first],
        receipt=receipts,
        line_receipt=line_receipt,
        product=number,
    )
    return replace(built, customers=len(customers), products=len(known.ids))


def barred(customers: Sequence[int], known: Catalog, *, at: datetime) -> Numbers:
    """Customer × products + product, in numbers."""
    owner, product = _columns(_BARRED, 2, customers=list(customers), at=at, bad=BAD_STARS)
    number, is_known = known.numbers(product)
    return np.searchsorted(np.asarray(customers, np.int64), owner[is_known]) * len(known.ids) + number[is_known]


def popular(known: Catalog, *, at: datetime) -> Popular:
    """What may be recommended to somebody of whom nothing is known."""
    by = [
        _grouped(known, *_columns(_POPULAR.format(place=place), 2, at=at, since=at - POPULAR_FOR, limit=POPULAR))
        for place in ("p.store_id", "d.category_id", "0")
    ]
    return Popular(by[0], by[1], by[2].get(0, []))


def likes(customers: Sequence[int]) -> dict[int, tuple[int, list[int]]]:
    """By customer id the home store and the stated categories, 0 and none where there are none."""
    found: dict[int, tuple[int, list[int]]] = {}
    for customer, store, category in np.stack(_columns(_LIKES, 3, customers=list(customers)), axis=1).tolist():
        categories = found.setdefault(customer, (store, []))[1]
        if category:
            categories.append(category)
    return found


def _grouped(known: Catalog, place: Numbers, product: Numbers) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    numbers, is_known = known.numbers(product)
    for where, number in zip(place[is_known].tolist(), numbers[is_known].tolist(), strict=True):
        found.setdefault(where, []).append(number)
    return found


def _columns(statement: str, count: int, **values: Any) -> list[Numbers]:
    """As many columns of whole numbers."""
    import pyarrow  # noqa: PLC0415 - heavy
    from pyarrow import csv  # noqa: PLC0415

    with connection.cursor() as cursor, _native(cursor).copy(statement, values) as copy:
        text = b"".join(bytes(part) for part in copy)
    if not text:
        return [np.zeros(0, np.int64)] * count
    names = [str(place) for place in range(count)]
    read = csv.read_csv(
        BytesIO(text),
        read_options=csv.ReadOptions(column_names=names, use_threads=False),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.int64())),
    )
    return [column.to_numpy() for column in read.columns]


def _native(cursor: Any) -> Any:
    """psycopg's own cursor, which knows COPY."""
    return cursor.cursor
