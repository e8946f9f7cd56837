"""The present rules, replayed over what a year really holds, are the ledger to the point."""

from decimal import Decimal

import pytest

from rewards.domain.simulation import Draft, run
from rewards.models import ExpiryPolicy, OfferKind, ShortfallPolicy
from tests.factories.rewards import (
    CapRuleFactory,
    CouponFactory,
    MultiplierRuleFactory,
    OfferFactory,
    TierFactory,
)
from tests.rewards.domain.simulation.stories import Story, program, unlike
from tests.rewards.domain.steps import adjust, award, capture, hold, redeem, reimburse

pytestmark = pytest.mark.django_db(transaction=True)


def test_points_that_coupons_multiplied_are_multiplied_again(now):
    program()
    story = Story(now)
    MultiplierRuleFactory(valid_from=story.begin, multiplier="1.5")
    offer = OfferFactory(
        kind=OfferKind.MULTIPLIER,
        amount_minor=None,
        points_multiplier="2.5",
        valid_from=story.begin,
        published_at=story.begin,
    )
    codes = [CouponFactory(offer=offer, issued_at=story.begin).code for _ in range(3)]
    bought = [
        story.buy(day, amount, coupons=[code])
        for (day, amount), code in zip([(1, 10_010), (30, 777), (120, 5000)], codes, strict=True)
    ]
    story.buy(130, 1000)
    story.bring_back(bought[0], 40, 5000)
    story.bring_back(bought[2], 140, 333)
    assert unlike(now, story, (0, 20, 50, 100, 290)) == []


def test_spending_undone_goes_back_to_its_lots(now):
    program()
    story = Story(now)
    story.buy(1, 10_000)
    story.buy(50, 5000)
    spent = redeem(story.customer, 120, story.at(55))
    reimburse(spent, story.at(57), 60, "first")
    reimburse(spent, story.at(250), reference="second")
    story.buy(260, 900)
    assert unlike(now, story, (0, 30, 56, 100)) == []


@pytest.mark.parametrize("shortfall", ShortfallPolicy)
def test_returns_of_what_is_spent(now, shortfall):
    program(shortfall_policy=shortfall)
    story = Story(now)
    bought = story.buy(1, 10_000)
    spent = redeem(story.customer, 90, story.at(10))
    story.bring_back(bought, 12, 9000)
    story.buy(20, 3000)
    reimburse(spent, story.at(30))
    story.buy(280, 1500)
    assert unlike(now, story, (0, 11, 15, 25, 100)) == []


def test_points_that_paid_and_holds(now):
    program()
    story = Story(now)
    story.buy(1, 10_000)
    paid = story.buy(5, 2000, points=50)
    story.bring_back(paid, 8, 500)
    kept = hold(story.customer, 20, story.at(12))
    capture(kept, story.at(12))
    story.buy(295, 1000)
    hold(story.customer, 5, now, reference="open")
    assert unlike(now, story, (0, 3, 10, 100)) == []


def test_lapses_booked_long_after_and_awards_of_surveys(now):
    program()
    story = Story(now)
    award(story.customer, 40, story.at(1), "survey:1")
    story.buy(2, 10_000)
    story.expire(120)
    award(story.customer, 25, story.at(130), "survey:2")
    adjust(story.customer, -10, story.at(131))
    story.buy(135, 1000)
    assert unlike(now, story) == []


def test_return_after_the_lapse(now):
    program()
    story = Story(now)
    bought = story.buy(1, 10_000)
    story.buy(90, 3000)
    story.expire(110)
    story.bring_back(bought, 120, 4000)
    assert unlike(now, story, (0, 100, 115, 130)) == []


def test_tiers_caps_and_waiting(now):
    program(pending_days=7)
    story = Story(now)
    gold = TierFactory(code="gold", rank=1, threshold=150)
    MultiplierRuleFactory(tier=gold, multiplier=Decimal("1.5"), valid_from=story.begin)
    CapRuleFactory(points=120, cap_period="MONTH", valid_from=story.begin)
    first = story.buy(1, 10_000)
    story.buy(3, 4000)
    story.buy(45, 9000)
    story.buy(80, 6100)
    story.bring_back(first, 85, 5000)
    story.buy(86, 9900)
    story.buy(294, 3300)
    assert unlike(now, story, (0, 2, 60, 82, 290)) == []


@pytest.mark.parametrize(
    "terms",
    [
        {"expiry_policy": ExpiryPolicy.INACTIVITY},
        {"expiry_policy": ExpiryPolicy.FIXED, "expiry_months": 1, "expiry_days": "03-31, 09-30"},
    ],
)
def test_other_terms_of_lapse(now, terms):
    program(**terms)
    story = Story(now)
    story.buy(1, 10_000)
    story.buy(50, 2000)
    spent = redeem(story.customer, 15, story.at(60))
    story.expire(200)
    story.buy(210, 700)
    reimburse(spent, story.at(212))
    assert unlike(now, story, (0, 60, 100, 220)) == []


def test_returns_of_what_was_renewed_and_lapsed_again(now):
    """Since before it was spent, given back, lapsed again, taken back in part."""
    program()
    story = Story(now)
    bought = story.buy(1, 10_000)
    other = story.buy(2, 3000)
    spent = redeem(story.customer, 110, story.at(10))
    reimburse(spent, story.at(100))
    story.bring_back(other, 105, 1000)
    redeem(story.customer, 5, story.at(110), "later")
    story.expire(132)
    story.buy(140, 5000)
    story.bring_back(bought, 145, 5000)
    story.bring_back(bought, 150, 4000)
    story.bring_back(other, 155, 2000)
    assert unlike(now, story, (0, 50, 102, 107, 135, 147, 152)) == []


def test_grace_is_not_put_off_by_activities(now):
    program(expiry_policy=ExpiryPolicy.INACTIVITY)
    story = Story(now)
    story.buy(1, 10_000)
    spent = redeem(story.customer, 60, story.at(10))
    reimburse(spent, story.at(200))
    story.buy(225, 700)
    assert unlike(now, story, (0, 50, 205)) == []


def test_return_of_what_was_bought_before_frees_room_under_a_cap(now):
    program()
    story = Story(now)
    CapRuleFactory(points=100, cap_period="YEAR", valid_from=story.begin)
    bought = story.buy(240, 9000)
    story.bring_back(bought, 250, 5000)
    story.buy(252, 8000)
    assert unlike(now, story, (0, 245, 251)) == []
    assert run(draft=Draft(), since=story.at(245), at=now).would_be.awarded == 60
