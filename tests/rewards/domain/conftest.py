import pytest

from customers.models import Product, Purchase
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import checkout, coupon_books, ledger
from rewards.models import Coupon, PointsEntry, Surprise
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory


@pytest.fixture
def customer(db):
    return CustomerFactory()


@pytest.fixture
def books_balance(db):
    """After the test, whatever it did."""
    yield
    assert list(ledger.differences()) == []
    assert coupon_books.differences() == []


@pytest.fixture
def store(db):
    """Where 1.00 earns one point."""
    BaseRuleFactory()
    return StoreFactory()


@pytest.fixture
def settle(store, now):
    def settle(told, at=now, by=SYSTEM):
        return checkout.settle(purchase=told, store=store, till=None, by=by, at=at)

    return settle


@pytest.fixture
def take_back(store, now):
    def take_back(purchase, told, at=now, by=SYSTEM):
        return checkout.take_back(purchase=purchase, told=told, store=store, till=None, by=by, at=at)

    return take_back


@pytest.fixture
def rows():
    """How many there are of what a purchase writes, and how the coupons stand."""

    def rows():
        counts = [model.objects.count() for model in (Purchase, PointsEntry, Product, Surprise)]
        return counts, list(Coupon.objects.order_by("pk").values_list("state", "redemptions__discount_minor"))

    return rows


@pytest.fixture
def old():
    return CustomerFactory(number="C7K294QX")


@pytest.fixture
def kept():
    return CustomerFactory(number="HTG2MWWK")
