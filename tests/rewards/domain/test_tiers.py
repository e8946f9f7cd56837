"""Tiers: up at once, down only when the time and the grace days are over, never by the balance."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction

from customers.domain.purchases import ReturnLineIn
from customers.models import Customer
from loyalty_site.lib import actors
from rewards.domain import checkout, points, tiers
from rewards.models import PointsEntry, Program, Tier, TierBasis, TierChange, TierDowngrade, TierMembership, TierWindow
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory, ProgramFactory, TierFactory
from tests.races import at_once
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import adjust, redeem

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def noon(*day):
    return datetime(*day, 12, tzinfo=UTC)


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


def bring_back(settled, amount_minor, at):
    lines = [ReturnLineIn(1, 0, amount_minor)]
    told = checkout.ReturnIn(return_number=f"B-{at}", returned_at=at, lines=lines)
    purchase = settled.purchase
    return checkout.take_back(purchase=purchase, told=told, store=purchase.store, till=None, by=actors.SYSTEM, at=at)


def review(at):
    return tiers.review(at=at, limit=1000, by=actors.SYSTEM)


def code(customer):
    membership = TierMembership.objects.select_related("tier").filter(customer=customer).first()
    return membership.tier.code if membership and membership.tier else None


def history(customer):
    changes = TierChange.objects.filter(customer=customer).order_by("pk").select_related("from_tier", "to_tier")
    return [(one.from_tier and one.from_tier.code, one.to_tier and one.to_tier.code, one.why) for one in changes]


def dates(customer):
    return TierMembership.objects.values_list("counts_from", "keep_until").get(customer=customer)


def configure(**values):
    Program.objects.update(**values)


# Up


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


# Down


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


# Merged customers


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


# The database's own rules


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
