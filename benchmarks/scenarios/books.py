"""Ten entries for each customer, in sets, with books that balance: 7 awards, 3 redemptions, all lots and allocations.

In units of half an award `h` a customer's entries are +2 +2 −3 +2 −3 +2 +2 −3 +2 +2: five units remain. Time passes
step by step, and in each step all customers book, in another order: what belongs to one customer lies far apart.
Customers, entries and lots have ids from 1, so that each row is computed, and nothing is sorted.
"""

from typing import Any

import psycopg

from benchmarks import rows as make

ENTRIES_EACH = 10

# step, kind, half awards, half awards after it
_STEPS = (
    "(VALUES (1, 'AWARD', 2, 2), (2, 'AWARD', 2, 4), (3, 'REDEEM', -3, 1), (4, 'AWARD', 2, 3), (5, 'REDEEM', -3, 0),"
    " (6, 'AWARD', 2, 2), (7, 'AWARD', 2, 4), (8, 'REDEEM', -3, 1), (9, 'AWARD', 2, 3), (10, 'AWARD', 2, 5))"
    " AS step (number, kind, halves, halves_after)"
)
# lot, the step that made it, half awards that remain
_LOTS = (
    "(VALUES (1, 1, 0), (2, 2, 0), (3, 4, 0), (4, 6, 0), (5, 7, 1), (6, 9, 2), (7, 10, 2)) AS made (lot, step, halves)"
)
# step that took, lot, the step that made the lot, half awards
_TAKEN = (
    "(VALUES (3, 1, 1, 2), (3, 2, 2, 1), (5, 2, 2, 1), (5, 3, 4, 2), (8, 4, 6, 2), (8, 5, 7, 1))"
    " AS taken (step, lot, made, halves)"
)
# `turn` says when in a step a customer's turn is; each step begins elsewhere in one shuffled order
_TURNS = "generate_series(0, {n} - 1) AS turn, LATERAL (SELECT (turn + {step} * 12345) % {n} AS place) AS placed"
_CUSTOMER = "(place * 7919::bigint % {n} + 1)"
_HALF = "(20 + place * 7919::bigint % {n} % 40)"
_TURN_IN = "((place - {step} * 12345) % {n} + {n}) % {n}"


def fill(database: psycopg.Connection[Any], customers: int) -> None:
    make.customers(database, customers)
    with make.loading(database, "rewards_pointsentry", "rewards_pointslot", "rewards_pointsallocation"):
        for statement in (_entries(customers), _lots(customers), _allocations(customers)):
            database.execute(statement)
    n = customers
    database.execute(
        f"UPDATE rewards_pointsaccount SET balance = 5 * {_HALF.format(n=n)}, last_seq = {ENTRIES_EACH}"
        f" FROM generate_series(0, {n} - 1) AS place WHERE customer_id = {_CUSTOMER.format(n=n)}"
    )
    make.settle_down(database)


def _entries(n: int) -> str:
    when = "timestamptz '2025-01-01 10:00+00' + step.number * interval '30 days' + turn * interval '1 second'"
    return f"""
        INSERT INTO rewards_pointsentry (id, customer_id, seq, kind, points, balance_after, reference, happened_at,
                                         recorded_at, actor, reason, breakdown)
        SELECT (step.number - 1) * {n}::bigint + turn + 1, {_CUSTOMER.format(n=n)}, step.number, step.kind,
               step.halves * {_HALF.format(n=n)}, step.halves_after * {_HALF.format(n=n)},
               'purchase:' || (step.number - 1) * {n}::bigint + turn + 1, {when}, {when}, 'system', '',
               CASE WHEN step.kind = 'AWARD' THEN '{make.BREAKDOWN}'::jsonb END
        FROM {_STEPS}, {_TURNS.format(n=n, step="step.number")}"""


def _lots(n: int) -> str:
    when = "timestamptz '2025-01-01 10:00+00' + made.step * interval '30 days' + turn * interval '1 second'"
    return f"""
        INSERT INTO rewards_pointslot (id, customer_id, entry_id, points, remaining, available_at, expires_at)
        SELECT (made.lot - 1) * {n}::bigint + turn + 1, {_CUSTOMER.format(n=n)},
               (made.step - 1) * {n}::bigint + turn + 1, 2 * {_HALF.format(n=n)}, made.halves * {_HALF.format(n=n)},
               {when}, {when} + interval '2 years'
        FROM {_LOTS}, {_TURNS.format(n=n, step="made.step")}"""


def _allocations(n: int) -> str:
    lot = f"(taken.lot - 1) * {n}::bigint + {_TURN_IN.format(n=n, step='taken.made')} + 1"
    return f"""
        INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
        SELECT {_CUSTOMER.format(n=n)}, (taken.step - 1) * {n}::bigint + turn + 1, {lot},
               taken.halves * {_HALF.format(n=n)}
        FROM {_TAKEN}, {_TURNS.format(n=n, step="taken.step")}"""
