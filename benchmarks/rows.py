"""Rows for the scenarios, made in sets: customers with accounts, coupons, goods, entries with their lots."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

AT = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)
SKUS = 200

# What an award of one base rule keeps.
BREAKDOWN = (
    '{"currency": "CNY", "net_minor": 3906, "paid_minor": 3906, "rate": {"code": "base", "version": 1, "name": "Base",'
    ' "points": 1, "per_minor": 100}, "multipliers": [], "rounded_down": "0.060"}'
)


def programme(currency: str = "CNY") -> None:
    """A programme with a base rate, one store with code S, and goods numbered from 0."""
    from customers.models import Product, Store
    from rewards.models import EarningRule, Program

    Program.objects.create(currency=currency, quiet_from=None, quiet_until=None)
    Store.objects.create(code="S", name="Store", currency=currency)
    Product.objects.bulk_create(Product(sku=f"{n}", name=f"Article {n}") for n in range(SKUS))
    EarningRule.objects.create(
        code="base", version=1, name="Base", kind="BASE", points=1, per_minor=100, valid_from=AT.replace(year=2020)
    )


def customers(database: psycopg.Connection[Any], number: int) -> None:
    """With ids from 1, good numbers, and an empty account each."""
    from loyalty_site.lib.codes import ALPHABET, check_symbol

    drawn = random.Random(1)
    with database.transaction():
        with database.cursor().copy(
            "COPY customers_customer (id, number, name, email, phone, language, enrolled_at) FROM STDIN"
        ) as copy:
            for pk, body in enumerate(_distinct(drawn, ALPHABET, 7, number), start=1):
                copy.write_row((pk, body + check_symbol(body), f"Customer {pk}", "", "", "en", AT))
        database.execute(
            "INSERT INTO rewards_pointsaccount (customer_id, balance, debt, last_seq)"
            " SELECT id, 0, 0, 0 FROM customers_customer"
        )
    database.execute("VACUUM ANALYZE customers_customer, rewards_pointsaccount")


def coupons(database: psycopg.Connection[Any], *, each: int, **terms: Any) -> None:
    """A coupon in every customer's hand, with the customer's id; each `each` customers have an offer of their own: 1.00
    off, unless `terms` say another thing."""
    from loyalty_site.lib.codes import ALPHABET, check_symbol
    from rewards.models import Offer

    drawn = random.Random(2)
    number = _only(database, "SELECT max(id) FROM customers_customer")
    terms = {"kind": "AMOUNT", "amount_minor": 100, "valid_from": AT, "published_at": AT} | terms
    offers = Offer.objects.bulk_create(Offer(title={"en": f"Offer {n}"}, **terms) for n in range(number // each + 1))
    columns = "id, code, offer_id, customer_id, is_public, state, uses_max, uses_count, reference, issued_at"
    with database.transaction(), database.cursor().copy(f"COPY rewards_coupon ({columns}) FROM STDIN") as copy:
        for pk, body in enumerate(_distinct(drawn, ALPHABET, 11, number), start=1):
            offer = offers[pk // each].pk
            copy.write_row((pk, body + check_symbol(body), offer, pk, False, "ISSUED", 1, 0, f"bench:{pk}", AT))
    database.execute("VACUUM ANALYZE rewards_coupon")


def _distinct(drawn: random.Random, alphabet: str, length: int, number: int) -> list[str]:
    made: dict[str, None] = {}
    while len(made) < number:
        made["".join(drawn.choices(alphabet, k=length))] = None
    return list(made)


def _only(database: psycopg.Connection[Any], query: str) -> int:
    row = database.execute(query).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def loading(database: psycopg.Connection[Any], *tables: str) -> Iterator[None]:
    """Takes the tables' indexes, keys and triggers away and brings them back: the way in for millions of rows.

    References are not looked at again, so the rows must be right.
    """
    names = list(tables)
    keys = database.execute(
        "SELECT conrelid::regclass::text, conname, contype, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype IN ('f', 'p', 'u') AND ARRAY[conrelid, confrelid]::regclass[] && %s::regclass[]"
        " ORDER BY contype <> 'f'",
        [names],
    ).fetchall()
    indexes = database.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY (%s::regclass[])"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))",
        [names],
    ).fetchall()
    for table, name, _, _ in keys:
        database.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for name, _ in indexes:
        database.execute(f"DROP INDEX {name}")
    database.execute("SET session_replication_role = replica")
    yield
    database.execute("SET session_replication_role = origin")
    database.execute("SET maintenance_work_mem = '512MB'")
    for table, name, kind, definition in reversed(keys):
        unchecked = " NOT VALID" if kind == "f" else ""
        database.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}{unchecked}')
    for _, definition in indexes:
        database.execute(definition)
    for table in tables:
        database.execute(
            "SELECT setval(pg_get_serial_sequence(%s, 'id'), (SELECT coalesce(max(id), 0) + 1 FROM "
            + table
            + "), false)",
            [table],
        )
        database.execute(f"VACUUM ANALYZE {table}")


# Time passes from entry to entry: those of one customer do not lie beside each other.
_AWARDS = """
INSERT INTO rewards_pointsentry (customer_id, seq, kind, points, balance_after, reference, happened_at, recorded_at,
                                 actor, reason, breakdown)
SELECT customer_id, last_seq + n, 'AWARD', %(points)s::bigint, balance + n * %(points)s::bigint,
       'purchase:' || customer_id || '-' || last_seq + n,
       %(at)s, %(at)s, 'system', '', %(breakdown)s
FROM generate_series(1, %(number)s) AS n, rewards_pointsaccount
WHERE customer_id BETWEEN %(first)s AND %(last)s
ORDER BY n, customer_id
"""
_LOTS = """
INSERT INTO rewards_pointslot (customer_id, entry_id, points, remaining, available_at, expires_at)
SELECT entry.customer_id, entry.id, entry.points, entry.points, entry.happened_at, %(expires_at)s
FROM rewards_pointsentry entry LEFT JOIN rewards_pointslot lot ON lot.entry_id = entry.id
WHERE lot.id IS NULL AND entry.customer_id BETWEEN %(first)s AND %(last)s
ORDER BY entry.id
"""
_ACCOUNTS = """
UPDATE rewards_pointsaccount
SET balance = balance + %(number)s::bigint * %(points)s::bigint, last_seq = last_seq + %(number)s
WHERE customer_id BETWEEN %(first)s AND %(last)s
"""


def awards(
    database: psycopg.Connection[Any],
    *,
    first: int,
    last: int,
    number: int,
    points: int,
    expires_at: datetime | None = None,
) -> None:
    """`number` awards of `points`, none spent, for each customer with an id from `first` to `last`."""
    values = {"first": first, "last": last, "number": number, "points": points, "at": AT, "breakdown": BREAKDOWN}
    with database.transaction():
        database.execute("SET LOCAL session_replication_role = replica")
        for statement in (_AWARDS, _LOTS, _ACCOUNTS):
            database.execute(statement, values | {"expires_at": expires_at})


def settle_down(database: psycopg.Connection[Any]) -> None:
    """After loading: what autovacuum would have done by the time anybody measures."""
    database.execute("VACUUM ANALYZE")
    database.execute("CHECKPOINT")
