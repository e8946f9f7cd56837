from datetime import UTC, datetime

import pytest

from loyalty_site.lib import actors
from rewards.domain import checkout
from rewards.models import PointsEntry
from tests.factories.customers import StoreFactory
from tests.factories.rewards import BaseRuleFactory, ProgramFactory, TierFactory
from tests.rewards.domain.baskets import basket


@pytest.fixture
def ladder(db):
    """Silver from 100, gold from 300, over 12 months and 30 days of grace."""
    ProgramFactory()
    return [TierFactory(code="silver", rank=1, threshold=100), TierFactory(code="gold", rank=2, threshold=300)]


@pytest.fixture
def buy(ladder, customer):
    """1.00 is one point."""
    BaseRuleFactory(valid_from=datetime(2020, 1, 1, tzinfo=UTC))
    store = StoreFactory()

    def buy(number, at, whose=None, **told):
        whose = whose or customer
        receipt = f"{whose.pk}-{at}-{number}-{PointsEntry.objects.count()}"
        told = basket(number * 100, customer=whose, now=at, receipt=receipt, **told)
        return checkout.settle(purchase=told, store=store, till=None, by=actors.SYSTEM, at=at)

    return buy
