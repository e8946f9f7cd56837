"""Who keeps a tier when its time is over."""

from datetime import UTC, date, datetime, timedelta

import pytest

from loyalty_site.lib import actors
from rewards.domain import tiers
from rewards.models import TierChange, TierDowngrade, TierMembership, TierWindow
from tests.factories.customers import CustomerFactory
from tests.rewards.domain.tiers.standings import bring_back, code, configure, dates, history, noon, review

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_return_lowers_what_counts_but_nobody_goes_down_before_the_time(buy, customer, ladder):
    at = noon(2026, 3, 1)
    settled = buy(300, at)
    bring_back(settled, 250_00, at + DAY)
    standing = tiers.standing(customer=customer, at=at + DAY)
    assert (standing.tier, standing.qualifying, standing.keep_until) == (ladder[1], 50, date(2027, 3, 1))
    assert review(noon(2027, 3, 31)) == 0
    assert code(customer) == "gold"


@pytest.mark.parametrize("grace", [0, 30])
def test_nobody_drops_without_grace(buy, customer, grace):
    configure(tier_grace_days=grace)
    buy(300, noon(2026, 3, 1))
    last_day = noon(2027, 3, 1) + grace * DAY
    assert review(last_day + timedelta(hours=11, minutes=59)) == 0
    assert code(customer) == "gold"
    assert review(last_day + timedelta(hours=12)) == 1
    assert history(customer)[1:] == [("gold", "silver", "NOT_KEPT")]


def test_one_down_goes_down_a_step_a_period(buy, customer):
    buy(300, noon(2026, 3, 1))
    assert [review(noon(2027, 4, 1)), review(noon(2027, 4, 1))] == [1, 0]
    assert (code(customer), dates(customer)) == ("silver", (date(2027, 4, 1), date(2028, 3, 31)))
    assert review(noon(2028, 5, 1)) == 1
    assert (code(customer), dates(customer)) == (None, (None, None))
    assert history(customer)[1:] == [("gold", "silver", "NOT_KEPT"), ("silver", None, "NOT_KEPT")]


@pytest.mark.parametrize(("bought", "left"), [(99, None), (100, "silver"), (299, "silver"), (300, "gold")])
def test_reassess_goes_to_what_was_reached_meanwhile(buy, customer, bought, left):
    configure(tier_downgrade=TierDowngrade.REASSESS)
    buy(300, noon(2026, 3, 1))
    buy(bought, noon(2027, 2, 1))
    review(noon(2027, 4, 1))
    assert code(customer) == left


def test_what_the_grace_days_bring_keeps_the_tier(buy, customer, ladder):
    buy(300, noon(2026, 3, 1))
    buy(200, noon(2027, 1, 1))
    standing = buy(100, datetime(2027, 3, 31, 23, 59, tzinfo=UTC)).tier
    assert (standing.tier, standing.to_keep) == (ladder[1], 0)
    review(noon(2027, 4, 1))
    assert (code(customer), dates(customer)) == ("gold", (date(2027, 3, 2), date(2028, 3, 1)))
    assert len(history(customer)) == 1


def test_review_decides_as_of_the_end_of_the_grace_days_however_late_it_comes(buy, customer):
    """What is bought after them does not count, although the timetable slept."""
    buy(300, noon(2026, 3, 1))
    buy(299, noon(2027, 4, 1))
    assert code(customer) == "gold"
    review(noon(2027, 9, 1))
    assert (code(customer), dates(customer)) == ("silver", (date(2027, 4, 1), date(2028, 3, 31)))


def test_who_lost_a_tier_does_not_have_it_back_with_the_next_purchase(buy, customer):
    buy(300, noon(2026, 3, 1))
    buy(290, noon(2027, 3, 31))
    review(noon(2027, 4, 1))
    assert code(customer) == "silver"
    assert buy(9, noon(2027, 4, 1)).tier.tier.code == "silver"
    assert buy(1, noon(2027, 4, 2)).tier.tier.code == "gold"


def test_calendar_year_tier_goes_down_after_the_grace_days_of_the_next_year(buy, customer):
    configure(tier_window=TierWindow.CALENDAR_YEAR)
    buy(300, noon(2026, 11, 1))
    assert review(noon(2028, 1, 30)) == 0
    assert review(noon(2028, 1, 31)) == 1
    assert (code(customer), dates(customer)) == ("silver", (date(2028, 1, 1), date(2028, 12, 31)))


def test_review_takes_up_to_its_limit_and_goes_on(buy):
    for _ in range(3):
        buy(300, noon(2026, 3, 1), whose=CustomerFactory())
    late = noon(2027, 4, 1)
    assert [tiers.review(at=late, limit=2, by=actors.SYSTEM) for _ in range(3)] == [2, 1, 0]
    assert TierChange.objects.filter(why="NOT_KEPT").count() == 3


def test_tier_at_reads_the_history(buy, customer, ladder):
    silver, gold = ladder
    buy(100, noon(2026, 3, 1))
    buy(200, noon(2026, 3, 5))
    moments = [noon(2026, 2, 28), noon(2026, 3, 1), noon(2026, 3, 4), noon(2026, 3, 5)]
    assert [tiers.tier_at(customer=customer, at=moment) for moment in moments] == [None, silver.pk, silver.pk, gold.pk]


def test_pages_go_through_all_accounts_once(buy, ladder):
    people = [CustomerFactory() for _ in range(3)]
    for person in people:
        buy(100, noon(2026, 3, 1), whose=person)
    TierMembership.objects.all().delete()
    pages, after = [], 0
    while after is not None:
        pages.append(after)
        after = tiers.reach_page(after=after, limit=2, by=actors.SYSTEM, at=noon(2026, 3, 2))
    assert pages == [0, people[1].pk, people[2].pk]
    assert [code(person) for person in people] == ["silver"] * 3
