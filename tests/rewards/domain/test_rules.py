from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from customers.models import AuditEvent
from loyalty_site.lib.actors import user
from rewards.domain import earning, rules
from rewards.models import EarningKind, EarningRule
from tests.factories.customers import CategoryFactory, ProductFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory, MultiplierRuleFactory

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
