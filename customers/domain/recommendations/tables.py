"""Purchases out of the database: columns of numbers, never rows of objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import numpy as np
from django.db import connection
from django.utils import timezone

from customers.domain import ratings
from customers.domain.recommendations.baskets import Baskets, Flags, Numbers, build, run_starts
from customers.domain.recommendations.selection import Barred, Goods, Popular

HISTORY = timedelta(days=730)
POPULAR_FOR = timedelta(days=56)
POPULAR = 40  # products known by store and by category
DAY_ZERO = date(1970, 1, 1)

# Receipts as whole columns, in one row. The lines of each are looked up by its id: left to itself the planner reads
# everybody's lines for the few customers asked for.
_BOUGHT = """
    COPY (
        SELECT
            string_agg(int8send(p.customer_id), ''),
            string_agg(int8send(p.id), ''),
            string_agg(int8send(extract(epoch FROM p.purchased_at)::bigint), ''),
            string_agg(int8send(((p.purchased_at AT TIME ZONE s.timezone)::date - date '1970-01-01')::bigint), ''),
            string_agg(int8send(((%(at)s AT TIME ZONE s.timezone)::date - date '1970-01-01')::bigint), ''),
            string_agg(int8send(held.lines), ''),
            string_agg(held.products, '')
        FROM customers_purchase p
        JOIN customers_store s ON s.id = p.store_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS lines, string_agg(int8send(l.product_id), '') AS products
            FROM customers_purchaseline l WHERE l.purchase_id = p.id
        ) held
        WHERE p.customer_id = ANY(%(customers)s) AND p.purchased_at > %(since)s AND p.purchased_at <= %(at)s
    ) TO STDOUT (FORMAT binary)
"""
_PRODUCTS = """
    COPY (
        SELECT id, (discontinued_at IS NULL OR discontinued_at > %(at)s)::int, dense_rank() OVER (ORDER BY name) - 1
        FROM customers_product
    ) TO STDOUT (FORMAT csv)
"""
# Brought back after it was last bought, or rated badly. Whether it was bought again is asked for each of the few that
# came back: `LIMIT` and `+ 0` keep the planner from reading everybody's purchases, and everybody's of the product.
_BARRED = """
    COPY (
        SELECT customer_id, product_id, day - date '1970-01-01' FROM (
            SELECT p.customer_id, l.product_id, max(r.returned_at) AS returned_at,
                max((r.returned_at AT TIME ZONE s.timezone)::date) AS day
            FROM customers_purchase p
            JOIN customers_purchasereturn r ON r.purchase_id = p.id AND r.returned_at <= %(at)s
            JOIN customers_store s ON s.id = r.store_id
            JOIN customers_purchasereturnline rl ON rl.purchase_return_id = r.id
            JOIN customers_purchaseline l ON l.id = rl.line_id
            WHERE p.customer_id = ANY(%(customers)s) AND p.purchased_at <= %(at)s
            GROUP BY 1, 2
        ) back
        WHERE (
            SELECT 1 FROM customers_purchase p JOIN customers_purchaseline l ON l.purchase_id = p.id
            WHERE p.customer_id = back.customer_id AND l.product_id + 0 = back.product_id
                AND p.purchased_at > back.returned_at AND p.purchased_at <= %(at)s
            LIMIT 1
        ) IS NULL
        UNION ALL
        SELECT r.customer_id, r.product_id,
            (r.rated_at AT TIME ZONE coalesce(latest.timezone, 'UTC'))::date - date '1970-01-01'
        FROM customers_productrating r
        LEFT JOIN LATERAL (
            SELECT s.timezone FROM customers_purchase p JOIN customers_store s ON s.id = p.store_id
            WHERE p.customer_id = r.customer_id AND p.purchased_at <= %(at)s
            ORDER BY p.purchased_at DESC, p.id DESC LIMIT 1
        ) latest ON TRUE
        WHERE r.customer_id = ANY(%(customers)s) AND r.stars <= %(bad)s
    ) TO STDOUT (FORMAT csv)
