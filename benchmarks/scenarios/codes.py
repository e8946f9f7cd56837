"""A million coupon codes: made and stored, beside storing as many that are ready."""

import time
from collections.abc import Iterator

import psycopg

from benchmarks import rows as make
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.site import Site

CODES = 1_000_000
COPY = (
    "COPY rewards_coupon (code, offer_id, is_public, state, uses_max, uses_count, reference, issued_at, starts_at,"
    " expires_at, batch_id, body_length) FROM STDIN"
)


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    from loyalty_site.lib import code_sets
    from loyalty_site.lib.actors import SYSTEM
    from rewards.domain import code_batches
    from rewards.models import Offer

    number = scale.rows(CODES)
    with site.database() as database:
        make.programme()
        offer = Offer.objects.create(
            title={"en": "Offer"}, kind="AMOUNT", amount_minor=100, valid_from=make.AT, published_at=make.AT
        )

        def batch() -> int:
            made = code_batches.order(offer=offer, count=number, by=SYSTEM, at=make.AT)
            return int(made.pk)

        def ready(turn: int) -> float:
            drawn = code_sets.draw(count=number, body_length=12)
            between = f"\t{offer.pk}\tf\tISSUED\t1\t0\tlimit:{turn}:"
            after = f"\t{make.AT.isoformat()}\t\\N\t\\N\t{batch()}\t12\n"
            text = code_sets.numbered_lines(drawn, before="", between=between, first=1, width=8, after=after)
            began = time.perf_counter()
            with database.transaction(), database.cursor().copy(COPY) as copy:
                copy.write(text)
            seconds = time.perf_counter() - began
            _empty(database)
            return seconds

        def ours(turn: int) -> float:
            ordered = batch()
            began = time.perf_counter()
            code_batches.work(batch_id=ordered, clock=lambda: make.AT)
            seconds = time.perf_counter() - began
            (stored,) = database.execute(
                "SELECT count(*) FROM rewards_coupon WHERE batch_id = %s", [ordered]
            ).fetchone()
            if stored != number:
                raise RuntimeError(f"{stored} of {number} codes are there")
            _empty(database)
            return seconds

        yield side_by_side(
            work=f"{number:,} codes made and stored",
            beside="COPY of as many ready lines, sorted, into the same table",
            limit=ready,
            ours=ours,
            unit="s",
            target=2,
            scale=scale,
        )


def _empty(database: psycopg.Connection[object]) -> None:
    database.execute("TRUNCATE rewards_coupon CASCADE")
