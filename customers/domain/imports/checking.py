"""Finds what is wrong with staged rows and forms receipts of the sound ones. Writes nothing outside the scratch."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from customers.domain.imports import returns
from customers.domain.imports.scratch import Scratch, side_by_side
from loyalty_site.lib import money

WORTH_LANES = 1_000  # receipts: fewer are booked before another connection is made


@dataclass(frozen=True, slots=True)
class NewStores:
    """What a store that the file names first is made with."""

    timezone: str
    currency: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Receipts from `first` to `last` by their number in `scratch.receipts`: all that some customers have."""

    first: int
    last: int


def check(scratch: Scratch, *, new_stores: NewStores, at: datetime) -> None:
    """Fills `findings` (one row of the file each), and `raw_heads`, `stores`, `keys`, `heads`, `goods`, `measures`,
    `receipts_told`. A row has one finding: the first."""

    def read_heads() -> None:
        _make(scratch, "raw_heads")
        _make(scratch, "stores", timezone=new_stores.timezone, currency=new_stores.currency)
        _make(scratch, "keys")
        _make(scratch, "heads", at=at)

    def read_goods_and_measures() -> None:
        _make(scratch, "goods")
        _make(scratch, "measures")

    side_by_side(read_heads, read_goods_and_measures)
    _name_currencies(scratch)
    if _may_have_row_faults(scratch):
        scratch.run("row_faults")
    _make(scratch, "receipts_told")
    if scratch.number_of("receipts_told", "fault IS NOT NULL"):
        scratch.run("receipt_faults")
    if scratch.number_of("findings"):
        scratch.run("other_lines")
    scratch.execute("ANALYZE scratch.findings")


def form_receipts(scratch: Scratch, *, chunk_receipts: int, lanes: int) -> None:
    """Fills `receipts`, `skus` and `lines` with what is sound, `settled` with the receipts that are not to be booked
    all the same: told before, or bringing back what fits no purchase.

    Chunks of at most `chunk_receipts` are as many for each of the `lanes` that book, and alike: none waits for another
    in the end.
    """
    chunk_receipts = _evened(scratch.number_of("receipts_told"), chunk_receipts, lanes)
    _make(scratch, "sides")
    side_by_side(
        lambda: _make(scratch, "receipts", chunk_receipts=chunk_receipts),
        lambda: _make(scratch, "skus"),
    )
    _make(scratch, "lines")
    scratch.execute("CREATE INDEX ON scratch.lines (receipt_no)")
    scratch.execute("CREATE UNLOGGED TABLE scratch.settled (receipt_no integer PRIMARY KEY, outcome text)")
    _refuse_gift_cards(scratch)
    settle_known(scratch, first=1, last=scratch.number_of("receipts"))
    for chunk in chunks(scratch):
        returns.refuse_unfit(scratch, first=chunk.first, last=chunk.last)
    scratch.execute("ANALYZE scratch.settled")


def chunks(scratch: Scratch) -> list[Chunk]:
    """Those with something to book."""
    rows = scratch.execute(
        "SELECT min(no), max(no) FROM scratch.receipts receipt"
        " WHERE NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = receipt.no)"
        " GROUP BY chunk ORDER BY chunk"
    )
    return [Chunk(*row) for row in rows]


def settle_known(scratch: Scratch, *, first: int, last: int) -> None:
    """Of the receipts from `first` to `last`: those that were told before, and whether they were told the same."""
    span = {"first": first, "last": last}
    if scratch.run("met", span):
        scratch.execute("ANALYZE scratch.settled")  # else taken for few, and each is compared with all of them
        scratch.run("known", span)
        scratch.run("settled_faults", span)


def _refuse_gift_cards(scratch: Scratch) -> None:
    """Receipts whose gift cards cannot have paid so much go to `findings`, settled as refused."""
    if scratch.number_of("receipts", "gift_card_minor <> 0") and scratch.run("gift_cards"):
        scratch.execute(
            "INSERT INTO scratch.settled SELECT DISTINCT receipt_no, 'refused'"
            " FROM scratch.lines JOIN scratch.findings USING (row_no) WHERE code = 'gift_card_exceeds'"
        )


def _evened(receipts: int, chunk_receipts: int, lanes: int) -> int:
    if receipts <= min(chunk_receipts, WORTH_LANES):
        return chunk_receipts
    rounds = -(-receipts // (chunk_receipts * lanes))
    return -(-receipts // (rounds * lanes))


def _make(scratch: Scratch, table: str, **values: object) -> None:
    scratch.run(table, values or None)
    scratch.execute(f"ANALYZE scratch.{table}")


def _name_currencies(scratch: Scratch) -> None:
    scratch.execute("CREATE UNLOGGED TABLE scratch.currencies (code text PRIMARY KEY, digits integer NOT NULL)")
    codes = scratch.execute("SELECT DISTINCT currency_code FROM scratch.heads WHERE fault IS NULL")
    with connection.cursor() as cursor:
        statement = scratch.sql("INSERT INTO scratch.currencies VALUES (%s, %s)")
        cursor.executemany(statement, [(code, money.digits(code)) for (code,) in codes])


def _may_have_row_faults(scratch: Scratch) -> bool:
    """Looks at the few distinct values; only when one is wrong all rows are looked at."""
    return bool(
        scratch.execute("""
            SELECT EXISTS (SELECT FROM scratch.heads WHERE fault IS NOT NULL)
                OR EXISTS (SELECT FROM scratch.goods WHERE fault IS NOT NULL)
                OR EXISTS (SELECT FROM scratch.measures WHERE fault IS NOT NULL OR minor_2 IS NULL
                           OR tax <> '' AND tax_2 IS NULL)
                OR EXISTS (SELECT FROM scratch.currencies WHERE digits < 2)
        """)[0][0]
    )
