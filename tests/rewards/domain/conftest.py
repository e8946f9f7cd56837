import pytest

from rewards.domain import ledger
from tests.factories.customers import CustomerFactory


@pytest.fixture
def customer(db):
    return CustomerFactory()


@pytest.fixture
def books_balance(db):
    """After the test, whatever it did."""
    yield
    assert list(ledger.differences()) == []
