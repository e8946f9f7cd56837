"""Statements in SQL files over rows that the ORM chooses."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

_SQL = Path(__file__).resolve().parent.parent / "sql"
_CHUNK = 1000
_TYPES = {list: "bigint[]", int: "bigint", str: "text"}


def run(name: str, chosen: QuerySet[Any, Any], told: Mapping[str, list[int] | int | str]) -> list[tuple[Any, ...]]:
    """The rows of `sql/<name>.sql`: `{chosen}` in it is the query, `{told}` the values that are told by their names.

    The query has its parameters by place, so what is told stands in front of it.
    """
    with connection.cursor() as cursor:
        cursor.execute(*_prepared(name, chosen, told))
        return list(cursor.fetchall())


def stream(name: str, chosen: QuerySet[Any, Any]) -> Iterator[tuple[Any, ...]]:
    """The same, some rows at a time from a cursor of the server, so that memory does not grow with them. In a
    transaction of its own, as poolers of connections need it."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(*_prepared(name, chosen, {}))
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows


def _prepared(name: str, chosen: QuerySet[Any, Any], told: Mapping[str, Any]) -> tuple[str, list[Any]]:
    query, parameters = chosen.order_by().query.sql_with_params()
    names = ", ".join(f"%s::{_TYPES[type(value)]} AS {key}" for key, value in told.items())
    text = (_SQL / f"{name}.sql").read_text(encoding="utf-8")
    return text.format(told=names, chosen=query), [*told.values(), *parameters]
