from datetime import UTC, datetime
from decimal import Decimal
from weakref import ref

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, connections, transaction
from django.db.transaction import TransactionManagementError

from loyalty_site.lib import statements
from rewards.models import Coupon, Offer
from tests.factories.rewards import CouponFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[False, True], ids=["plain", "logged"])
def logged(request, monkeypatch):
    """Both ways: past Django's layers, and through them where somebody wants to see the statements."""
    monkeypatch.setattr(connections["default"], "force_debug_cursor", request.param)


@pytest.mark.parametrize(("model", "table"), [(Coupon, "rewards_coupon"), (Offer, "rewards_offer")])
def test_instance_is_what_django_would_have_read(logged, model, table):
    CouponFactory()
    sql = f"SELECT {statements.columns(model, 'one')} FROM {table} one"
    (row,) = statements.rows(sql, ())
    read, expected = statements.instance(model, row), model.objects.get()
    names = [field.attname for field in model._meta.concrete_fields]
    assert [getattr(read, name) for name in names] == [getattr(expected, name) for name in names]
    assert [type(getattr(read, name)) for name in names] == [type(getattr(expected, name)) for name in names]
    assert (read._state.adding, read._state.db) == (False, "default")


def test_errors_are_djangos(logged):
    CouponFactory()
    for sql, error in (
        ("SELECT 1 / 0", DataError),
        ("UPDATE rewards_coupon SET code = NULL RETURNING 1", IntegrityError),
    ):
        with pytest.raises(error), transaction.atomic():
            statements.rows(sql, ())
    assert statements.rows("SELECT %s::bigint", (5,)) == [(5,)]


def test_nothing_is_asked_in_a_transaction_that_must_be_rolled_back(logged):
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            statements.rows("SELECT 1", ())


def test_statements_are_counted_like_others(django_assert_num_queries):
    with django_assert_num_queries(1):
        statements.rows("SELECT 1", ())


@pytest.mark.django_db(transaction=True)
def test_first_rows_opens_a_connection_that_died_again_and_spares_the_question_whether_it_lives(monkeypatch):
    (before,) = statements.rows("SELECT pg_backend_pid()", ())
    with connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    connection.health_check_enabled, connection.health_check_done = True, False
    assert statements.first_rows("SELECT pg_backend_pid()", ()) != [before]
    monkeypatch.setattr(connection, "is_usable", lambda: pytest.fail("it was seen to live"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
def test_first_rows_opens_a_connection_again_that_the_server_ended_meanwhile():
    before = statements.rows("SELECT pg_backend_pid()", ())
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", before[0])
    other.close()
    assert statements.first_rows("SELECT pg_backend_pid()", ()) != before


@pytest.mark.django_db(transaction=True)
def test_first_rows_asks_nothing_twice_within_a_transaction():
    with pytest.raises(OperationalError), transaction.atomic():
        statements.first_rows("SELECT pg_terminate_backend(pg_backend_pid())", ())


@pytest.mark.parametrize(("threshold", "prepared", "sql"), [(0, 1, "SELECT %s + 41"), (None, 0, "SELECT %s + 42")])
def test_statements_are_prepared_once_unless_a_pooler_keeps_none(monkeypatch, threshold, prepared, sql):
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepare_threshold", threshold)
    assert statements.rows(sql, (1,)) == statements.rows(sql, (1,))
    found = statements.rows("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", (f"%{sql[-4:]}",))
    assert found == [(prepared,)]


def test_values_of_many_kinds_come_back_as_they_went():
    at = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)
    told = ("50 %", 2**40, None, Decimal("1.250"), b"\x00\xff", at, True, [1, None])
    kinds = ("text", "bigint", "text", "numeric", "bytea", "timestamptz", "boolean", "bigint[]")
    sql = f"SELECT {', '.join(f'%s::{kind}' for kind in kinds)}, '%%'"
    assert statements.rows(sql, told) == [(*told, "%")]


@pytest.mark.django_db(transaction=True)
def test_what_was_prepared_serves_after_a_transaction_that_was_rolled_back():
    for _ in range(2):
        with pytest.raises(DataError), transaction.atomic():
            statements.rows("SELECT 1 / %s", (0,))
        assert statements.rows("SELECT 1 / %s", (1,)) == [(1,)]


def test_numbers_are_an_array():
    assert statements.rows(
        "SELECT %s::bigint[], %s::bigint[]", (statements.numbers([3, -1]), statements.numbers([]))
    ) == [([3, -1], [])]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_kept_of_a_connection_once_there_is_another():
    statements.rows("SELECT 1", ())
    last = ref(connection.connection)
    connection.close()
    assert statements.rows("SELECT 1", ()) == [(1,)]
    assert last() is None
