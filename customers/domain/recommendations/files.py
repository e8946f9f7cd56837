"""A file in the import's format as columns, in memory alone. pyarrow is loaded with the first one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from customers.domain.imports import reading, report
from customers.domain.imports.reading import Block, Source
from customers.domain.recommendations.baskets import Numbers
from loyalty_site.lib.errors import DomainError

_TIME = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.]\d{1,9})?)?"
    r" ?(Z|[-+]\d{2}(?::?[0-5]\d)?)?)?",
    re.ASCII,
)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_NEEDED = ("store", "receipt_number", "customer", "purchased_at", "sku", "quantity", "amount")


class LineWrong(DomainError):
    code = "line_wrong"
    message = _("Line %(line)s, column %(column)s, “%(value)s”: %(why)s Correct the file and start again.")


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """By receipt of a known customer: `customer` and `moment` (seconds) and `day` on the file's own clocks; by line of
    something bought: the position of its receipt, its product and its `amount`, in the file's unit; by product:
    `category`, −1 where there is none."""

    customer: Numbers
    moment: Numbers
    day: Numbers
    line_receipt: Numbers
    product: Numbers
    amount: NDArray[np.float64]
    category: Numbers


class _Words:
    """Numbers for words, in order of appearance until `sort`, and what each means."""

    def __init__(self, read: Callable[[str], Any] = str) -> None:
        self._numbers: dict[str, int] = {}
        self._read = read
        self.meanings: list[Any] = []

    def numbers(self, words: list[str]) -> Numbers:
        return np.array([self._number(word) for word in words], np.int64)

    def sort(self, numbers: Numbers) -> Numbers:
        """What stood for these numbers now goes by the order of the words."""
        order = sorted(self._numbers)
        place = np.empty(len(order), np.int64)
        for new, word in enumerate(order):
            place[self._numbers[word]] = new
        self.meanings = [self.meanings[self._numbers[word]] for word in order]
        return place[numbers]

    def _number(self, word: str) -> int:
        found = self._numbers.get(word)
        if found is None:
            found = self._numbers[word] = len(self._numbers)
            self.meanings.append(self._read(word))
        return found


def read(path: Path, *, encoding: str | None = None) -> Columns:
    """Raises LineWrong and the errors of `imports.reading` and `imports.header`."""
    source = reading.open_source(path=path, encoding=encoding)
    words = {name: _Words(_READERS.get(name, str)) for name in (*_NEEDED, "category")}
    blocks = [_numbered(source, block, words) for block in source.blocks()]
    if not blocks:
        raise reading.FileEmpty
    told = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    for name in ("store", "receipt_number", "customer", "sku", "category"):  # whatever order the lines come in
        told[name] = words[name].sort(told[name])
    return _columns(told, words)


def _numbered(source: Source, block: Block, words: dict[str, _Words]) -> dict[str, Numbers]:
    """A block's cells as numbers of words; `row` is the line of the file."""
    texts, rows = _texts(source, block)
    has_category = "category" in source.header.columns
    told = {"row": rows}
    for name, numbered in words.items():
        if name == "category" and not has_category:
            told[name] = np.repeat(numbered.numbers([""]), len(rows))
            continue
        encoded = texts[source.header.columns.index(name)].dictionary_encode()
        told[name] = numbered.numbers(encoded.dictionary.to_pylist())[encoded.indices.to_numpy(zero_copy_only=False)]
        _refuse_unreadable(name, numbered, told[name], rows, encoded)
    return told


def _texts(source: Source, block: Block) -> tuple[list[Any], Numbers]:
    """The columns of a block and the numbers of its lines."""
    import pyarrow  # noqa: PLC0415 - heavy

    names = source.header.columns
    plain = source.plain(block)
    table = None if plain is None else _table(source, plain)
    if table is None:
        rows = list(source.rows(block))
        for row in rows:
            if row.fault:
                column = "" if row.column is None else source.header.names[row.column]
                raise LineWrong(line=row.number, column=column, value="", why=report.REASONS[row.fault])
        cells = [pyarrow.array([row.cells[place] for row in rows], pyarrow.string()) for place in range(len(names))]
        return cells, np.array([row.number for row in rows], np.int64)
    return [column.combine_chunks() for column in table.columns], block.first_row + np.arange(table.num_rows)


