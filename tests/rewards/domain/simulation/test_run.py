"""History under other rules: the present ones change nothing, a draft changes what it says, and nothing is written."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from customers.domain.purchases import ReturnLineIn
from customers.models import Category
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import checkout, ledger, points
from rewards.domain.simulation import CapDraft, Draft, DraftInvalid, MultiplierDraft, RateDraft, run
from rewards.models import CapPeriod, EarningRule, ExpiryPolicy, PeriodEnd, Program, ShortfallPolicy
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory, MultiplierRuleFactory, ProgramFactory, TierFactory
from tests.rewards.domain.baskets import basket, line
from tests.rewards.domain.steps import adjust, award, redeem

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def program():
    return ProgramFactory(
        expiry_policy=ExpiryPolicy.ROLLING, expiry_months=3, expiry_period_end=PeriodEnd.MONTH, point_value_minor=2
    )


@pytest.fixture
def story(program, now):
    """Three customers over 200 days: points of before, purchases, a return, spending, lapses, another award."""
    first, second, third = CustomerFactory.create_batch(3)
    begin = now - 200 * DAY
    BaseRuleFactory(valid_from=begin)
    store = StoreFactory()
    award(first, 70, begin, "old")
    sold = [
        buy(store, customer, begin + days * DAY, amounts)
        for customer, days, amounts in (
            (first, 10, (5000, line(3333, category="TREATS", sku="77"))),
            (second, 20, (9990,)),
            (first, 60, (12_345,)),
            (second, 130, (2000, line(4000, category="TREATS", sku="77"))),
            (third, 190, (50,)),
            (second, 195, (7700,)),
        )
    ]
    redeem(first, 100, begin + 70 * DAY)
    take_back(store, sold[3], begin + 140 * DAY)
    redeem(second, 20, begin + 150 * DAY)
    adjust(second, 5, begin + 160 * DAY)
    points.expire(at=begin + 180 * DAY, limit=100)
    return begin, first, second, third


def buy(store, customer, at, amounts):
    told = basket(*amounts, customer=customer, now=at, receipt=f"R-{at:%m%d}-{customer.pk}")
    return checkout.settle(purchase=told, store=store, till=None, by=SYSTEM, at=at).purchase


def take_back(store, purchase, at):
    """The first line of it."""
    first = purchase.lines.get(position=1)
    told = checkout.ReturnIn("B-1", at, [ReturnLineIn(1, first.quantity, first.amount_minor)])
    return checkout.take_back(purchase=purchase, told=told, store=store, till=None, by=SYSTEM, at=at)


@pytest.mark.parametrize("days", [0, 5, 65, 135, 199])
def test_present_rules_change_nothing(story, now, days):
    """Since whatever day: the replay is the ledger, to the point."""
    found = run(draft=Draft(), since=story[0] + days * DAY, at=now)
    assert found.would_be == found.was
    assert (found.customers_more, found.customers_fewer, found.customers_same) == (0, 0, 3)
    assert (found.cost_minor, found.liability_change_minor) == (0, 0)


@pytest.mark.parametrize("shortfall", ShortfallPolicy)
def test_was_is_what_the_books_say(story, now, shortfall):
    Program.objects.update(shortfall_policy=shortfall)
    found = run(draft=Draft(), since=story[0], at=now)
    summaries = [points.summary(customer=customer, at=now) for customer in story[1:]]
    assert found.was.awarded == 83 + 99 + 123 + 60 + 77
    assert found.was.taken_back == 20
    assert found.was.outstanding == sum(one.available + one.pending for one in summaries)


def test_double_rate_costs_what_it_gives_more(story, now):
    found = run(draft=Draft(rate=RateDraft(2, 100)), since=story[0] + 100 * DAY, at=now)
    assert (found.was.awarded, found.would_be.awarded) == (60 + 77, 120 + 154 + 1)
    assert (found.was.taken_back, found.would_be.taken_back) == (20, 40)
    assert found.cost_minor == (235 - 117) * 2
    assert (found.customers_more, found.customers_same) == (2, 1)


def test_multiplier_and_exclusion_of_a_category(story, now):
    treats = Category.objects.get(code="TREATS")
    tripled = run(draft=Draft(multipliers=[MultiplierDraft(Decimal(3), category=treats)]), since=story[0], at=now)
    assert tripled.would_be.awarded == 149 + 99 + 123 + 140 + 77
    left_out = run(draft=Draft(multipliers=[MultiplierDraft(Decimal(0), category=treats)]), since=story[0], at=now)
    assert left_out.would_be.awarded == 50 + 99 + 123 + 20 + 77


def test_caps_of_a_purchase_and_of_a_year(story, now):
    found = run(draft=Draft(caps=[CapDraft(70, CapPeriod.PURCHASE)]), since=story[0], at=now)
    assert found.would_be.awarded == 70 + 70 + 70 + 60 + 70
    # 200 days before 20 May 2026 is 1 November 2025: two calendar years
    found = run(draft=Draft(caps=[CapDraft(100, CapPeriod.YEAR)]), since=story[0], at=now)
    assert found.would_be.awarded == 83 + 99 + 17 + 60 + 60


def test_without_a_rule_that_is_there(story, now):
    MultiplierRuleFactory(code="fruit", multiplier=2, valid_from=story[0])
    found = run(draft=Draft(without=["fruit"]), since=story[0], at=now)
    assert found.would_be == found.was


def test_spending_that_a_draft_would_not_have_covered(story, now):
    found = run(draft=Draft(rate=RateDraft(1, 100_000_000)), since=story[0] + 5 * DAY, at=now)
    assert (found.would_be.awarded, found.would_be.spent, found.would_be.uncovered) == (0, 70, 50)


@pytest.mark.parametrize(
    ("terms", "lapsed"),
    [
        ({"expiry_policy": ExpiryPolicy.NEVER}, 0),
        ({"expiry_months": 24}, 0),
        # of the first: 83 on 1 January, 23 that redeeming left on 1 February, the old 70 on 1 March by their own terms;
        # of the second: 99 on 1 January, 20 that return and redemption left on 1 May
        ({"expiry_months": 1}, 83 + 23 + 70 + 99 + 20),
    ],
)
def test_other_terms_of_lapse_hold_for_points_earned_since(story, now, terms, lapsed):
    found = run(draft=Draft(program=terms), since=story[0] + 5 * DAY, at=now)
    side = found.would_be
    assert (side.awarded, side.taken_back, side.spent, side.uncovered) == (442, 20, 120, 0)
    assert (side.lapsed, side.outstanding) == (lapsed, 70 + 442 + 5 - 20 - 120 - lapsed)


def test_inactivity_moves_with_each_activity(story, now):
    """Two idle months to the month's end: the first's redemption of January keeps them until the end of March; the
    second's purchase of November until the end of January, that of March and what follows until today."""
    draft = Draft(program={"expiry_policy": ExpiryPolicy.INACTIVITY, "expiry_months": 2})
    side = run(draft=draft, since=story[0] + 5 * DAY, at=now).would_be
    assert (side.lapsed, side.outstanding) == (70 + 83 + 123 - 100 + 99, 60 - 20 - 20 + 5 + 77)


