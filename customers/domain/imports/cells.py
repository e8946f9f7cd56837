"""Rows that are not plain: taken apart one by one, each either readable or with what is wrong with it."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LONGEST_LINE = 100_000
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_STORED_CONTROL = "\N{SYMBOL FOR NULL}"  # PostgreSQL's texts cannot hold NUL


class Row(NamedTuple):
    """As many cells as the header has. `fault` is a code of `report.REASONS`, `column` (from 0) where it is."""

    number: int
    cells: list[str]
    fault: str = ""
    column: int | None = None


def take_apart(lines: Iterable[bytes], first_row: int, encoding: str, delimiter: str, width: int) -> Iterator[Row]:
    """Lines without anything in them are passed over and still counted."""
    for number, line in enumerate(lines, first_row):
        line = line.removesuffix(b"\r")
        if line.strip(b" "):
            yield _row(number, line, encoding, delimiter, width)


def split(text: str, delimiter: str) -> list[str] | None:
    """The cells of one line; None when a quote is opened and not closed, or closed before the cell ends."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None


def _row(number: int, line: bytes, encoding: str, delimiter: str, width: int) -> Row:
    if len(line) > LONGEST_LINE:
        return Row(number, _fitting([line[:100].decode(encoding, errors="replace")], delimiter, width), "row_too_long")
    text = line.decode(encoding, errors="replace")
    found = split(text, delimiter)
    cells = _fitting(found or text.split(delimiter), delimiter, width)
    if "\N{REPLACEMENT CHARACTER}" in text and not _is_whole(line, encoding):
        return Row(number, cells, "bytes_invalid", _first(cells, "\N{REPLACEMENT CHARACTER}"))
    if found is None:
        return Row(number, cells, "quotes_unbalanced")
    if _CONTROL.search("".join(found)):
        return Row(number, cells, "control_character", _first(cells, _STORED_CONTROL))
    if len(found) != width:
        return Row(number, cells, "cells_missing" if len(found) < width else "cells_extra")
    return Row(number, cells)


def _fitting(cells: list[str], delimiter: str, width: int) -> list[str]:
    """Exactly `width` cells that can be stored; what is beyond the last column stands in the last cell."""
    if len(cells) > width:
        cells = [*cells[: width - 1], delimiter.join(cells[width - 1 :])]
    return [_CONTROL.sub(_STORED_CONTROL, cell.strip(" ")) for cell in cells] + [""] * (width - len(cells))


def _first(cells: list[str], symbol: str) -> int:
    return next(position for position, cell in enumerate(cells) if symbol in cell)


def _is_whole(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeError:
        return False
    return True