"""
# Who has a product has it in one category, so that one count is for everywhere and for categories.
_POPULAR = """
    COPY (
        WITH bought AS MATERIALIZED (
            SELECT DISTINCT p.customer_id, p.store_id, l.product_id
            FROM customers_purchase p
            JOIN customers_purchaseline l ON l.purchase_id = p.id
            JOIN customers_product d ON d.id = l.product_id
            WHERE p.customer_id IS NOT NULL AND p.purchased_at > %(since)s AND p.purchased_at <= %(at)s
                AND (d.discontinued_at IS NULL OR d.discontinued_at > %(at)s)
        ), everywhere AS MATERIALIZED (
            SELECT product_id, count(*) AS buyers
            FROM (SELECT DISTINCT customer_id, product_id FROM bought) pair GROUP BY 1
        ), counted AS (
            SELECT 0 AS kind, 0 AS place, product_id, buyers FROM everywhere
            UNION ALL
            SELECT 1, store_id, product_id, count(*) FROM bought GROUP BY 2, 3
            UNION ALL
            SELECT 2, d.category_id, product_id, buyers FROM everywhere
            JOIN customers_product d ON d.id = product_id AND d.category_id IS NOT NULL
        )
        SELECT kind, place, product_id FROM (
            SELECT *, row_number() OVER (PARTITION BY kind, place ORDER BY buyers DESC, product_id) AS rank FROM counted
        ) ranked WHERE rank <= %(limit)s ORDER BY kind, place, rank
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


def catalog(*, at: datetime) -> Catalog:
    ids, offered, name = _columns(_PRODUCTS, 3, at=at)
    order = np.argsort(ids)
    return Catalog(ids[order], Goods(offered[order].astype(bool), name[order]))


def baskets(customers: Sequence[int], known: Catalog, *, at: datetime) -> tuple[Baskets, Numbers]:
    """And which day it is for each customer, on the clock of the store where they bought last. Customers are numbered
    as they stand in `customers`, which is ascending; products as in `known`."""
    owner, receipt, moment, day, day_there, lines, product = _packed(
        _BOUGHT, 7, customers=list(customers), at=at, since=at - HISTORY
    )
    place = np.searchsorted(np.asarray(customers, np.int64), owner)
    number, is_known = known.numbers(product)
    of = np.repeat(np.arange(len(receipt)), lines)[is_known]
    held = np.bincount(of, minlength=len(receipt)) > 0
    built = build(
        customer=place[held],
        moment=moment[held],
        day=day[held],
        receipt=receipt[held],
        line_receipt=(np.cumsum(held) - 1)[of],
        product=number[is_known],
    )
    today = np.full(len(customers), (at.astimezone(timezone.get_current_timezone()).date() - DAY_ZERO).days)
    backwards = np.lexsort((receipt, moment, place))[::-1]
    latest = backwards[run_starts(place[backwards])]
    today[place[latest]] = day_there[latest]
    return replace(built, customers=len(customers), products=len(known.ids)), today


def barred(customers: Sequence[int], known: Catalog, *, at: datetime) -> Barred:
    """In numbers; days on the clock of the store that took it back, or where they bought last. Of two days of a product
    the later."""
    owner, product, day = _columns(_BARRED, 3, customers=list(customers), at=at, bad=ratings.BAD_STARS)
    number, is_known = known.numbers(product)
    pairs = np.searchsorted(np.asarray(customers, np.int64), owner[is_known]) * len(known.ids) + number[is_known]
    order = np.lexsort((-day[is_known], pairs))
    first = run_starts(pairs[order])
    return Barred(pairs[order][first], day[is_known][order][first])


def popular(known: Catalog, *, at: datetime) -> Popular:
    """What may be recommended to somebody of whom nothing is known."""
    kind, place, product = _columns(_POPULAR, 3, at=at, since=at - POPULAR_FOR, limit=POPULAR)
    number, is_known = known.numbers(product)
    return Popular(np.stack([kind, place, number], axis=1)[is_known])


def likes(customers: Sequence[int]) -> dict[int, tuple[int, list[int]]]:
    """By customer id the home store and the stated categories, 0 and none where there are none."""
    found: dict[int, tuple[int, list[int]]] = {}
    for customer, store, category in np.stack(_columns(_LIKES, 3, customers=list(customers)), axis=1).tolist():
        categories = found.setdefault(customer, (store, []))[1]
        if category:
            categories.append(category)
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


def _packed(statement: str, count: int, **values: Any) -> list[Numbers]:
    """As many columns of a statement whose one row holds each as bytes of big-endian numbers."""
    with connection.cursor() as cursor, _native(cursor).copy(statement, values) as copy:
        copy.set_types(["bytea"] * count)
        (row,) = copy.rows()
    return [np.frombuffer(column or b"", ">i8").astype(np.int64) for column in row]


def _native(cursor: Any) -> Any:
    """psycopg's own cursor, which knows COPY."""
    return cursor.cursor
