from datetime import timedelta

import pytest
import time_machine

from rewards import tasks
from rewards.models import ExpiryPolicy
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
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
