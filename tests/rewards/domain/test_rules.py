from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from customers.models import AuditEvent
from loyalty_site.lib.actors import SYSTEM, user
from rewards.domain import earning, points, rules, windows
from rewards.models import EarningKind, EarningRule
from tests.factories.customers import CategoryFactory, ProductFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory, CapRuleFactory, MultiplierRuleFactory, ProgramFactory, TierFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_effective_rules_are_those_of_the_moment(now, django_assert_num_queries):
    category, product, store = CategoryFactory(), ProductFactory(), StoreFactory()
    BaseRuleFactory(points=3, per_minor=200)
    MultiplierRuleFactory(code="ended", valid_to=now)
    MultiplierRuleFactory(code="to-come", valid_from=now + timedelta(seconds=1))
    MultiplierRuleFactory(
        code="bonus",
        name="Bonus",
        multiplier=Decimal("1.5"),
        category=category,
        product=product,
        store=store,
        valid_from=now,
    )
    with django_assert_num_queries(1):
        found = rules.effective(at=now, currency="CNY")
    assert found == earning.Rules(
        "CNY",
        [earning.Rate("base", 1, "Base", 3, 200)],
        [earning.Multiplier("bonus", 1, "Bonus", 1500, category.pk, product.pk, store.pk)],
    )


def test_effective_rules_know_tiers_windows_caps_and_whether_tax_earns(now):
    tier = TierFactory(name={"en": "Gold"})
    MultiplierRuleFactory(code="m", tier=tier, weekdays=[6, 7], time_from=time(22), time_to=time(2))
    CapRuleFactory(code="c", name="Cap", points=50, cap_period="WEEK")
    CapRuleFactory(code="ended", valid_to=now)
    found = rules.effective(at=now, currency="CNY", earns_on_tax=False)
    window = windows.Window(frozenset({6, 7}), time(22), time(2))
    assert found.multipliers == [
        earning.Multiplier("m", 1, "m", 2000, tier=tier.pk, tier_name={"en": "Gold"}, window=window)
    ]
    assert found.caps == (earning.Cap("c", 1, "Cap", 50, "WEEK"),)
    assert not found.earns_on_tax


def award(customer, number, at, reference):
    return points.award(customer=customer, points=number, reference=reference, by=SYSTEM, at=at)


@pytest.mark.parametrize(("period", "earned"), [("PURCHASE", 0), ("DAY", 4), ("WEEK", 7), ("MONTH", 15), ("YEAR", 231)])
def test_caps_count_what_purchases_earned_in_their_calendar_period(customer, period, earned):
    """Of Sunday 31 May 2026 in Shanghai; its week began on Monday 25 May."""
    ProgramFactory(timezone="Asia/Shanghai")
    moments = {
        datetime(2026, 5, 30, 16, tzinfo=UTC): 4,  # midnight of the 31st in Shanghai
        datetime(2026, 5, 24, 16, tzinfo=UTC): 3,  # of the 25th
        datetime(2026, 4, 30, 16, tzinfo=UTC): 8,  # of the 1st
        datetime(2025, 12, 31, 16, tzinfo=UTC): 16,  # of new year
        datetime(2025, 12, 31, 15, 59, tzinfo=UTC): 100,
        datetime(2026, 5, 31, 16, tzinfo=UTC): 200,  # of 1 June
    }
    for number, (moment, earned_then) in enumerate(moments.items()):
        award(customer, earned_then, moment, f"purchase:{number}")
    award(customer, 1000, datetime(2026, 5, 31, tzinfo=UTC), "survey-response:1")
    cap = earning.Cap("c", 1, "C", 50, period)
    (found,) = rules.with_earned_before(caps=[cap], customer=customer, at=datetime(2026, 5, 31, 12, tzinfo=UTC))
    assert found == replace(cap, before=earned)


