"""Statements where each fraction of a millisecond counts: straight through the driver, past Django's layers over it.

They are prepared once for each connection, unless DATABASE_PREPARES is off: to read and plan them costs the server more
than to do what most of them say.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections, models

_Row = TypeVar("_Row", bound=models.Model)


def rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What a statement answers, in the present transaction if there is one. Raises Django's errors."""
    database = connections[DEFAULT_DB_ALIAS]  # looked up once: each use of `connection` would do it again
    if database.queries_logged or database.execute_wrappers:
        with database.cursor() as logged:
            logged.execute(sql, values)
            return list(logged.fetchall())
    database.validate_no_broken_transaction()
    database.ensure_connection()
    with database.wrap_database_errors:
        return psycopg.Cursor(database.connection).execute(sql, values, prepare=True).fetchall()


def first_rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The same for the read that a request begins with. It shows that the connection is alive, which Django would ask
    the server before (CONN_HEALTH_CHECKS); one that has died meanwhile is opened again."""
    if connection.in_atomic_block:
        return rows(sql, values)
    try:
        found = rows(sql, values)
    except (InterfaceError, OperationalError):
        connection.close()
        found = rows(sql, values)
    connection.health_check_done = True  # type: ignore[attr-defined]
    return found


def numbers(values: Iterable[int | Decimal]) -> str:
    """An array of numbers as PostgreSQL reads it; the driver would take its time over each of them."""
    return f"{{{','.join(map(str, values))}}}"


def columns(model: type[models.Model], table: str) -> str:
    """The columns of a model in SQL, in the order in which `instance` takes their values."""
    return ", ".join(f'{table}."{field.column}"' for field in model._meta.concrete_fields)


def instance(model: type[_Row], values: Sequence[Any]) -> _Row:
    """A row as Django would have read it."""
    names, converted = _shape(model)
    found = list(values)
    for index, convert in converted:
        found[index] = convert(found[index], None, connection)
    return model.from_db(connection.alias, names, found)


@cache
def _shape(model: type[models.Model]) -> tuple[list[str], list[tuple[int, Any]]]:
    fields = model._meta.concrete_fields
    converters = [(index, getattr(field, "from_db_value", None)) for index, field in enumerate(fields)]
    return [field.attname for field in fields], [(index, convert) for index, convert in converters if convert]
