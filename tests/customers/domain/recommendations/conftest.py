import pytest

from tests.factories.customers import StoreFactory


@pytest.fixture
def store():
    return StoreFactory(timezone="Asia/Shanghai")
