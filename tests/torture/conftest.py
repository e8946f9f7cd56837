from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from customers.domain import tills
from customers.models import TillScope
from loyalty_site.lib.actors import SYSTEM
from tests.factories.customers import StoreFactory
from tests.factories.rewards import BaseRuleFactory, ProgramFactory
from tests.torture.server import Server
from tests.torture.tills import Till


@pytest.fixture
def server(transactional_db, tmp_path):
    """Running until the test ends; where 1.00 earns one point. No unhandled error in its log afterwards."""
    ProgramFactory()
    BaseRuleFactory(valid_from=timezone.now() - timedelta(days=30))
    server = Server(tmp_path / "server.log")
    server.start()
    yield server
    server.stop()
    assert server.faults() == []


@pytest.fixture
def till(server):
    _till, key = tills.create(store=StoreFactory(), name="1", scopes=TillScope, by=SYSTEM, at=timezone.now())
    till = Till(server.port, key)
    yield till
    till.close()


@pytest.fixture
def books_balance(transactional_db):
    """`check_ledger` exits 0 after the test."""
    yield
    try:
        call_command("check_ledger")
    except (CommandError, SystemExit) as failure:
        pytest.fail(f"the books do not balance: {failure}")
