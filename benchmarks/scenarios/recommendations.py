"""The night's recommendations for 2,469 and 25,000 customers with a year each; `--share 10` makes it 250,000.

The first are the households of "The Complete Journey" as they are; more are households taken again with a fifth of
their lines left out and 15 % changed for other products.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from benchmarks import rows as make
from benchmarks.measure import Row, Scale, say, side_by_side
from benchmarks.site import Site

SMALL, LARGE = 2_469, 25_000
LEFT_OUT, CHANGED = 0.2, 0.15
LEARNING, NIGHT = 60.0, 120.0  # seconds of CPU: for few customers, and for LARGE
PERSONAL, NEIGHBOURS = 10.0, 60.0  # at LARGE
READ = 0.001
GROWTH = 12.0
AT_ONCE = 1000

Numbers = NDArray[np.int64]
Database = psycopg.Connection[Any]


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    once = Scale(1, scale.seconds, scale.share)
    seconds = []
    for number in sorted({scale.rows(SMALL), scale.rows(LARGE)}):
        with site.database() as database:
            make.programme()
            make.customers(database, number)
            lines = _fill(database, number)
            say(f"  {number:,} customers, {lines:,} lines")
            night = _night()
            seconds.append(night.seconds)
            yield side_by_side(
                work=f"a night's recommendations for {number:,} customers",
                beside="60 s, or 2 min for each 25,000",
                limit=partial(_constant, max(LEARNING, NIGHT * number / LARGE)),
                ours=lambda _turn, night=night: night.seconds,
                unit="s",
                target=1.0,
                scale=once,
            ).noted(
                f"seconds of CPU without the database's, {night.took:.0f} in all; {lines:,} lines,"
                f" {night.mebibytes:,} MiB at most."
            )
            if number == scale.rows(LARGE):
                yield from _parts(number, once)
    if len(seconds) > 1:
        yield side_by_side(
            work="the same night for ten times the customers",
            beside="twelve times",
            limit=partial(_constant, GROWTH * seconds[0]),
            ours=lambda _turn: seconds[1],
            unit="s",
            target=1.0,
            scale=once,
        )


def _parts(number: int, scale: Scale) -> Iterator[Row]:
    from customers.domain.recommendations import habits, runs, tables
    from customers.domain.recommendations.likeness import Likeness
    from customers.models import Customer

    at = datetime.now(tz=UTC)
    ids = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
    catalog = tables.catalog(at=at)
    personal = 0.0
    for first in range(0, len(ids), AT_ONCE):
        part, _ = tables.baskets(ids[first : first + AT_ONCE], catalog, at=at)
        began = _cpu()
        habits.count(part, np.full(part.customers, (at.date() - tables.DAY_ZERO).days))
        personal += _cpu() - began
    some, _ = tables.baskets(ids[: runs.LEARNED_FROM], catalog, at=at)
    began = _cpu()
    Likeness(some)
    neighbors = _cpu() - began
    for what, ours, limit in (
        (f"what {number:,} customers buy again, counted", personal, PERSONAL * number / LARGE),
        ("which products the same people buy", neighbors, NEIGHBOURS),
    ):
        yield side_by_side(
            work=what,
            beside=f"{limit:g} s",
            limit=partial(_constant, limit),
            ours=partial(_constant, ours),
            unit="s",
            target=1.0,
            scale=scale,
        ).noted("seconds of CPU")
    yield side_by_side(
        work="a customer's list with its reasons in words, the median",
        beside="1 ms",
        limit=partial(_constant, READ),
        ours=lambda _turn: _read(at, number),
        unit="s",
        target=1.0,
        scale=scale,
    )


def _constant(value: float, _turn: int) -> float:
    return value


class _Night:
    def __init__(self, used: resource.struct_rusage, took: float) -> None:
        self.took = took
        self.seconds = used.ru_utime + used.ru_stime
        self.mebibytes = used.ru_maxrss // 1024


def _night() -> _Night:
    """The command by itself: what it used is the system's own count."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "manage.py", "refresh_recommendations"], stdout=subprocess.DEVNULL)
    _pid, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"refresh_recommendations came to {child.returncode}")
    return _Night(used, time.perf_counter() - began)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _read(at: datetime, number: int) -> float:
    from customers.domain.recommendations import lists
    from customers.models import Customer

    took = []
    for customer in Customer.objects.filter(pk__in=range(1, number + 1, max(number // 1000, 1))):
        began = time.perf_counter()
        found = lists.for_customer(customer=customer, limit=lists.SIZE, at=at)
        took.append(time.perf_counter() - began)
        if not found:
            raise RuntimeError(f"customer {customer.pk} has no list")
    return statistics.median(took)


def _fill(database: Database, number: int) -> int:
    """Products, purchases and lines, the latest of today; returns how many lines."""
    from loyalty_site.demo import journey

    told = journey.table("transactions", columns=["household_id", "basket_id", "product_id", "transaction_timestamp"])
    household, basket, product = (
        np.unique(told[name].to_numpy(), return_inverse=True)[1] for name in told.column_names[:3]
    )
    seconds = told["transaction_timestamp"].to_numpy().astype("datetime64[s]").astype(np.int64)
    seconds += int(datetime.now(tz=UTC).timestamp()) - int(seconds.max()) - 60
    database.execute("DELETE FROM customers_product")
    _copy(database, "customers_product (id, sku, name)", *[np.arange(1, product.max() + 2)] * 3)
    order = np.argsort(household, kind="stable")
    begins = np.searchsorted(household[order], np.arange(household.max() + 2))
    draws, receipts, lines = np.random.default_rng(1), 0, 0
    with make.loading(database, "customers_purchase", "customers_purchaseline"):
        for first in range(0, number, AT_ONCE):
            customer = np.arange(first, min(first + AT_ONCE, number))
            own = customer % (len(begins) - 1)
            length = begins[own + 1] - begins[own]
            who = np.repeat(customer, length)
            line = order[np.arange(len(who)) - np.repeat(np.cumsum(length) - length - begins[own], length)]
            again = who >= len(begins) - 1
            kept = ~again | (draws.random(len(who)) >= LEFT_OUT)
            who, line, again = who[kept], line[kept], again[kept]
            other = again & (draws.random(len(who)) < CHANGED)
            bought = np.where(other, product[draws.integers(len(product), size=len(who))], product[line])
            _, head, receipt = np.unique(
                who * (basket.max() + 1) + basket[line], return_index=True, return_inverse=True
            )
            _purchases(database, receipts + 1, who[head] + 1, seconds[line[head]])
            _lines(database, receipts + 1 + receipt, lines + 1, bought + 1)
            receipts, lines = receipts + len(head), lines + len(who)
    return lines


def _purchases(database: Database, first: int, customer: Numbers, seconds: Numbers) -> None:
    ids = np.arange(first, first + len(customer))
    database.execute("CREATE TEMP TABLE told (id bigint, customer_id bigint, seconds bigint)")
    _copy(database, "told", ids, customer, seconds)
    database.execute(
        """
        INSERT INTO customers_purchase (id, store_id, receipt_number, customer_id, source, purchased_at, recorded_at,
            recorded_by, currency, total_minor, discount_minor, points_value_minor, paid_minor, fingerprint)
        SELECT id, (SELECT min(id) FROM customers_store), id, customer_id, 'IMPORT', to_timestamp(seconds),
            to_timestamp(seconds), 'system', 'CNY', 1000, 0, 0, 1000, '' FROM told
        """
    )
    database.execute("DROP TABLE told")


def _lines(database: Database, receipt: Numbers, first: int, product: Numbers) -> None:
    """Positions are the lines' own numbers: different within a receipt."""
    ids, one = np.arange(first, first + len(receipt)), np.ones(len(receipt), np.int64)
    columns = "(id, purchase_id, position, product_id, quantity, amount_minor, discount_minor)"
    _copy(database, f"customers_purchaseline {columns}", ids, receipt, ids, product, one, one * 100, one * 0)


def _copy(database: Database, into: str, *columns: Numbers) -> None:
    import pyarrow
    from pyarrow import csv

    text = BytesIO()
    table = pyarrow.table({str(place): column for place, column in enumerate(columns)})
    csv.write_csv(table, text, csv.WriteOptions(include_header=False))
    with database.cursor().copy(f"COPY {into} FROM STDIN (FORMAT csv)") as copy:
        copy.write(text.getvalue())
