"""Copies a file's rows as text into `scratch.staged`, with their row numbers."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import DataError, connection, transaction

from customers.domain.imports import cells
from customers.domain.imports.header import OPTIONAL, Header
from customers.domain.imports.reading import Block, Source
from customers.domain.imports.scratch import Scratch

Item = TypeVar("Item")


def load(scratch: Scratch, source: Source, *, progress: Callable[[int], None] = lambda read: None) -> None:
    """`progress` is told how many bytes of the file are read.

    COPY takes plain blocks as they are. It refuses one where a row has too few or too many cells: that one, like all
    that are not plain, is taken apart and every row copied with its own number.
    """
    _create(scratch, source.header)
    copy = _Copy(scratch, source)
    for block, text in _one_ahead((block, source.plain(block)) for block in source.blocks()):
        if text is None or not copy.plain(block, text):
            copy.rows(source.rows(block))
        progress(block.end)
    scratch.execute("ANALYZE scratch.staged")


def _create(scratch: Scratch, header: Header) -> None:
    absent = [name for name in OPTIONAL if name not in header.columns]
    columns = [f"{name} text NOT NULL DEFAULT ''" for name in (*header.columns, *absent)]
    scratch.execute("CREATE SEQUENCE scratch.row_numbers CACHE 1000")
    scratch.execute(
        "CREATE UNLOGGED TABLE scratch.staged (row_no integer NOT NULL DEFAULT nextval('scratch.row_numbers'),"
        f" is_odd boolean NOT NULL DEFAULT false, {', '.join(columns)})"
    )
    scratch.execute("CREATE UNLOGGED TABLE scratch.findings (row_no integer PRIMARY KEY, column_name text, code text)")
    scratch.execute(
        "CREATE UNLOGGED TABLE scratch.matches (receipt_no integer, row_no integer PRIMARY KEY, part integer,"
        " purchase_id bigint, position integer, quantity numeric, amount_minor bigint)"
    )


def _one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The next item is made, in a thread, while PostgreSQL is busy with this one."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


class _Copy:
    def __init__(self, scratch: Scratch, source: Source) -> None:
        columns = ", ".join(source.header.columns)
        options = f"FROM STDIN (FORMAT csv, FORCE_NOT_NULL ({columns}), DELIMITER %(delimiter)s)"
        self._scratch, self._columns, self._delimiter = scratch, source.header.columns, source.delimiter
        self._names = source.header.names
        self._plain = scratch.sql(f"COPY scratch.staged ({columns}) {options}")
        self._rows = scratch.sql(f"COPY scratch.staged (row_no, is_odd, {columns}) {options}")

    def plain(self, block: Block, text: bytes) -> bool:
        """False when COPY refused it; then nothing of the block is staged."""
        self._scratch.execute("SELECT setval('scratch.row_numbers', %(row)s, false)", {"row": block.first_row})
        try:
            with transaction.atomic():
                self._copy(self._plain, self._delimiter, [text])
        except DataError:
            return False
        return True

    def rows(self, rows: Iterable[cells.Row]) -> None:
        rows = list(rows)
        self._copy(self._rows, ",", map(_line, rows))
        with connection.cursor() as cursor:
            cursor.executemany(
                self._scratch.sql("INSERT INTO scratch.findings VALUES (%s, %s, %s)"),
                [(row.number, self._column(row), row.fault) for row in rows if row.fault],
            )

    def _copy(self, statement: str, delimiter: str, texts: Iterable[bytes]) -> None:
        with connection.cursor() as cursor, _native(cursor).copy(statement, {"delimiter": delimiter}) as copy:
            for text in texts:
                copy.write(text)

    def _column(self, row: cells.Row) -> str:
        return "" if row.column is None else self._names[row.column].lower()


def _native(cursor: Any) -> Any:
    """psycopg's own cursor, which knows COPY."""
    return cursor.cursor


def _line(row: cells.Row) -> bytes:
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in row.cells)
    return f"{row.number},{'t' if row.fault else 'f'},{quoted}\n".encode()
