"""What is given, what it costs, and how budgets, limits and distances hold."""

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from customers.models import AuditEvent
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import points, surprises
from rewards.models import Arm, Coupon, CouponState, Gesture, OfferKind, Program, Surprise, SurpriseRule, Trigger
from tests.factories.customers import CustomerFactory, PurchaseFactory
from tests.factories.rewards import OfferFactory, ProgramFactory, SurpriseRuleFactory, TimetableRuleFactory
from tests.rewards.domain.baskets import back, basket

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def look(at):
    surprises.look_over(clock=lambda: at, until=at + DAY)
    return Surprise.objects.count()


def buy(customer, at, total_minor=20_000):
    purchase = PurchaseFactory(customer=customer, purchased_at=at, total_minor=total_minor)
    return surprises.after_purchase(purchase=purchase, by=SYSTEM, at=at)


def test_two_who_have_their_birthday_get_a_coupon_each(now):
    TimetableRuleFactory(offer=OfferFactory(), points=None)
    CustomerFactory.create_batch(2, birthday=now.date())
    assert look(now) == 2
    assert Coupon.objects.values("customer").distinct().count() == 2


def test_points_are_in_the_books_once_with_the_customers_words(now, books_balance):
    rule = TimetableRuleFactory(cost_minor=15, title={"en": "Happy birthday", "zh-hans": "生日快乐"})
    mei = CustomerFactory(birthday=now.date(), language="zh-hans")
    look(now)
    look(now)
    given = Surprise.objects.get()
    assert (given.points_entry.points, given.points_entry.reason, given.cost_minor) == (30, "生日快乐", 15)
    assert points.summary(customer=mei, at=now).available == 30
    rule.refresh_from_db()
    assert (rule.gesture, rule.given_count, rule.spent_minor) == (Gesture.POINTS, 1, 15)


def test_points_given_at_the_till_are_in_what_the_till_is_told(settle, customer, now, books_balance):
    SurpriseRuleFactory(threshold_minor=1, offer=None, points=30)
    settled = settle(basket(4000, customer=customer, now=now))
    assert settled.summary.available == 70
    assert [one.points_entry.points for one in settled.surprises] == [30]


def test_points_of_a_purchase_that_comes_back_whole_are_taken_back(settle, take_back, customer, now, books_balance):
    SurpriseRuleFactory(threshold_minor=1, offer=None, points=30)
    settled = settle(basket(4000, customer=customer, now=now))
    told = back(1, 4000, now=now)
    taken = take_back(settled.purchase, told)
    assert taken.summary.balance == 0
    assert take_back(settled.purchase, told).summary.balance == 0


def test_budget_is_never_overdrawn_and_what_is_left_is_not_split(now):
    rule = SurpriseRuleFactory(cost_minor=400, budget_minor=1_000)
    for _ in range(4):
        buy(CustomerFactory(), now)
    rule.refresh_from_db()
    assert (rule.given_count, rule.spent_minor) == (2, 800)


def test_held_out_spend_nothing(now):
    rule = SurpriseRuleFactory(cost_minor=400, budget_minor=100_000, experiment__holdout_percent=50)
    for _ in range(20):
        buy(CustomerFactory(), now)
    rule.refresh_from_db()
    arms = Surprise.objects.values_list("arm", "cost_minor")
    assert set(arms) == {(Arm.TREATED, 400), (Arm.HOLDOUT, 0)}
    assert rule.spent_minor == 400 * Surprise.objects.filter(arm=Arm.TREATED).count()


def test_customer_is_surprised_so_many_times_in_all(customer, now):
    SurpriseRuleFactory(customer_max=2, cooldown_days=0)
    assert [len(buy(customer, now + n * DAY)) for n in range(4)] == [1, 1, 0, 0]


@pytest.mark.parametrize(("quiet_days", "after_days", "is_given"), [(7, 6, False), (7, 7, True), (0, 0, True)])
def test_quiet_days_hold_between_rules(customer, now, quiet_days, after_days, is_given):
    SurpriseRuleFactory(active_to=now + timedelta(seconds=1))
    second = SurpriseRuleFactory(quiet_days=quiet_days, active_from=now if after_days == 0 else now + DAY)
    buy(customer, now)
    if after_days:
        buy(customer, now + after_days * DAY)
    assert Surprise.objects.filter(rule=second).exists() == is_given


def test_who_is_held_out_by_one_rule_has_quiet_days_too(now):
    first = SurpriseRuleFactory(experiment__holdout_percent=50, priority=1)
    second = SurpriseRuleFactory(quiet_days=7)
    for _ in range(12):
        buy(CustomerFactory(), now)
    assert Surprise.objects.filter(rule=first, arm=Arm.HOLDOUT).exists()
    assert not Surprise.objects.filter(rule=second).exists()


