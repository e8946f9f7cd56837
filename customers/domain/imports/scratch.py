"""Tables of one import: a schema of its own, unlogged, seen by all its connections, dropped when it ends.

The SQL files call the schema `scratch`. What a killed import left behind is dropped by the next one; each holds a
session lock on its number while it lives.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

_SQL = Path(__file__).resolve().parents[2] / "sql"
_LOCK_CLASS = 7_201  # of the two-part advisory locks; the second part is the scratch's number
_SETTINGS = {
    "work_mem": "64MB",
    "enable_mergejoin": "off",
    "default_statistics_target": "10",
    "synchronous_commit": "off",
}


class Scratch:
    """`run` executes customers/sql/imports_<name>.sql on the calling thread's connection."""

    def __init__(self, number: int) -> None:
        self.schema = f"import_{number}"

    def sql(self, text: str) -> str:
        return re.sub(r"\bscratch\.", f"{self.schema}.", text)

    def execute(self, text: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows that come back, if any do."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql(text), values)
            return cursor.fetchall() if cursor.description else []

    def run(self, name: str, values: Mapping[str, Any] | None = None) -> int:
        """How many rows the file's statement made or changed."""
        with connection.cursor() as cursor:
            cursor.execute(self._file(name), values)
            return int(cursor.rowcount)

    def run_for_rows(self, name: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(self._file(name), values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _file(self, name: str) -> str:
        return self.sql((_SQL / f"imports_{name}.sql").read_text(encoding="utf-8"))

    def number_of(self, table: str, condition: str = "true") -> int:
        return int(self.execute(f"SELECT count(*) FROM scratch.{table} WHERE {condition}")[0][0])  # noqa: S608


@contextmanager
def opened() -> Iterator[Scratch]:
    _drop_what_killed_imports_left()
    number = secrets.randbelow(2**31)
    scratch = Scratch(number)
    scratch.execute("SELECT pg_advisory_lock(%(class)s, %(number)s)", {"class": _LOCK_CLASS, "number": number})
    try:
        scratch.execute(f"CREATE SCHEMA {scratch.schema}")
        yield scratch
    finally:
        if connection.is_usable():
            _drop(number)


@contextmanager
def tuned() -> Iterator[None]:
    """Sets this thread's connection up for whole files: memory for sorts and hashes; no merge joins, which would sort a
    file for want of hashing a few thousand rows; small samples for statistics; commits that do not wait for the disk.

    Such a commit is whole or not there after a crash, and it is safe on disk as soon as any later one that waited is:
    whoever tells that the import is done commits once more outside.
    """
    with connection.cursor() as cursor:
        for name, value in _SETTINGS.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
        try:
            yield
        finally:
            if connection.is_usable():
                for name in _SETTINGS:
                    cursor.execute(f"RESET {name}")


def side_by_side(first: Callable[[], None], second: Callable[[], None]) -> None:
    """Both, the second on a connection of its own; one after the other inside a transaction, which is bound to one."""
    if connection.in_atomic_block:
        first()
        second()
        return

    def apart() -> None:
        try:
            with tuned():
                second()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(apart)
        first()
        running.result()


def _drop_what_killed_imports_left() -> None:
    with connection.cursor() as cursor:
        cursor.execute(r"SELECT substr(nspname, 8)::int FROM pg_namespace WHERE nspname ~ '^import_[0-9]+$'")
        for (number,) in cursor.fetchall():
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, number])
            if cursor.fetchone()[0]:
                _drop(number)


def _drop(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET client_min_messages TO warning")
        cursor.execute(f"DROP SCHEMA IF EXISTS import_{number} CASCADE")
        cursor.execute("RESET client_min_messages")
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_CLASS, number])
