from datetime import timedelta

import pytest

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import experiments, surprises
from rewards.models import Arm, Assignment, Coupon, Surprise, SurpriseRule
from tests.factories.customers import CustomerFactory, PurchaseFactory
from tests.factories.rewards import OfferFactory, SurpriseRuleFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def buy(customer, at, total_minor=20_000, **values):
    """What it gave, after a purchase that is already booked."""
    purchase = PurchaseFactory(customer=customer, purchased_at=at, total_minor=total_minor, **values)
    return surprises.after_purchase(purchase=purchase, by=SYSTEM, at=at)


def test_surprise_is_a_coupon_for_this_customer(customer, now):
    rule = SurpriseRuleFactory()
    (surprise,) = buy(customer, now)
    occasion = f"purchase:{surprise.purchase_id}"
    stored = Surprise.objects.get()
    assert (stored, stored.rule, stored.arm, stored.occasion) == (surprise, rule, Arm.TREATED, occasion)
    assert (stored.coupon.customer, stored.coupon.offer) == (customer, rule.offer)
    assert stored.coupon.reference == f"surprise:{rule.pk}:{customer.pk}:{occasion}"
    rule.refresh_from_db()
    assert rule.given_count == 1


def test_looking_again_at_the_same_purchase_gives_the_same(customer, now):
    SurpriseRuleFactory()
    first = buy(customer, now)
    again = surprises.after_purchase(purchase=first[0].purchase, by=SYSTEM, at=now + DAY)
    assert again == first
    assert (Coupon.objects.count(), SurpriseRule.objects.get().given_count) == (1, 1)


@pytest.mark.parametrize(
    ("values", "total_minor", "given"),
    [
        ({}, 10_001, 1),
        ({}, 10_000, 0),
        ({"active_from": DAY}, 20_000, 0),
        ({"active_from": timedelta(0)}, 20_000, 1),
        ({"active_to": timedelta(0)}, 20_000, 0),
        ({"active_to": DAY}, 20_000, 1),
        ({"issued_max": 0}, 20_000, 0),
    ],
)
def test_rule_fits_purchases_over_its_amount_while_it_is_active(customer, now, values, total_minor, given):
    moments = {key: now + value if isinstance(value, timedelta) else value for key, value in values.items()}
    SurpriseRuleFactory(**moments)
    assert len(buy(customer, now, total_minor)) == given


@pytest.mark.parametrize(
    "offer",
    [
        lambda now: {"published_at": None},
        lambda now: {"withdrawn_at": now},
        lambda now: {"valid_to": now},
        lambda now: {"currency": "EUR"},
    ],
)
def test_rule_waits_while_its_offer_is_not_live(customer, now, offer):
    SurpriseRuleFactory(offer=OfferFactory(**offer(now)))
    assert buy(customer, now) == []
    assert not Surprise.objects.exists()


def test_purchase_told_after_the_offer_ended_surprises_nobody(customer, now):
    SurpriseRuleFactory(offer=OfferFactory(valid_to=now))
    purchase = PurchaseFactory(customer=customer, purchased_at=now - DAY, total_minor=20_000)
    assert surprises.after_purchase(purchase=purchase, by=SYSTEM, at=now) == []


def test_what_was_paid_counts_not_what_it_cost(customer, now):
    SurpriseRuleFactory()
    assert buy(customer, now, 12_000, discount_minor=1500, points_value_minor=500) == []


def test_anonymous_purchase_surprises_nobody(now):
    SurpriseRuleFactory()
    assert buy(None, now) == []


def test_customer_is_surprised_once_in_the_cooldown(customer, now):
    SurpriseRuleFactory(cooldown_days=30)
    assert len(buy(customer, now)) == 1
    assert len(buy(customer, now + 30 * DAY - timedelta(seconds=1))) == 0
    assert len(buy(CustomerFactory(), now + DAY)) == 1
    assert len(buy(customer, now + 30 * DAY)) == 1


def test_purchase_told_late_keeps_the_distance_too(customer, now):
    SurpriseRuleFactory(cooldown_days=30)
    buy(customer, now)
    assert buy(customer, now - 29 * DAY) == []
    assert len(buy(customer, now - 30 * DAY)) == 1


def test_every_rule_that_fits_gives(customer, now):
    rules = [SurpriseRuleFactory(), SurpriseRuleFactory(threshold_minor=1)]
    assert [surprise.rule for surprise in buy(customer, now)] == rules


def test_limit_ends_the_rule_for_both_arms(now):
    rule = SurpriseRuleFactory(issued_max=2, experiment__holdout_percent=50)
    for _ in range(20):
        buy(CustomerFactory(), now)
    rule.refresh_from_db()
    treated = Surprise.objects.filter(arm=Arm.TREATED)
    last = treated.order_by("-pk").first()
    assert (rule.given_count, treated.count()) == (2, 2)
    assert not Surprise.objects.filter(pk__gt=last.pk).exists()


def test_held_out_customers_have_a_row_without_coupon_and_a_cooldown(now):
    rule = SurpriseRuleFactory(experiment__holdout_percent=50)
    customers = CustomerFactory.create_batch(20)
    draw = {"salt": rule.experiment.salt, "holdout_percent": 50}
    held_out = [one for one in customers if experiments.arm_of(**draw, customer_id=one.pk) == Arm.HOLDOUT]
    for customer in customers:
        assert bool(buy(customer, now)) == (customer not in held_out)
        buy(customer, now + DAY)
    rows = Surprise.objects.filter(arm=Arm.HOLDOUT)
    assert 0 < len(held_out) < 20
    assert sorted(row.customer_id for row in rows) == sorted(one.pk for one in held_out)
    assert {row.coupon for row in rows} == {None}
    rule.refresh_from_db()
    assert rule.given_count == 20 - len(held_out)


def test_arm_is_written_down_once_with_the_moment_it_counts_from(customer, now):
    rule = SurpriseRuleFactory(cooldown_days=0)
    (surprise,) = buy(customer, now)
    buy(customer, now + DAY)
    stored = Assignment.objects.get()
    assert (stored.experiment, stored.customer, stored.arm) == (rule.experiment, customer, Arm.TREATED)
    assert (stored.assigned_at, stored.occasion) == (now, surprise.occasion)


def test_rule_that_has_nothing_left_assigns_nobody(customer, now):
    SurpriseRuleFactory(issued_max=0)
    buy(customer, now)
    assert not Assignment.objects.exists()
