"""The ledger's verbs, one by one."""

import pytest

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import points
from rewards.models import EntryKind
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db


def test_award_makes_account_entry_and_lot(now):
    customer = CustomerFactory()
    entry = points.award(customer=customer, points=40, reference="purchase:1", by=SYSTEM, at=now)
    assert (entry.seq, entry.kind, entry.points, entry.balance_after) == (1, EntryKind.AWARD, 40, 40)
