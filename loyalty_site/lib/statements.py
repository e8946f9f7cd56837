"""Statements where each fraction of a millisecond counts: straight through the driver, past Django's layers over it.

Plans are kept by the functions that these statements call, so nothing is prepared by name: poolers may stand between.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import psycopg
from django.db import connection, models

_Row = TypeVar("_Row", bound=models.Model)


def rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What a statement answers, in the present transaction if there is one. Raises Django's errors."""
    if connection.queries_logged or connection.execute_wrappers:
        with connection.cursor() as logged:
            logged.execute(sql, values)
            return list(logged.fetchall())
    connection.validate_no_broken_transaction()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
        return cursor.execute(sql, values).fetchall()


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
