from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from customers.domain.purchases import LineIn
from loyalty_site.lib import actors
from rewards.domain import explanations, points
from rewards.models import ExpiryPolicy, PointsEntry, ShortfallPolicy, Tier
from tests.factories.customers import CategoryFactory, PurchaseFactory, StoreFactory
from tests.factories.rewards import (
    BaseRuleFactory,
    CapRuleFactory,
    MultiplierRuleFactory,
    ProgramFactory,
    RewardFactory,
    TierFactory,
)
from tests.rewards.domain.baskets import basket, line
from tests.rewards.domain.steps import (
    adjust,
    award,
    cancel,
    capture,
    claw_back,
    hold,
    redeem,
    reimburse,
    request,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def store(db):
    BaseRuleFactory()
    return StoreFactory(name="Store X", timezone="Asia/Shanghai")


def test_award_tells_amount_place_day_and_rate(settle, customer):
    at = datetime(2026, 5, 20, 18, tzinfo=UTC)  # already the 21st in Shanghai
    entry = settle(basket(4200, customer=customer, now=at), at=at).entry
    assert explanations.explain(entry) == "42 points for ¥42.00 at Store X on May 21, 2026. 1 point for every ¥1.00."


def test_explanation_is_a_headline_and_fine_print(settle, customer, now):
    entry = settle(basket(4200, customer=customer, now=now)).entry
    (entry,) = explanations.explained([entry])
    assert entry.headline == "42 points for ¥42.00 at Store X on May 20, 2026."
    assert entry.fine_print == "1 point for every ¥1.00."
    assert entry.explanation == f"{entry.headline} {entry.fine_print}"


def test_award_tells_rules_what_was_left_out_and_how_it_was_rounded(settle, customer, now):
    award(customer, 300, now, "before")
    MultiplierRuleFactory(code="a", name="Fruit week", multiplier="2.5", category=CategoryFactory(code="FRUIT"))
    MultiplierRuleFactory(code="b", name="Tobacco", multiplier=0, category=CategoryFactory(code="TOBACCO"))
    goods = [line(1000, "1", "FRUIT"), line(300, "2", "TOBACCO"), line(2950, "3", "BREAD")]
    entry = settle(basket(*goods, customer=customer, now=now, points=100)).entry
    assert explanations.explain(entry) == (
        "53 points for ¥41.50 at Store X on May 20, 2026. 1 point for every ¥1.00."
        " Fruit week: ¥10.00 counts 2.5 times. Tobacco: ¥3.00 earns no points."
        " ¥1.00 was paid with points and earns none. The rest of 0.217 points was rounded down."
    )


def test_award_tells_tiers_hours_caps_gift_cards_and_tax(settle, customer, now):
    """The 20th of May is a Wednesday; in Shanghai it is half past six in the evening."""
    ProgramFactory(earns_on_tax=False)
    TierFactory(name={"en": "Gold", "zh-hans": "金卡"}, threshold=50)
    MultiplierRuleFactory(code="a", name="Fruit", category=CategoryFactory(code="FRUIT"), tier=Tier.objects.get())
    MultiplierRuleFactory(code="b", name="Evening", multiplier=3, weekdays=[3, 5], time_from="18:00", time_to="22:30")
    CapRuleFactory(name="Per day", points=200)
    settle(basket(5000, customer=customer, now=now - DAY, receipt="R-0"), at=now - DAY)
    settle(basket(4000, customer=customer, now=now, receipt="R-1"))
    goods = [LineIn("1", "", "FRUIT", 1, 2200, 200), line(4000, "2", "BREAD")]
    told = basket(*goods, customer=customer, now=now, receipt="R-2")
    entry = settle(replace(told, gift_card_minor=1240)).entry
    assert entry.points == 80
    assert explanations.explain(entry) == (
        "80 points for ¥49.60 at Store X on May 20, 2026. 1 point for every ¥1.00."
        " Evening (Wednesday, Friday, 18:00–22:30): ¥60.00 counts 3 times."
        " ¥12.40 was paid with gift cards and earns none. ¥2.00 of tax earns none."
        " Per day: at most 200 points a day, 120 points were earned before; 64 points not given."
    )


def test_award_tells_the_tier_that_it_was_multiplied_for(settle, customer, now):
    ProgramFactory()
    tier = TierFactory(name={"en": "Gold", "zh-hans": "金卡"}, threshold=50)
    MultiplierRuleFactory(name="Bonus", tier=tier)
    settle(basket(5000, customer=customer, now=now - DAY, receipt="R-0"), at=now - DAY)
    entry = settle(basket(1000, customer=customer, now=now)).entry
    assert explanations.explain(entry).endswith("1 point for every ¥1.00. Bonus (as Gold): ¥10.00 counts 2 times.")


def test_award_of_a_purchase_without_breakdown_tells_the_place(customer, now):
    purchase = PurchaseFactory(customer=customer, purchased_at=now, store=StoreFactory(name="Store X"))
    entry = award(customer, 1, now, f"purchase:{purchase.pk}")
    assert explanations.explain(entry) == "1 point for a purchase at Store X on May 20, 2026."


@pytest.mark.parametrize(
    ("reference", "reason", "words"),
    [
        ("survey-response:4", "", "10 points as a thank-you for answering a survey."),
        ("birthday:4", "Happy birthday", "10 points: Happy birthday"),
        ("purchase:999999", "", "10 points as a thank-you."),
        ("purchase:?", "", "10 points as a thank-you."),
    ],
)
def test_award_without_a_purchase_tells_its_reason(customer, now, reference, reason, words):
    given = {"customer": customer, "points": 10, "reference": reference, "reason": reason}
    entry = points.award(**given, by=actors.SYSTEM, at=now)
    assert explanations.explain(entry) == words


def test_redemption_tells_what_it_paid(settle, customer, now):
    award(customer, 1300, now, "before")
    entry = settle(basket(4200, customer=customer, now=now, points=1200)).redeemed_entry
    assert explanations.explain(entry) == "1,200 points paid ¥12.00 at Store X on May 20, 2026."


@pytest.mark.parametrize(("quantity", "what"), [(1, "A bag"), (3, "3 × A bag")])
def test_redemption_tells_the_reward_and_its_cancellation(customer, now, quantity, what):
    award(customer, 300, now)
    taken = request(customer, RewardFactory(name={"en": "A bag"}), now, quantity=quantity)
    cancel(taken, now)
    shown = [entry.explanation for entry in explanations.explained(PointsEntry.objects.order_by("seq"))[1:]]
    number = 100 * quantity
    assert shown == [f"{number} points for {what}.", f"{number} points given back: {what} was cancelled."]


def test_other_redemptions_tell_their_reason(customer, now):
    award(customer, 30, now)
    plain = redeem(customer, 10, now)
    spoken = points.redeem(
        customer=customer, points=20, reference="x", by=actors.SYSTEM, at=now, reason="Raffle ticket"
    )
    given_back = reimburse(plain, now)
    shown = [entry.explanation for entry in explanations.explained([plain, spoken, given_back])]
    assert shown == ["10 points spent.", "20 points: Raffle ticket", "10 points given back."]


def test_capture_tells_that_the_points_were_held(customer, now):
    award(customer, 30, now)
    entry = capture(hold(customer, 10, now), now)
    assert explanations.explain(entry) == "10 points spent, as they were held for you."


def test_reimbursement_tells_what_made_good_what_a_return_had_left(customer, now):
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    returned = award(customer, 100, now)
    spent = redeem(customer, 100, now)
    claw_back(returned, 60, now)
    parts = [reimburse(spent, now, number, f"part:{number}") for number in (50, 30, 20)]
    assert [entry.explanation for entry in explanations.explained(parts)] == [
        "Spending was undone; no points were given back."
        " 50 points made up for points that were forgiven when goods were returned.",
        "20 points given back. 10 points made up for points that were forgiven when goods were returned.",
        "20 points given back.",
    ]


def test_reimbursement_tells_how_long_lapsed_points_are_good(customer, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(customer, 30, now)
    entry = reimburse(redeem(customer, 10, now), now + 80 * DAY)
    assert explanations.explain(entry) == (
        "10 points given back. 10 points had lapsed meanwhile and can be spent for 30 more days."
    )


def test_claw_back_tells_what_was_not_taken(customer, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1, shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    returned = award(customer, 100, now)
    assert explanations.explain(claw_back(returned, 40, now)) == "40 points taken back because goods were returned."
    redeem(customer, 50, now)
    award(customer, 20, now + 80 * DAY, "later")
    assert explanations.explain(claw_back(returned, 60, now + 80 * DAY, "return:2")) == (
        "20 points taken back because goods were returned. 10 points lapsed before."
        " 30 points forgiven because already spent."
    )


def test_claw_back_of_nothing_tells_why(customer, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    entry = claw_back(award(customer, 100, now), 1, now + 80 * DAY)
    assert explanations.explain(entry) == "Goods were returned; no points were taken back. 1 point lapsed before."


def test_lapse_tells_the_last_day(customer, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1, timezone="America/New_York")
    award(customer, 1, now)
    points.expire(at=now + 80 * DAY, limit=10)
    entry = PointsEntry.objects.get(kind="EXPIRE")
    assert explanations.explain(entry) == "1 point lapsed at the end of June 30, 2026."


def test_adjustment_tells_the_reason(customer, now):
    entries = [adjust(customer, 30, now), adjust(customer, -10, now, "adjustment:2")]
    assert [entry.explanation for entry in explanations.explained(entries)] == [
        "30 points added by our team: forgotten receipt",
        "10 points taken off by our team: forgotten receipt",
    ]


@pytest.mark.parametrize("copies", [1, 3])
def test_explaining_many_takes_as_many_queries_as_one(settle, customer, now, copies, django_assert_num_queries):
    for number in range(copies):
        settle(basket(40_000, customer=customer, now=now, receipt=f"R-{number}", points=number))
        request(customer, RewardFactory(), now, f"web:{number}")
    entries = list(PointsEntry.objects.all())
    with django_assert_num_queries(3):
        explanations.explained(entries)


def test_explanation_is_in_the_active_language(customer, now):
    entry = adjust(customer, 30, now)
    english = explanations.explain(entry)
    with translation.override("zh-hans"):
        assert explanations.explain(entry) != english
