"""Who reaches a tier, and from when it is counted."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction

from customers.models import Customer
from loyalty_site.lib import actors
from rewards.domain import checkout, points, tiers
from rewards.models import PointsEntry, Tier, TierBasis, TierChange, TierMembership, TierWindow
from tests.factories.customers import StoreFactory
from tests.races import at_once
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import adjust, redeem
from tests.rewards.domain.tiers.standings import bring_back, code, configure, dates, history, noon, review

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_nobody_stands_anywhere_without_tiers_and_it_costs_one_query(customer, now, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert tiers.reassess(customer=customer, by=actors.SYSTEM, at=now) is None
    with django_assert_num_queries(1):
        assert tiers.standing(customer=customer, at=now) is None


def test_settle_moves_up_at_once_and_says_where_one_stands(buy, customer, ladder):
    silver, gold = ladder
    first = buy(99, noon(2026, 3, 1)).tier
    assert first == tiers.Standing(None, 99, silver, 1)
    second = buy(1, noon(2026, 3, 2)).tier
    assert second == tiers.Standing(silver, 100, gold, 200, 100, date(2027, 3, 2))
    third = buy(300, noon(2026, 3, 3)).tier
    assert third == tiers.Standing(gold, 400, None, 0, 300, date(2027, 3, 3))
    assert history(customer) == [(None, "silver", "REACHED"), ("silver", "gold", "REACHED")]
    change = TierChange.objects.latest("pk")
    assert (change.happened_at, change.actor) == (noon(2026, 3, 3), "system")


def test_receipt_told_again_says_where_one_stands_now(buy, customer, ladder):
    at = noon(2026, 3, 1)
    told = basket(150_00, customer=customer, now=at, receipt="R-1")
    buy(0, at)
    store = StoreFactory()
    first, again = (checkout.settle(purchase=told, store=store, till=None, by=actors.SYSTEM, at=at) for _ in range(2))
    assert (first.created, again.created) == (True, False)
    assert first.tier == again.tier
    assert len(history(customer)) == 1


def test_one_purchase_can_skip_a_tier(buy, customer):
    buy(300, noon(2026, 3, 1))
    assert history(customer) == [(None, "gold", "REACHED")]


def test_only_what_purchases_earned_counts(buy, customer, now):
    points.award(customer=customer, points=5000, reference="survey-response:1", by=actors.SYSTEM, at=now)
    adjust(customer, 5000, now)
    assert buy(10, now).tier.qualifying == 10


def test_tiers_out_of_use_are_not_reached(buy, customer, ladder):
    ladder[1].is_active = False
    ladder[1].save()
    assert buy(300, noon(2026, 3, 1)).tier.tier == ladder[0]


def test_tier_is_never_on_the_balance(buy, customer, ladder):
    """Spending points, letting them lapse or being in debt changes no tier (Open Loyalty put levels on the balance)."""
    at = noon(2026, 3, 1)
    buy(300, at)
    redeem(customer, 300, at + DAY)
    assert points.summary(customer=customer, at=at + DAY).balance == 0
    standing = tiers.standing(customer=customer, at=at + DAY)
    assert (standing.tier, standing.qualifying) == (ladder[1], 300)


def test_tier_is_not_lost_right_after_a_redemption(buy, customer):
    at = noon(2026, 3, 1)
    buy(300, at)
    redeem(customer, 250, at + DAY)
    buy(1, at + 2 * DAY)
    assert review(at + 3 * DAY) == 0
    assert code(customer) == "gold"


def test_tier_is_right_after_many_purchases(buy, customer, ladder):
    """Recomputed from all that was booked, the tier is the one that every single purchase has led to."""
    at = noon(2026, 1, 1)
    for number in range(40):
        standing = buy(7 + number % 5, at + number * 5 * DAY).tier
        window = at + number * 5 * DAY - timedelta(days=365)
        earned = sum(PointsEntry.objects.filter(kind="AWARD", happened_at__gt=window).values_list("points", flat=True))
        reached = [tier for tier in ladder if tier.threshold <= earned]
        assert (standing.qualifying, standing.tier) == (earned, reached[-1] if reached else None)
    assert code(customer) == "gold"
    TierMembership.objects.all().delete()
    tiers.reach_page(after=0, limit=10, by=actors.SYSTEM, at=at + 195 * DAY)
    assert code(customer) == "gold"


def test_rolling_window_counts_from_the_day_after_the_same_day_months_ago(buy, customer):
    buy(60, noon(2025, 3, 1))
    buy(30, noon(2025, 3, 2))
    assert buy(10, noon(2026, 3, 1)).tier.qualifying == 40


def test_window_before_the_end_of_a_long_month_ends_with_the_short_one(buy, customer):
    """One month before 31 March is 28 February."""
    configure(tier_months=1)
    buy(60, noon(2026, 2, 28))
    buy(30, noon(2026, 3, 1))
    assert buy(10, noon(2026, 3, 31)).tier.qualifying == 40


def test_tier_reached_on_29_february_is_kept_through_28_february(buy, customer, ladder):
    standing = buy(100, noon(2028, 2, 29)).tier
    assert standing.keep_until == date(2029, 2, 28)
    assert tiers.standing(customer=customer, at=noon(2029, 2, 28)).to_keep == 100  # 29 February does not count again
    buy(100, noon(2028, 3, 1))
    assert tiers.standing(customer=customer, at=noon(2029, 2, 28)).to_keep == 0
    assert review(noon(2029, 3, 30)) == 0
    assert review(noon(2029, 3, 31)) == 1
    assert dates(customer) == (date(2029, 3, 1), date(2030, 2, 28))


def test_calendar_year_counts_from_new_year_and_keeps_through_the_next_year(buy, customer):
    configure(tier_window=TierWindow.CALENDAR_YEAR)
    buy(99, noon(2026, 12, 31))
    assert buy(1, noon(2027, 1, 1)).tier.qualifying == 1
    assert buy(99, noon(2027, 6, 1)).tier.keep_until == date(2028, 12, 31)
    assert dates(customer)[0] == date(2028, 1, 1)


def test_purchase_of_a_till_whose_clock_is_ahead_counts_at_once(buy, customer):
    at = noon(2026, 3, 1)
    told = basket(100_00, customer=customer, now=at + timedelta(minutes=10), receipt="ahead")
    buy(0, at)
    store = StoreFactory()
    settled = checkout.settle(purchase=told, store=store, till=None, by=actors.SYSTEM, at=at)
    assert settled.tier.qualifying == 100


def test_days_are_those_of_the_programme(buy, customer):
    """In Shanghai it is 2027 already at 16:00 of 31 December in London."""
    configure(tier_window=TierWindow.CALENDAR_YEAR, timezone="Asia/Shanghai")
    buy(60, datetime(2026, 12, 31, 15, 59, tzinfo=UTC))
    assert buy(30, datetime(2026, 12, 31, 16, 0, tzinfo=UTC)).tier.qualifying == 30


def test_money_paid_counts_without_points_and_gift_cards_and_what_came_back(buy, customer, ladder):
    configure(tier_basis=TierBasis.SPEND)
    Tier.objects.filter(code="silver").update(threshold=10_000)
    Tier.objects.filter(code="gold").update(threshold=20_000)
    at = noon(2026, 3, 1)
    settled = buy(90, at)
    assert settled.tier.qualifying == 9000
    checkout_told = basket(50_00, customer=customer, now=at, receipt="gift", points=10)
    told = checkout.PurchaseIn(**{**_fields(checkout_told), "gift_card_minor": 2000})
    standing = checkout.settle(purchase=told, store=settled.purchase.store, till=None, by=actors.SYSTEM, at=at).tier
    assert standing.qualifying == 9000 + 5000 - 10 - 2000
    bring_back(settled, 3000, at + DAY)
    after = tiers.standing(customer=customer, at=at + DAY)
    assert after.qualifying == 9000 + 5000 - 10 - 2000 - 3000
    assert after.tier == ladder[0]


def _fields(told):
    return {name: getattr(told, name) for name in told.__dataclass_fields__}


def test_purchase_in_another_currency_is_no_money_that_counts(buy, customer):
    configure(tier_basis=TierBasis.SPEND)
    assert buy(500, noon(2026, 3, 1), currency="EUR").tier.qualifying == 0


def test_a_change_changes_the_tier(customer, ladder):
    with pytest.raises(IntegrityError, match="tier_change_changes_the_tier"), transaction.atomic():
        TierChange.objects.create(
            customer=customer, from_tier=ladder[0], to_tier=ladder[0], happened_at=noon(2026, 1, 1), why="REACHED"
        )


def test_a_tier_is_kept_until_some_day(customer, ladder):
    with pytest.raises(IntegrityError, match="tier_membership_has_its_dates"), transaction.atomic():
        TierMembership.objects.create(customer=customer, tier=ladder[0], since=noon(2026, 1, 1))


@pytest.mark.django_db(transaction=True)
def test_two_tills_at_once_reach_a_tier_once(buy, customer):
    at = noon(2026, 3, 1)
    buy(10, at - DAY)
    results = at_once(*[partial(buy, 100, at + timedelta(seconds=n)) for n in range(4)])
    assert [type(result).__name__ for result in results] == ["Settlement"] * 4
    assert history(customer) == [(None, "silver", "REACHED"), ("silver", "gold", "REACHED")]
    assert Customer.objects.get() == customer