def test_caps_do_not_count_what_came_back(customer, now):
    ProgramFactory()
    entry = award(customer, 80, now, "purchase:1")
    points.claw_back(entry=entry, points=30, reference="return:1", by=SYSTEM, at=now + 3 * DAY)
    cap = earning.Cap("c", 1, "C", 100, "DAY")
    (found,) = rules.with_earned_before(caps=[cap], customer=customer, at=now)
    assert found.before == 50


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        ({"points": 1001, "per_minor": 1}, "earning_rule_gives_within_reason"),
        ({"points": 2_147_483_647, "per_minor": 2_147_483}, "earning_rule_gives_within_reason"),
        ({"weekdays": [1]}, "earning_rule_only_multipliers_are_bound"),
        ({"cap_period": "DAY"}, "earning_rule_cap_has_a_period"),
    ],
)
def test_base_rules_are_bound(terms, rule):
    BaseRuleFactory(code="most", points=2_147_483_000, per_minor=2_147_483)
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        BaseRuleFactory(**terms)


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        ({"multiplier": Decimal("100.001")}, "earning_rule_gives_within_reason"),
        ({"weekdays": [0]}, "earning_rule_weekdays_are_known"),
        ({"weekdays": [8]}, "earning_rule_weekdays_are_known"),
        ({"time_from": time(8)}, "earning_rule_hours_are_a_stretch"),
        ({"time_from": time(8), "time_to": time(8)}, "earning_rule_hours_are_a_stretch"),
        ({"cap_period": "DAY"}, "earning_rule_cap_has_a_period"),
    ],
)
def test_multipliers_are_bound(terms, rule):
    MultiplierRuleFactory(multiplier=Decimal(100))
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        MultiplierRuleFactory(**terms)


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        ({"cap_period": ""}, "earning_rule_cap_has_a_period"),
        ({"points": 0}, "earning_rule_has_what_its_kind_needs"),
        ({"multiplier": 1}, "earning_rule_has_what_its_kind_needs"),
        ({"time_from": time(8), "time_to": time(9)}, "earning_rule_only_multipliers_are_bound"),
    ],
)
def test_caps_are_bound(terms, rule):
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        CapRuleFactory(**terms)


def change(code, valid_from, now, **terms):
    return rules.change(code=code, valid_from=valid_from, by=user(7), at=now, **terms)


def test_change_of_a_new_code_makes_version_one(now):
    rule = change("base", now, now, name="Base", kind=EarningKind.BASE, points=1, per_minor=100)
    assert (rule.version, rule.valid_from, rule.valid_to, rule.points) == (1, now, None, 1)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.data) == ("earning_rule.changed", "user:7", {"code": "base", "version": 1})


def test_change_ends_the_present_version_and_keeps_what_is_not_given(now):
    old = BaseRuleFactory(name="Base", points=1, per_minor=100)
    new = change("base", now, now, points=2)
    old.refresh_from_db()
    assert (old.valid_to, old.points) == (now, 1)
    assert (new.version, new.name, new.points, new.per_minor, new.valid_from) == (2, "Base", 2, 100, now)
    assert rules.effective(at=now - DAY, currency="CNY").rates[0].version == 1
    assert rules.effective(at=now, currency="CNY").rates[0].version == 2


def test_change_after_the_last_version_ended_goes_on_counting(now):
    BaseRuleFactory(valid_to=now - DAY, version=4)
    terms = {"name": "Base", "kind": EarningKind.BASE, "points": 1, "per_minor": 100}
    assert change("base", now, now, **terms).version == 5


def test_change_before_the_present_version_is_in_force_is_refused(now):
    BaseRuleFactory(valid_from=now)
    with pytest.raises(rules.RuleNotYetInForce):
        change("base", now, now, points=2)
    assert EarningRule.objects.get().valid_to is None


def test_change_that_makes_no_rule_leaves_the_present_one(now):
    BaseRuleFactory()
    with pytest.raises(IntegrityError, match="earning_rule_has_what_its_kind_needs"), transaction.atomic():
        change("base", now, now, multiplier=Decimal(2))
    assert EarningRule.objects.get().valid_to is None
