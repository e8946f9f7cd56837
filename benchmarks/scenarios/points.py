"""Points awarded and redeemed per second, from Python, with nothing around it."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from benchmarks import rows as make
from benchmarks.clients import Calls, Clients
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.site import FEW, Site

CUSTOMERS = 100_000
HOT_LOTS = 100
MOST_PER_SECOND = 3000

ENTRY = """
    WITH account AS (
        UPDATE rewards_pointsaccount SET balance = balance + p_points, last_seq = last_seq + 1
        WHERE customer_id = p_customer
        RETURNING balance, last_seq
    )
    INSERT INTO rewards_pointsentry (customer_id, seq, kind, points, balance_after, reference, happened_at, recorded_at,
                                     actor, reason, breakdown)
    SELECT p_customer, last_seq, {kind}, p_points, balance, 'limit:' || last_seq, now(), now(), 'system', '',
           {breakdown}
    FROM account
    RETURNING id INTO v_entry;
"""
FUNCTION = """
CREATE FUNCTION {name}(p_customer bigint, p_points bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_entry bigint;
BEGIN
    {body}
END $$
"""
AWARD = ENTRY.format(kind="'AWARD'", breakdown=f"'{make.BREAKDOWN}'") + (
    "INSERT INTO rewards_pointslot (customer_id, entry_id, points, remaining, available_at, expires_at)"
    " VALUES (p_customer, v_entry, p_points, p_points, now(), now() + interval '1 year');"
)
REDEEM = ENTRY.format(kind="'REDEEM'", breakdown="NULL")


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    last = scale.rows(CUSTOMERS)
    with site.database() as database:
        make.programme()
        make.customers(database, last)
        # the first one is hot: everybody spends from the same hundred lots
        make.awards(database, first=1, last=1, number=HOT_LOTS, points=10_000)
        make.awards(database, first=2, last=last, number=3, points=1000)
        make.settle_down(database)
        database.execute(FUNCTION.format(name="bench_award", body=AWARD))
        database.execute(FUNCTION.format(name="bench_redeem", body=REDEEM))
        for clients in (1, 4):
            what = f"points.award, {clients} client{'s' * (clients > 1)}"
            yield _row(site, scale, what, clients, award_calls, "SELECT bench_award(:customer, 39)", 2, last, 0.75)
        what = f"redeem by lapse date, one hot customer with {HOT_LOTS} lots, 4 clients"
        yield _row(site, scale, what, 4, redeem_calls, "SELECT bench_redeem(:customer, -7)", 1, 1, 0.50)
        what = f"the same over {last:,} customers"
        yield _row(site, scale, what, 4, redeem_calls, "SELECT bench_redeem(:customer, -7)", 2, last, 0.60)


def _row(
    site: Site,
    scale: Scale,
    work: str,
    number: int,
    prepare: Callable[..., Calls],
    statement: str,
    first: int,
    last: int,
    target: float,
) -> Row:
    script = f"\\set customer random({first}, {last})\n{statement};"
    seeds = count(1)
    calls = FEW + round(MOST_PER_SECOND * scale.seconds / number)
    with Clients(number) as clients:
        return side_by_side(
            work=work,
            beside="pgbench, one prepared function: account updated, entry"
            + (" and lot" * (target == 0.75))
            + " inserted",
            limit=lambda turn: site.pgbench(script, clients=number, seconds=scale.seconds),
            ours=lambda turn: clients.rate(
                prepare, [(next(seeds), first, last, calls) for _ in range(number)], seconds=scale.seconds
            ),
            unit="/s",
            target=target,
            scale=scale,
        )


def award_calls(seed: int, first: int, last: int, number: int) -> Calls:
    import json

    from customers.models import Customer
    from loyalty_site.lib.actors import SYSTEM
    from rewards.domain import points

    breakdown = json.loads(make.BREAKDOWN)
    drawn = random.Random(seed)
    for n in range(number):
        yield partial(
            points.award,
            customer=Customer(pk=drawn.randint(first, last)),
            points=39,
            reference=f"ours:{seed}:{n}",
            by=SYSTEM,
            at=make.AT,
            breakdown=breakdown,
        )


def redeem_calls(seed: int, first: int, last: int, number: int) -> Calls:
    from customers.models import Customer
    from loyalty_site.lib.actors import SYSTEM
    from rewards.domain import points

    drawn = random.Random(seed)
    for n in range(number):
        customer = Customer(pk=drawn.randint(first, last))
        yield partial(points.redeem, customer=customer, points=7, reference=f"ours:{seed}:{n}", by=SYSTEM, at=make.AT)