def test_rule_with_the_higher_priority_looks_first_then_the_older(customer, now):
    rules = [SurpriseRuleFactory(priority=priority) for priority in (0, 5, 0, -1)]
    given = [surprise.rule for surprise in buy(customer, now)]
    assert given == [rules[1], rules[0], rules[2], rules[3]]


def test_gift_is_a_coupon_to_hand_over(customer, now):
    SurpriseRuleFactory(offer=OfferFactory(kind=OfferKind.GIFT, amount_minor=None))
    (given,) = buy(customer, now)
    assert (given.rule.gesture, given.coupon.state) == (Gesture.GIFT, CouponState.ISSUED)


# --- from draft to active to ended


def draft(**values):
    return SurpriseRuleFactory(activated_at=None, activated_by="", **values)


def test_draft_surprises_nobody_until_it_is_activated_and_none_after_its_end(customer, now):
    rule = draft()
    assert buy(customer, now) == []
    surprises.activate(rule=rule, by=SYSTEM, at=now)
    surprises.activate(rule=rule, by=SYSTEM, at=now + DAY)
    assert (rule.activated_at, rule.activated_by) == (now, "system")
    assert len(buy(customer, now)) == 1
    surprises.end(rule=rule, by=SYSTEM, at=now + 2 * DAY)
    surprises.end(rule=rule, by=SYSTEM, at=now + 3 * DAY)
    assert rule.ended_at == now + 2 * DAY
    assert buy(CustomerFactory(), now + 2 * DAY) == []
    with pytest.raises(surprises.RuleEnded):
        surprises.activate(rule=rule, by=SYSTEM, at=now)
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == [
        "surprise_rule.activated",
        "surprise_rule.ended",
    ]


def test_activation_publishes_the_rules_own_offer(now):
    rule = draft(offer=OfferFactory(published_at=None))
    surprises.activate(rule=rule, by=SYSTEM, at=now)
    rule.offer.refresh_from_db()
    assert rule.offer.published_at == now


def test_activation_refuses_another_currency(now):
    rule = draft(offer=OfferFactory(currency="EUR"), currency="CNY")
    with pytest.raises(surprises.RuleOtherCurrency, match="CNY and its offer for EUR"):
        surprises.activate(rule=rule, by=SYSTEM, at=now)
    assert not SurpriseRule.objects.get().activated_at


def test_seed_is_made_by_the_activation_of_a_lucky_draw_and_its_hash_is_logged(now):
    rule = draft(trigger=Trigger.RANDOM_DRAW, threshold_minor=None, chance_percent=5)
    surprises.activate(rule=rule, by=SYSTEM, at=now)
    assert re.fullmatch("[0-9a-f]{64}", rule.seed)
    assert re.fullmatch("[0-9a-f]{64}", AuditEvent.objects.get().data["seed_sha256"])
    assert rule.seed not in str(AuditEvent.objects.get().data)


@pytest.mark.parametrize(
    ("values", "is_kept"),
    [
        ({"threshold_minor": 1}, True),
        ({"seed": "other"}, True),
        ({"cost_minor": 1}, True),
        ({"cooldown_days": 0}, True),
        ({"budget_minor": 4_999}, True),
        ({"issued_max": 9}, True),
        ({"activated_at": None}, True),
        ({"budget_minor": 5_001, "issued_max": 11}, False),
        ({"budget_minor": None, "issued_max": None}, False),
        ({"name": "Other", "title": {"en": "Other"}, "message": {"en": "Other"}}, False),
    ],
)
def test_database_keeps_what_an_active_rule_promised(values, is_kept):
    SurpriseRuleFactory(budget_minor=5_000, issued_max=10)
    if not is_kept:
        assert SurpriseRule.objects.update(**values) == 1
        return
    with pytest.raises(IntegrityError, match="surprise_rule_is_kept"), transaction.atomic():
        SurpriseRule.objects.update(**values)


def test_cost_is_what_the_offer_or_the_points_say(db):
    ProgramFactory(point_value_minor=2)
    program = Program.objects.current()

    def cost(offer=None, number=None):
        return surprises.cost_of(offer=offer, points=number, program=program)

    assert cost(number=30) == 60
    assert cost(OfferFactory(amount_minor=500)) == 500
    capped = {"kind": OfferKind.PERCENT, "percent": 10, "amount_minor": None}
    assert cost(OfferFactory(**capped, discount_max_minor=700)) == 700
    assert cost(OfferFactory(**capped)) is None
    assert cost(OfferFactory(kind=OfferKind.GIFT, amount_minor=None)) is None
