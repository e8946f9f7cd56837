"""Sparing PostgreSQL the look-up for each foreign key of each row, most of the time that a large load takes."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper


@contextmanager
def proven() -> Iterator[None]:
    """Only for statements in a transaction whose every reference is read from rows that are locked, or made before in
    the same transaction.

    It needs the right to set session_replication_role (a superuser's, or granted); without it every row is checked.
    Triggers rest too: insert into tables whose triggers only refuse changes.
    """
    with connection.cursor() as cursor:
        is_allowed = _is_allowed(cursor)
        if is_allowed:
            cursor.execute("SET LOCAL session_replication_role = replica")
        yield  # after an error the transaction is rolled back, and the setting with it
        if is_allowed:
            cursor.execute("SET LOCAL session_replication_role = origin")


def _is_allowed(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT current_setting('is_superuser')::boolean, current_setting('server_version_num')::integer")
    is_superuser, version = cursor.fetchone()
    if is_superuser or version < 150_000:  # before 15 nobody else can have the right
        return bool(is_superuser)
    cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
    return bool(cursor.fetchone()[0])
