from datetime import timedelta

import pytest
import time_machine

from rewards import tasks
from rewards.models import ExpiryPolicy, TierChange
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory, TierFactory
from tests.rewards.domain.steps import account, award


@pytest.mark.django_db
def test_expire_points_goes_on_until_all_are_booked(now, monkeypatch):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    customers = CustomerFactory.create_batch(5)
    for customer in customers:
        award(customer, 10, now)
    monkeypatch.setattr(tasks, "LOTS_AT_ONCE", 2)
    with time_machine.travel(now + timedelta(days=80)):
        tasks.expire_points(option_of_an_older_release=1)
    assert [account(customer) for customer in customers] == [(0, 0, 2)] * 5


@pytest.mark.django_db
def test_review_tiers_goes_on_until_all_are_decided_and_gives_new_tiers(now, monkeypatch):
    ProgramFactory(tier_months=1, tier_grace_days=0)
    customers = CustomerFactory.create_batch(5)
    for customer in customers:
        award(customer, 150, now, "purchase:1")
    monkeypatch.setattr(tasks, "CUSTOMERS_AT_ONCE", 2)
    with time_machine.travel(now):
        tasks.review_tiers()
        assert not TierChange.objects.exists()
        TierFactory(rank=1, threshold=100)
        tasks.review_tiers(option_of_an_older_release=1)
        assert list(TierChange.objects.values_list("why", flat=True)) == ["REACHED"] * 5
    with time_machine.travel(now + timedelta(days=40)):
        tasks.review_tiers()
    assert list(TierChange.objects.order_by("pk").values_list("why", flat=True)[5:]) == ["NOT_KEPT"] * 5
