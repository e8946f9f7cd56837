import pytest
from django.db import DataError, IntegrityError, connections, transaction
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
