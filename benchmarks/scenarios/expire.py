"""The nightly job: the lots of a million customers lapse."""

import time
from collections.abc import Iterator
from datetime import timedelta

from benchmarks import rows as make
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.site import Site

CUSTOMERS = 1_000_000

# As many rows as the books take, changed and written in four statements, with nothing looked at.
BARE = (
    "UPDATE rewards_pointslot SET remaining = 0 WHERE customer_id BETWEEN %(first)s AND %(last)s",
    "UPDATE rewards_pointsaccount SET balance = 0, last_seq = 2 WHERE customer_id BETWEEN %(first)s AND %(last)s",
    "INSERT INTO rewards_pointsentry (customer_id, seq, kind, points, balance_after, reference, happened_at,"
    " recorded_at, actor, reason)"
    " SELECT n, 2, 'EXPIRE', -39, 0, 'lapse:2', now(), now(), 'system', ''"
    " FROM generate_series(%(first)s::bigint, %(last)s) AS n",
    "INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)"
    " SELECT entry.customer_id, entry.id, lot.id, 39"
    " FROM rewards_pointsentry entry JOIN rewards_pointslot lot USING (customer_id)"
    " WHERE entry.customer_id BETWEEN %(first)s AND %(last)s AND entry.kind = 'EXPIRE'",
)


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    from rewards.domain import points
    from rewards.tasks import LOTS_AT_ONCE

    each = scale.rows(CUSTOMERS) // scale.rounds
    midnights = [make.AT + timedelta(days=30 + turn) for turn in range(scale.rounds)]
    with site.database() as database:
        make.programme()
        make.customers(database, 2 * each * scale.rounds)
        with make.loading(database, "rewards_pointsentry", "rewards_pointslot"):
            for turn, midnight in enumerate(midnights):
                ours, limit = _ranges(turn, each)
                make.awards(database, first=ours[0], last=ours[1], number=1, points=39, expires_at=midnight)
                far = midnight + timedelta(days=1000)
                make.awards(database, first=limit[0], last=limit[1], number=1, points=39, expires_at=far)
        make.settle_down(database)
        longest = [0.0]

        def bare(turn: int) -> float:
            first, last = _ranges(turn, each)[1]
            began = time.perf_counter()
            with database.transaction():
                for statement in BARE:
                    database.execute(statement, {"first": first, "last": last})
            return time.perf_counter() - began

        def ours(turn: int) -> float:
            began, booked = time.perf_counter(), 0
            while True:
                before = time.perf_counter()
                changed = points.expire(at=midnights[turn], limit=LOTS_AT_ONCE)
                longest[0] = max(longest[0], time.perf_counter() - before)
                if not changed:
                    break
                booked += changed
            if booked != each:
                raise RuntimeError(f"{booked} of {each} customers' lots lapsed")
            return time.perf_counter() - began

        row = side_by_side(
            work=f"lots of {each * scale.rounds:,} customers lapse, {each:,} a round",
            beside="bare set-based UPDATEs and INSERTs of as many rows, one transaction",
            limit=bare,
            ours=ours,
            unit="s",
            target=2,
            scale=scale,
        )
        yield row.noted(f"an account is locked for {longest[0]:.2f} s at most, the time of one chunk")


def _ranges(turn: int, each: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The first and last customers of a round: ours, and the limit's."""
    start = 2 * turn * each
    return (start + 1, start + each), (start + each + 1, start + 2 * each)
