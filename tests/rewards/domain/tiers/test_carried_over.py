"""Tiers of customers who turn out to be one."""

from datetime import date, timedelta

import pytest

from loyalty_site.lib import actors
from rewards.domain import tiers
from tests.factories.customers import CustomerFactory
from tests.rewards.domain.tiers.standings import code, dates, history, noon

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_higher_of_two_tiers_is_carried_over_with_its_dates(buy, customer, ladder):
    other = CustomerFactory()
    buy(100, noon(2026, 3, 1))
    buy(300, noon(2026, 2, 1), whose=other)
    change = tiers.carry_over(source=other, target=customer, by=actors.user(7), at=noon(2026, 4, 1))
    assert (change.from_tier, change.to_tier, change.why, change.actor) == (*ladder, "CARRIED_OVER", "user:7")
    assert (code(customer), dates(customer)) == ("gold", (date(2026, 2, 2), date(2027, 2, 1)))
    assert code(other) == "gold"


def test_lower_tier_or_none_changes_nothing(buy, customer):
    other, stranger = CustomerFactory(), CustomerFactory()
    buy(300, noon(2026, 3, 1))
    buy(100, noon(2026, 4, 1), whose=other)
    for source in (other, stranger):
        assert tiers.carry_over(source=source, target=customer, by=actors.SYSTEM, at=noon(2026, 5, 1)) is None
    assert (code(customer), dates(customer)[1]) == ("gold", date(2027, 3, 1))


def test_same_tier_is_kept_for_the_longer_time(buy, customer):
    other = CustomerFactory()
    buy(100, noon(2026, 3, 1))
    buy(100, noon(2026, 4, 1), whose=other)
    assert tiers.carry_over(source=other, target=customer, by=actors.SYSTEM, at=noon(2026, 5, 1)) is None
    assert dates(customer)[1] == date(2027, 4, 1)
    assert len(history(customer)) == 1


def test_customer_without_any_tier_gets_the_others(buy, ladder):
    source, target = CustomerFactory(), CustomerFactory()
    buy(100, noon(2026, 3, 1), whose=source)
    change = tiers.carry_over(source=source, target=target, by=actors.SYSTEM, at=noon(2026, 5, 1))
    assert (change.from_tier, change.to_tier, code(target)) == (None, ladder[0], "silver")