def _table(source: Source, plain: bytes) -> Any:
    """None when some rows have too few or too many cells."""
    import pyarrow  # noqa: PLC0415
    from pyarrow import csv  # noqa: PLC0415

    names = source.header.columns
    texts = csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=False)
    whole = csv.ReadOptions(column_names=names, use_threads=False, block_size=len(plain) + 1)
    try:
        return csv.read_csv(pyarrow.BufferReader(plain), whole, csv.ParseOptions(delimiter=source.delimiter), texts)
    except pyarrow.ArrowInvalid:
        return None


def _refuse_unreadable(name: str, words: _Words, numbers: Numbers, rows: Numbers, encoded: Any) -> None:
    wrong = {number for number, meaning in enumerate(words.meanings) if isinstance(meaning, _Fault)}
    if wrong:
        line = int(np.flatnonzero(np.isin(numbers, list(wrong)))[0])
        fault = words.meanings[int(numbers[line])]
        raise LineWrong(
            line=int(rows[line]), column=name, value=encoded[line].as_py()[:60], why=report.REASONS[fault.code]
        )


def _columns(told: dict[str, Numbers], words: dict[str, _Words]) -> Columns:
    keys, first, receipt = np.unique(
        told["store"] * (1 << 40) + told["receipt_number"], return_index=True, return_inverse=True
    )
    customer = _customers(told, words["customer"], receipt, first)
    times = np.array(words["purchased_at"].meanings or [(0, 0)], np.int64)
    order = np.lexsort((told["row"], times[told["purchased_at"], 0], receipt))
    earliest = order[np.searchsorted(receipt[order], np.arange(len(keys)))]
    moment, day = times[told["purchased_at"][earliest]].T
    known = customer >= 0
    place = np.cumsum(known) - 1
    bought = known[receipt] & (np.array(words["quantity"].meanings, float)[told["quantity"]] > 0)
    return Columns(
        customer=customer[known],
        moment=moment[known],
        day=day[known],
        line_receipt=place[receipt[bought]],
        product=told["sku"][bought],
        amount=np.array(words["amount"].meanings, float)[told["amount"][bought]],
        category=_categories(told, words),
    )


def _customers(told: dict[str, Numbers], names: _Words, receipt: Numbers, first: Numbers) -> Numbers:
    """By receipt; −1 where nobody is named. A receipt of two customers is refused."""
    nobody = np.array([not name for name in names.meanings], bool)[told["customer"]]
    customer = np.full(len(first), -1)
    customer[receipt[~nobody][::-1]] = told["customer"][~nobody][::-1]
    other = np.flatnonzero(~nobody & (customer[receipt] != told["customer"]))
    if len(other):
        row, name = int(told["row"][other[0]]), names.meanings[int(told["customer"][other[0]])]
        raise LineWrong(line=row, column="customer", value=name, why=report.REASONS["two_customers"])
    _, customer_numbers = np.unique(np.r_[-1, customer], return_inverse=True)
    return customer_numbers[1:] - 1


def _categories(told: dict[str, Numbers], words: dict[str, _Words]) -> Numbers:
    """By product the first in the order of their names, where lines tell several."""
    named = np.array([bool(word) for word in words["category"].meanings], bool)[told["category"]]
    none = len(words["category"].meanings)
    category = np.full(len(words["sku"].meanings), none)
    np.minimum.at(category, told["sku"][named], told["category"][named])
    return np.where(category == none, -1, category)


@dataclass(frozen=True, slots=True)
class _Fault:
    code: str


def _required(word: str) -> str | _Fault:
    return word or _Fault("missing")


def _number(word: str) -> float | _Fault:
    if not word:
        return _Fault("missing")
    return float(word) if _NUMBER.fullmatch(word) else _Fault("not_a_number")


def _time(word: str) -> tuple[int, int] | _Fault:
    """Seconds since 1970, and the day on the clock that is written."""
    if not word:
        return _Fault("missing")
    found = _TIME.fullmatch(word)
    if not found:
        return _Fault("time_unreadable")
    *date_and_time, zone = found.groups(default="0")
    try:
        clock = datetime(*map(int, date_and_time), tzinfo=_zone(zone))  # type: ignore[misc, arg-type]
    except ValueError:
        return _Fault("time_unreadable")
    return int(clock.timestamp()), clock.date().toordinal()


def _zone(text: str) -> timezone:
    if text in ("0", "Z"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


_READERS: dict[str, Callable[[str], Any]] = {
    "store": _required,
    "receipt_number": _required,
    "purchased_at": _time,
    "sku": _required,
    "quantity": _number,
    "amount": _number,
}
