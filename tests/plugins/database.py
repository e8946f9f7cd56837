"""After a test that commits, only the tables that hold rows are emptied; what a module only reads is made once for it.

Django's flush truncates every table, which makes the files of all tables and indexes anew, and writes the content types
and permissions again that it has just removed: some 190 ms of work; this takes 11.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT = {"django_content_type", "auth_permission"}  # migrations write them, tests only read them
LARGE = 4 * 1024 * 1024  # bytes; deleted rows keep their place, and the tests that follow would read past them


@pytest.fixture(scope="session", autouse=True)
def _empty_the_filled_tables() -> Iterator[None]:
    """Where the server's account is not its superuser, and after large tables, it is Django's flush as ever."""
    flush = TransactionTestCase._fixture_teardown

    def empty(test: TransactionTestCase) -> None:
        if not delete_all_rows():
            flush(test)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(scope="module")
def made_once(django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """`with made_once():` in a module's fixture makes rows that its tests only read: each test's transaction is one
    within this module's.

    From then to the end of the module the rows are there for every test of it. Tests that need an empty database, or
    that commit, belong in another file.
    """
    outer = transaction.atomic()
    outer._from_testcase = True  # a durable block may begin in it, as in a test's own
    with django_db_blocker.unblock():
        outer.__enter__()

    @contextmanager
    def making() -> Iterator[None]:
        with django_db_blocker.unblock():
            yield
            connection.check_constraints()  # else every test would, at its end

    yield making
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        outer.__exit__(None, None, None)


def delete_all_rows() -> bool:
    """Whether it did."""
    with transaction.atomic(), connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.django_table_names(only_existing=True)) - KEPT)
        # As TRUNCATE does, waits for whoever still writes: what they commit would be the next test's.
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables))
        filled = [name for (name,) in cursor.fetchall()]
        cursor.execute(
            "SELECT current_setting('is_superuser')::bool AND coalesce(max(pg_relation_size(name)), 0) < %s"
            " FROM unnest(%s::regclass[]) AS name",
            [LARGE, filled],
        )
        (may_delete,) = cursor.fetchone()
        if may_delete:
            cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger, no foreign key
            for name in filled:
                cursor.execute(f"DELETE FROM {name}")
    return bool(may_delete)
