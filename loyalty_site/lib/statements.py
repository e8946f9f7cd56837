"""Statements where each fraction of a millisecond counts: through libpq, past the layers of Django and psycopg over it,
which take longer over a statement than the server.

They are prepared once for each connection, unless DATABASE_PREPARES is off: to read and plan them costs the server more
than to do what most of them say. The server finds out the types of the values by itself.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer

_Row = TypeVar("_Row", bound=models.Model)
_Connection = psycopg.Connection[Any]


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
        return _answer(_known(database), sql, values)


class _Known:
    """What one connection has learnt: how to write and read values, and the names of what it has prepared."""

    def __init__(self, connection: _Connection) -> None:
        self.connection = connection
        self.values = Transformer(connection)
        self.names: dict[str, bytes] = {}


def _known(database: BaseDatabaseWrapper) -> _Known:
    """Kept by Django's wrapper, which has one connection after the other: whatever else holds it would hold each that
    was ever opened, or let go of it late."""
    known: _Known | None = vars(database).get("known_statements")
    if known is None or known.connection is not database.connection:
        known = vars(database)["known_statements"] = _Known(database.connection)
    return known


def _answer(known: _Known, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    connection = known.connection
    server = connection.pgconn
    if server.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError("the connection is closed")
    if not connection.autocommit and server.transaction_status == pq.TransactionStatus.IDLE:
        _checked(connection, server.exec_(connection._get_tx_start_command()))
    dumped = known.values.dump_sequence(values, [PyFormat.TEXT] * len(values))
    if connection.prepare_threshold is None:
        result = server.exec_params(_numbered(sql), dumped)
    else:
        name = known.names.get(sql)
        if name is None:
            name = f"statement_{len(known.names)}".encode()
            _checked(connection, server.prepare(name, _numbered(sql)))
            known.names[sql] = name
        result = server.exec_prepared(name, dumped)  # type: ignore[arg-type]  # None among them is NULL
    known.values.set_pgresult(_checked(connection, result))
    return known.values.load_rows(0, result.ntuples, tuple)


def _checked(connection: _Connection, result: pq.abc.PGresult) -> pq.abc.PGresult:
    """Raises psycopg's error."""
    if result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        return result
    if connection.pgconn.status != pq.ConnStatus.OK and not result.error_field(pq.DiagnosticField.SQLSTATE):
        raise psycopg.OperationalError(result.get_error_message())
    raise psycopg.errors.error_from_result(result)


@cache
def _numbered(sql: str) -> bytes:
    """As the server takes it: $1 for the first %s, and so on."""
    numbers = count(1)
    return re.sub("%[s%]", lambda mark: "%" if mark[0] == "%%" else f"${next(numbers)}", sql).encode()


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


def texts(values: Iterable[str]) -> str:
    """The same of texts."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def columns(model: type[models.Model], table: str) -> str:
    """The columns of a model in SQL, in the order in which `instance` takes their values."""
    return ", ".join(f'{table}."{field.column}"' for field in model._meta.concrete_fields)


def instance(model: type[_Row], values: Sequence[Any]) -> _Row:
    """A row as Django would have read it, which takes its time over each field."""
    names, converted = _shape(model)
    row = model.__new__(model)
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    row.__dict__.update(zip(names, values, strict=True))
    for name, convert in converted:
        row.__dict__[name] = convert(row.__dict__[name], None, connection)
    return row


@cache
def _shape(model: type[models.Model]) -> tuple[list[str], list[tuple[str, Any]]]:
    fields = model._meta.concrete_fields
    converters = [(field.attname, getattr(field, "from_db_value", None)) for field in fields]
    return [field.attname for field in fields], [(name, convert) for name, convert in converters if convert]
