"""A year of a store chain: 1,469,307 lines of "The Complete Journey", a fifth of its households in each round."""

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import rows as make
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.site import Site

# The lines as the file has them, and then what finds a line and a customer's lines.
TABLE = (
    "CREATE TABLE bench_line (store text, receipt_number text, customer text, purchased_at timestamptz, sku text,"
    " quantity numeric, amount numeric, name text, category text, currency text)"
)
INDEXES = (
    "CREATE INDEX ON bench_line (store, receipt_number)",
    "CREATE INDEX ON bench_line (customer, purchased_at)",
    "CREATE INDEX ON bench_line (sku)",
)


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    from loyalty_site.demo import journey
    from rewards.domain import imports

    everybody = journey.households(None)
    wanted = everybody[: max(scale.rounds, round(len(everybody) * scale.share))]
    files = [site.var / f"lines-{turn}.csv" for turn in range(scale.rounds)]
    lines = sum(_write(path, wanted[turn :: scale.rounds]) for turn, path in enumerate(files))
    with site.database() as database:
        make.programme(journey.CURRENCY)
        database.execute(TABLE)

        def bare(turn: int) -> float:
            database.execute("DROP TABLE bench_line")
            database.execute(TABLE)
            began = time.perf_counter()
            _copy(database, files[turn])
            for statement in INDEXES:
                database.execute(statement)
            return time.perf_counter() - began

        def ours(turn: int) -> float:
            from loyalty_site.lib.actors import SYSTEM

            began = time.perf_counter()
            result = imports.run(path=files[turn], by=SYSTEM, at=make.AT)
            if result.rejects or result.points_awarded <= 0:
                raise RuntimeError(f"the import came to {result.counts()}")
            return time.perf_counter() - began

        yield side_by_side(
            work=f"import of {lines:,} lines with points, lots and balances, a part in each round",
            beside="bare COPY of the same lines into one table, then its three indexes",
            limit=bare,
            ours=ours,
            unit="s",
            target=4,
            scale=scale,
        )


def _copy(database: psycopg.Connection[Any], path: Path) -> None:
    with database.cursor().copy("COPY bench_line FROM STDIN (FORMAT csv, HEADER)") as copy, path.open("rb") as file:
        while block := file.read(1 << 20):
            copy.write(block)


def _write(path: Path, households: list[int]) -> int:
    """The households' lines in the import's format; how many."""
    from pyarrow import csv, parquet

    from loyalty_site.demo import journey, receipts

    bought = journey.lines(households)
    whole = path.with_suffix(".parquet")
    receipts.write(whole, bought, journey.moves(bought, date(2025, 12, 31)))
    csv.write_csv(parquet.read_table(whole), path)
    return bought.num_rows
