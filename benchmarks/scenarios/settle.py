"""Purchases settled per second: 4 lines, points, one coupon; every purchase of another customer."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg

from benchmarks import rows as make
from benchmarks.clients import Calls, Clients
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.site import FEW, Site

TARGET = 0.60
BESIDE = "pgbench, one prepared function that writes the same rows"
CLIENTS = (1, 4, 16)
# More than anybody settles in a second; every client has so many customers of its own in a round.
MOST_PER_SECOND = {1: 2500, 4: 1500, 16: 500}

SCRIPT = r"""
\set n :n + 1
\set customer :start + :client_id * :each + :n
SELECT bench_settle(:customer);
"""
# The rows that a settled purchase leaves, in the schema as it is, with nothing looked at.
FUNCTION = f"""
CREATE FUNCTION bench_settle(p_customer bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_purchase bigint;
    v_entry bigint;
    v_offer bigint;
BEGIN
    INSERT INTO customers_purchase (
        store_id, receipt_number, customer_id, source, purchased_at, recorded_at, recorded_by, currency,
        total_minor, discount_minor, points_value_minor, paid_minor, fingerprint)
    VALUES (1, 'L-' || p_customer, p_customer, 'TILL', now(), now(), 'system', 'CNY', 4006, 100, 0, 3906,
            decode('0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', 'hex'))
    RETURNING id INTO v_purchase;
    INSERT INTO customers_purchaseline (purchase_id, position, product_id, quantity, amount_minor, discount_minor)
    SELECT v_purchase, n + 1, 1 + (p_customer * 7 + n) % {make.SKUS}, 1, 1000 + n, 25 FROM generate_series(0, 3) AS n;
    WITH account AS (
        UPDATE rewards_pointsaccount SET balance = balance + 39, last_seq = last_seq + 1 WHERE customer_id = p_customer
        RETURNING balance, last_seq
    )
    INSERT INTO rewards_pointsentry (customer_id, seq, kind, points, balance_after, reference, happened_at, recorded_at,
                                     actor, reason, breakdown)
    SELECT p_customer, last_seq, 'AWARD', 39, balance, 'purchase:' || v_purchase, now(), now(), 'system', '',
           '{make.BREAKDOWN}'
    FROM account
    RETURNING id INTO v_entry;
    INSERT INTO rewards_pointslot (customer_id, entry_id, points, remaining, available_at, expires_at)
    VALUES (p_customer, v_entry, 39, 39, now(), now() + interval '1 year');
    UPDATE rewards_coupon SET state = 'REDEEMED', uses_count = 1 WHERE id = p_customer AND state = 'ISSUED'
    RETURNING offer_id INTO v_offer;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'customer % has no coupon left', p_customer;
    END IF;
    UPDATE rewards_offer SET redeemed_count = redeemed_count + 1, redeemed_minor = redeemed_minor + 100
    WHERE id = v_offer;
    INSERT INTO rewards_offertally (offer_id, customer_id, used, discount_minor) VALUES (v_offer, p_customer, 1, 100);
    INSERT INTO rewards_couponredemption (coupon_id, offer_id, customer_id, purchase_id, discount_minor, redeemed_at,
                                          redeemed_by, rolled_back_by, reason)
    VALUES (p_customer, v_offer, p_customer, v_purchase, 100, now(), 'system', '', '');
END $$
"""


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    numbers = scale.clients(*CLIENTS)
    each = {clients: FEW + round(MOST_PER_SECOND[clients] * scale.seconds) for clients in numbers}
    with site.database() as database:
        fill(database, 2 * scale.rounds * sum(clients * each[clients] for clients in numbers) + 1)
        start = 0
        for number in numbers:
            with Clients(number) as clients:
                yield _row(site, scale, clients, number, each[number], start)
            start += 2 * scale.rounds * number * each[number]


def fill(database: psycopg.Connection[Any], customers: int) -> None:
    """So many customers, each with a coupon in hand, and the limit's function."""
    make.programme()
    make.customers(database, customers)
    make.coupons(database, each=500)
    database.execute(FUNCTION)


def limit(site: Site, scale: Scale, clients: int, each: int, start: int) -> float:
    """Its rate, for the customers after `start`, `each` for a client."""
    return site.pgbench(SCRIPT, clients=clients, seconds=scale.seconds, n=0, start=start, each=each)


def _row(site: Site, scale: Scale, clients: Clients, number: int, each: int, start: int) -> Row:
    def ours(turn: int) -> float:
        first = start + (2 * turn + 1) * number * each
        slices = [(first + client * each, each) for client in range(number)]
        return clients.rate(settlements, slices, seconds=scale.seconds)

    return side_by_side(
        work=f"checkout.settle, {number} client{'s' * (number > 1)}",
        beside=BESIDE,
        limit=lambda turn: limit(site, scale, number, each, start + 2 * turn * number * each),
        ours=ours,
        unit="/s",
        target=TARGET,
        scale=scale,
    )


def settlements(after: int, number: int) -> Calls:
    """Purchases of the `number` customers with ids above `after`."""
    from customers.domain.purchases import LineIn
    from customers.models import Customer, Store
    from loyalty_site.lib.actors import SYSTEM
    from rewards.domain import checkout
    from rewards.models import Coupon

    store = Store.objects.get()
    codes = dict(Coupon.objects.filter(pk__gt=after, pk__lte=after + number).values_list("customer", "code"))
    for customer in Customer.objects.filter(pk__gt=after, pk__lte=after + number).order_by("pk"):
        skus = [str((customer.pk * 7 + n) % make.SKUS) for n in range(4)]
        lines = [LineIn(sku, "", "", Decimal(1), 1000 + n) for n, sku in enumerate(skus)]
        told = checkout.PurchaseIn(f"R-{customer.pk}", customer, make.AT, "CNY", lines, (codes[customer.pk],))
        yield partial(checkout.settle, purchase=told, store=store, till=None, by=SYSTEM, at=make.AT)
