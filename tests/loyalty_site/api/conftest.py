import pytest
import time_machine

from rewards.domain import ledger
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory
from tests.loyalty_site.api.calling import caller


@pytest.fixture(autouse=True)
def clock(now):
    """It is `now` for everybody."""
    with time_machine.travel(now, tick=False) as traveller:
        yield traveller


@pytest.fixture
def store(db):
    """Where 1.00 earns one point."""
    BaseRuleFactory()
    return StoreFactory()


@pytest.fixture
def till(store):
    return caller(store=store)


@pytest.fixture
def mia(db):
    return CustomerFactory(name="Mia", number="C7K294QX", email="mia@example.org", phone="+8613812345678")


@pytest.fixture
def books_balance(db):
    """After the test, whatever it did."""
    yield
    assert list(ledger.differences()) == []
