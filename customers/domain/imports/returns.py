"""Finds what goods brought back were bought with."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from django.db import connection

from customers.domain.imports.scratch import Scratch


class Goods(NamedTuple):
    """Whose, where and what: only the same goods fit."""

    customer: int | None
    store: int
    sku: int


@dataclass(slots=True)
class Bought:
    """One purchase line with what is left of it; `receipt` is None when it was in the books before the file."""

    receipt: int | None
    goods: Goods
    at: datetime
    purchase: int
    position: int
    quantity: Decimal
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Returned:
    receipt: int
    goods: Goods
    at: datetime
    row: int
    quantity: Decimal
    amount_minor: int


@dataclass(slots=True)
class Plan:
    """`matches` by the row that brings back; `refused` rows with a code, their receipts in `refused_receipts`."""

    matches: dict[int, tuple[Returned, Bought]] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    refused_receipts: set[int] = field(default_factory=set)


def plan(*, returned: Iterable[Returned], bought: Iterable[Bought]) -> Plan:
    """Receipts in the order of time. A row takes from the last earlier purchase line that still has enough of both
    quantity and amount; where one row of a receipt finds none, the whole receipt is refused and brings nothing back,
    nor can anything of it be brought back later."""
    made = Plan()
    shelf: dict[Goods, list[Bought]] = defaultdict(list)
    for line in sorted(bought, key=lambda line: (line.at, line.purchase, line.position)):
        shelf[line.goods].append(line)
    rows: dict[tuple[datetime, int], list[Returned]] = defaultdict(list)
    for row in sorted(returned, key=attrgetter("row")):
        rows[row.at, row.receipt].append(row)
    for _, receipt in sorted(rows.items()):
        _plan_receipt(made, shelf, receipt)
    return made


def refuse_unfit(scratch: Scratch, *, first: int, last: int) -> None:
    """Rows from receipts `first` to `last` that bring back what fits no purchase go to `findings`, with the others of
    their receipts, which are settled as refused."""
    if _brings_back(scratch, first, last):
        _refuse(scratch, _plan_for(scratch, first, last))


def match(scratch: Scratch, *, first: int, last: int) -> None:
    """Fills `matches`; no till takes back the same goods until the transaction ends."""
    if _brings_back(scratch, first, last):
        scratch.run("lock_returnable", {"first": first, "last": last})
        made = _plan_for(scratch, first, last)
        _refuse(scratch, made)
        rows = [
            (row.receipt, row.row, part, line.purchase, line.position, row.quantity, row.amount_minor)
            for row, line, part in _in_parts(made)
        ]
        if rows:
            names = ("receipts", "rows", "parts", "purchases", "positions", "quantities", "amounts")
            scratch.run(
                "matches", {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
            )


def _in_parts(made: Plan) -> Iterator[tuple[Returned, Bought, int]]:
    """What a receipt brings back of its first, second, … purchase are parts 1, 2, …"""
    parts: dict[int, dict[int, int]] = defaultdict(dict)
    for _, (row, line) in sorted(made.matches.items()):
        part = parts[row.receipt].setdefault(line.purchase, len(parts[row.receipt]) + 1)
        yield row, line, part


def _brings_back(scratch: Scratch, first: int, last: int) -> bool:
    found = scratch.execute(
        "SELECT EXISTS (SELECT FROM scratch.receipts WHERE has_return AND no BETWEEN %(first)s AND %(last)s)",
        {"first": first, "last": last},
    )
    return bool(found[0][0])


def _plan_for(scratch: Scratch, first: int, last: int) -> Plan:
    returned, bought = [], []
    for kind, receipt, customer, store, sku, at, row, purchase, position, quantity, amount in scratch.run_for_rows(
        "returnable", {"first": first, "last": last}
    ):
        goods = Goods(customer, store, sku)
        if kind == "returned":
            returned.append(Returned(receipt, goods, at, row, quantity, amount))
        else:
            bought.append(Bought(receipt, goods, at, purchase, position, quantity, amount))
    return plan(returned=returned, bought=bought)


def _plan_receipt(made: Plan, shelf: dict[Goods, list[Bought]], receipt: list[Returned]) -> None:
    taken: list[tuple[Returned, Bought]] = []
    for row in receipt:
        line = _last_that_fits(shelf[row.goods], row, made.refused_receipts) if row.goods.customer else None
        if line is None:
            made.refused[row.row] = "return_without_purchase" if row.goods.customer else "return_without_customer"
        else:
            line.quantity, line.amount_minor = line.quantity - row.quantity, line.amount_minor - row.amount_minor
            taken.append((row, line))
    if len(taken) == len(receipt):
        made.matches.update({row.row: (row, line) for row, line in taken})
        return
    made.refused_receipts.add(receipt[0].receipt)
    for row, line in taken:
        line.quantity, line.amount_minor = line.quantity + row.quantity, line.amount_minor + row.amount_minor


def _last_that_fits(lines: list[Bought], row: Returned, refused_receipts: set[int]) -> Bought | None:
    for line in reversed(lines):
        if (
            line.at < row.at
            and line.quantity >= row.quantity
            and line.amount_minor >= row.amount_minor
            and line.receipt not in refused_receipts
        ):
            return line
    return None


def _refuse(scratch: Scratch, made: Plan) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            scratch.sql("INSERT INTO scratch.findings VALUES (%s, 'quantity', %s)"), list(made.refused.items())
        )
        cursor.executemany(
            scratch.sql("INSERT INTO scratch.settled VALUES (%s, 'refused')"),
            [(receipt,) for receipt in made.refused_receipts],
        )
    scratch.execute(
        "INSERT INTO scratch.findings SELECT row_no, 'receipt_number', 'other_line_wrong' FROM scratch.lines"
        " WHERE receipt_no = ANY(%(receipts)s) ON CONFLICT DO NOTHING",
        {"receipts": list(made.refused_receipts)},
    )
