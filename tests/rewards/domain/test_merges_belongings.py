"""Coupons, rewards, surprises, tiers and adjustments of two who are one person."""

from datetime import timedelta

import pytest

from customers.models import CustomerMerge
from loyalty_site.lib import actors
from rewards.domain import adjustments, coupon_holds, coupon_redemptions, tiers
from rewards.models import (
    Arm,
    Coupon,
    OfferKind,
    Surprise,
    TierMembership,
)
from tests.factories.rewards import CouponFactory, ProgramFactory, RewardFactory, SurpriseRuleFactory, TierFactory
from tests.rewards.domain.merging import STAFF, merge, undo
from tests.rewards.domain.steps import (
    account,
    award,
    cancel,
    request,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def test_coupons_redemptions_and_surprises_go_over(old, kept, now):
    award(old, 100, now)
    coupon = CouponFactory(customer=old)
    taken = request(old, RewardFactory(cost_points=60), now)
    rule = SurpriseRuleFactory()
    for customer, occasion in ((old, "birthday:2026"), (kept, "birthday:2026"), (old, "purchase:1")):
        Surprise.objects.create(
            rule=rule, customer=customer, occasion=occasion, arm=Arm.HOLDOUT, happened_at=now, decided_at=now
        )
    record = merge(old, kept, now)
    assert (Coupon.objects.get().customer, type(taken).objects.get().customer) == (kept, kept)
    assert sorted(Surprise.objects.filter(customer=kept).values_list("occasion", flat=True)) == [
        "birthday:2026",
        "purchase:1",
    ]
    assert record.moved["rewards.Coupon"] == [coupon.pk]
    assert record.moved["rewards.RewardRedemption"] == [taken.pk]
    assert CustomerMerge.objects.get().moved == record.moved


def test_what_a_till_keeps_for_the_source_is_kept_for_the_target_and_back(old, kept, now):
    coupon = CouponFactory(customer=old, offer__kind=OfferKind.GIFT, offer__amount_minor=None)
    by = {"by": actors.till(1), "at": now}
    held = coupon_holds.hold(coupon=coupon, customer=old, ttl=DAY, **by)
    undo(merge(old, kept, now), now)
    held.refresh_from_db()
    assert held.customer == old
    merge(old, kept, now)
    coupon_redemptions.redeem(coupon=Coupon.objects.get(), customer=kept, by=actors.till(2), at=now)
    held.refresh_from_db()
    assert (held.customer, held.captured_at) == (kept, now)


def test_a_reward_of_the_source_is_cancelled_for_the_target(old, kept, now):
    award(old, 100, now)
    taken = request(old, RewardFactory(cost_points=60), now)
    merge(old, kept, now)
    cancel(taken, now)
    assert account(kept)[:2] == (100, 0)


@pytest.fixture
def tiers_of():
    silver, gold = (TierFactory(rank=rank, threshold=100 * rank) for rank in (1, 2))

    def tiers_of(*people):
        held = dict(TierMembership.objects.values_list("customer", "tier"))
        names = {silver.pk: "silver", gold.pk: "gold", None: None}
        return [names[held.get(customer.pk)] for customer in people]

    return tiers_of


def reach(customer, number, at):
    award(customer, number, at, f"purchase:{customer.pk}{number}")
    tiers.reassess(customer=customer, by=STAFF, at=at)


@pytest.mark.parametrize(
    ("source", "target", "merged"),
    [(200, 100, "gold"), (100, 200, "gold"), (100, 100, "gold"), (100, 10, "silver"), (60, 60, "silver")],
)
def test_the_higher_tier_stays_and_both_count_together(old, kept, now, tiers_of, source, target, merged):
    reach(old, source, now)
    reach(kept, target, now)
    before = tiers_of(old, kept)
    dates = list(TierMembership.objects.order_by("pk").values())
    record = merge(old, kept, now)
    assert tiers_of(kept) == [merged]
    undo(record, now)
    assert tiers_of(old, kept) == before
    assert list(TierMembership.objects.order_by("pk").values()) == dates


def test_a_tier_reached_since_stays(old, kept, now, tiers_of):
    reach(old, 100, now)
    record = merge(old, kept, now)
    reach(kept, 150, now)
    undo(record, now)
    assert tiers_of(old, kept) == ["silver", "gold"]


def test_an_adjustment_that_waits_goes_over(old, kept, now):
    ProgramFactory(adjustment_threshold=10)
    waiting = adjustments.ask(
        customer=old, points_wanted=50, reason="forgotten", reference="adjustment:1", by=actors.user(8), at=now
    )
    merge(old, kept, now)
    waiting.refresh_from_db()
    assert adjustments.approve(adjustment=waiting, by=STAFF, at=now).customer_id == kept.pk