def test_tiers_up_and_down(story, now):
    TierFactory(code="silver", rank=1, threshold=100)
    TierFactory(code="gold", rank=2, threshold=210)
    same = run(draft=Draft(), since=story[0], at=now)
    assert [(count.was, count.would_be) for count in same.tiers] == [(1, 1), (1, 1), (1, 1)]
    dearer = run(draft=Draft(thresholds={"gold": 217}), since=story[0], at=now)
    assert (dearer.tiers_up, dearer.tiers_down) == (0, 1)
    double = run(draft=Draft(rate=RateDraft(2, 100)), since=story[0], at=now)
    assert (double.tiers_up, double.tiers_down) == (1, 0)


def test_nothing_is_written(story, now):
    before = everything()
    run(draft=Draft(rate=RateDraft(9, 1), program={"expiry_months": 1}, caps=[CapDraft(5, CapPeriod.DAY)]),
        since=story[0], at=now)  # fmt: skip
    assert everything() == before
    assert list(ledger.differences()) == []


def everything():
    """All rows of all tables of the programme."""
    with connection.cursor() as cursor:
        tables = sorted(name for name in connection.introspection.table_names(cursor) if name.startswith("rewards_"))
        return {table: rows_of(cursor, table) for table in tables}


def rows_of(cursor, table):
    cursor.execute(f"SELECT md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM {table} t")
    return cursor.fetchone()


@pytest.mark.parametrize(
    "draft",
    [
        Draft(rate=RateDraft(0, 100)),
        Draft(multipliers=[MultiplierDraft(Decimal(1000))]),
        Draft(without=["nobody"]),
        Draft(thresholds={"nobody": 5}),
        Draft(program={"expiry_policy": "SOMETIME"}),
        Draft(program={"expiry_policy": ExpiryPolicy.ROLLING, "expiry_months": 0}),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(story, now, draft):
    with pytest.raises(DraftInvalid):
        run(draft=draft, since=story[0], at=now)
    assert EarningRule.objects.count() == 1
