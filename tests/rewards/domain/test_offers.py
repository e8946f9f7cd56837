from datetime import time, timedelta

import pytest
from django.db import IntegrityError

from customers.models import AuditEvent
from loyalty_site.lib import statements
from loyalty_site.lib.actors import user
from rewards.domain import offers
from rewards.models import Offer, OfferKind
from tests.factories.customers import CustomerFactory, ProductFactory, StoreFactory
from tests.factories.rewards import CouponFactory, OfferFactory
from tests.races import at_once
from tests.rewards.domain.baskets import basket

DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


def test_publish_makes_live_once(now):
    offer = OfferFactory(published_at=None)
    offers.publish(offer=offer, by=user(7), at=now)
    offers.publish(offer=offer, by=user(7), at=now + DAY)
    assert (offer.published_at, AuditEvent.objects.get().action) == (now, "offer.published")


def test_gift_whose_cost_nobody_said_is_not_published(now):
    gift = OfferFactory(kind=OfferKind.GIFT, amount_minor=None, published_at=now)
    offers.publish(offer=gift, by=user(7), at=now)  # from before there was a cost
    draft = offers.copy(offer=gift, by=user(7), at=now)
    with pytest.raises(offers.OfferCostMissing):
        offers.publish(offer=draft, by=user(7), at=now)
    draft.refresh_from_db()
    assert draft.published_at is None
    Offer.objects.filter(pk=draft.pk).update(cost_minor=300)
    offers.publish(offer=draft, by=user(7), at=now)
    assert draft.published_at == now


def test_withdraw_ends_for_good(now):
    offer = OfferFactory()
    offers.withdraw(offer=offer, by=user(7), at=now)
    offers.withdraw(offer=offer, by=user(7), at=now + DAY)
    assert (offer.withdrawn_at, AuditEvent.objects.get().action) == (now, "offer.withdrawn")
    with pytest.raises(offers.OfferWithdrawn):
        offers.publish(offer=offer, by=user(7), at=now)


def test_copy_says_the_same_and_was_never_used(now):
    offer = OfferFactory(
        redeemed_count=7, redeemed_minor=3500, withdrawn_at=now, weekdays=[1], customer_max=2, valid_to=now + 9 * DAY
    )
    offer.products.set([ProductFactory()])
    offer.stores.set([StoreFactory(), StoreFactory()])
    draft = offers.copy(offer=offer, by=user(7), at=now)
    draft.refresh_from_db()
    unlike = {
        field.name
        for field in Offer._meta.concrete_fields
        if getattr(draft, field.attname) != getattr(offer, field.attname)
    }
    assert unlike == {"id", "published_at", "withdrawn_at", "redeemed_count", "redeemed_minor", "valid_from"}
    assert (draft.published_at, draft.redeemed_count, draft.redeemed_minor, draft.valid_from) == (None, 0, 0, now)
    assert set(draft.products.all()) == set(offer.products.all())
    assert set(draft.stores.all()) == set(offer.stores.all())
    assert AuditEvent.objects.get().action == "offer.copied"


def test_copy_of_what_is_over_has_no_end(now):
    offer = OfferFactory(valid_to=now - DAY)
    draft = offers.copy(offer=offer, by=user(7), at=now)
    assert (draft.valid_from, draft.valid_to) == (now, None)


def test_limits_go_up_and_down_to_what_was_used(now):
    offer = OfferFactory(redemptions_max=10, budget_minor=9000, redeemed_count=3, redeemed_minor=1500)
    limits = {"redemptions_max": 3, "budget_minor": None, "customer_max": 2}
    offers.change_limits(offer=offer, by=user(7), at=now, **limits)
    assert (offer.redemptions_max, offer.budget_minor, offer.customer_max) == (3, None, 2)
    assert AuditEvent.objects.get().data == limits
    offers.change_limits(offer=offer, by=user(7), at=now, **limits)
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("limits", [{"redemptions_max": 2}, {"budget_minor": 1499}])
def test_limit_is_never_below_what_was_used(now, limits):
    offer = OfferFactory(redeemed_count=3, redeemed_minor=1500)
    with pytest.raises(offers.LimitBelowUsed):
        offers.change_limits(offer=offer, by=user(7), at=now, **limits)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("limits", "is_refused"),
    [
        ({"customer_max": 2}, True),
        ({"customer_max": 3}, False),
        ({"period_max": 3}, True),
        ({"period_max": 4}, False),
        ({"customer_period_max": 1}, True),
        ({"customer_period_max": 2}, False),
    ],
)
def test_limits_of_customers_and_periods_stay_above_what_counts_now(settle, now, limits, is_refused):
    """One customer came three times, once of these before this month, another twice this month."""
    offer = OfferFactory(period="MONTH", period_max=9, customer_period_max=5, customer_max=9)
    mia, leo = CustomerFactory(), CustomerFactory()
    for number, (customer, days) in enumerate([(mia, 30), (mia, 1), (mia, 0), (leo, 2), (leo, 1)]):
        code = CouponFactory(offer=offer).code
        told = basket(4000, customer=customer, now=now - days * DAY, receipt=f"R-{number}", coupons=[code])
        settle(told)
    if is_refused:
        with pytest.raises(offers.LimitBelowUsed):
            offers.change_limits(offer=offer, by=user(7), at=now, **limits)
    else:
        offers.change_limits(offer=offer, by=user(7), at=now, **limits)


def test_limits_of_a_draft_are_changed_with_the_rest(now):
    with pytest.raises(offers.OfferNotPublished):
        offers.change_limits(offer=OfferFactory(published_at=None), by=user(7), at=now, redemptions_max=2)


def test_withdraw_of_a_draft_is_refused(now):
    with pytest.raises(offers.OfferNotLive):
        offers.withdraw(offer=OfferFactory(published_at=None), by=user(7), at=now)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"amount_minor": None}, "offer_has_what_its_kind_needs"),
        ({"amount_minor": 0}, "offer_has_what_its_kind_needs"),
        ({"percent": 5}, "offer_has_what_its_kind_needs"),
        ({"discount_max_minor": 5}, "offer_has_what_its_kind_needs"),
        ({"kind": "PERCENT", "amount_minor": None}, "offer_has_what_its_kind_needs"),
        ({"kind": "PERCENT", "amount_minor": None, "percent": 0}, "offer_has_what_its_kind_needs"),
        ({"kind": "PERCENT", "amount_minor": None, "percent": 101}, "offer_has_what_its_kind_needs"),
        ({"kind": "FREE_PRODUCT", "amount_minor": None}, "offer_has_what_its_kind_needs"),
        ({"kind": "GIFT"}, "offer_has_what_its_kind_needs"),
        ({"cost_minor": 500}, "offer_has_what_its_kind_needs"),
        ({"kind": "GIFT", "amount_minor": None, "cost_minor": 0}, "offer_gift_costs_something"),
        ({"kind": "MULTIPLIER", "amount_minor": None}, "offer_has_what_its_kind_needs"),
        ({"kind": "MULTIPLIER", "amount_minor": None, "points_multiplier": 1}, "offer_multiplies_within_reason"),
        ({"kind": "MULTIPLIER", "amount_minor": None, "points_multiplier": 11}, "offer_multiplies_within_reason"),
        ({"weekdays": [8]}, "offer_weekdays_are_known"),
        ({"time_from": time(8)}, "offer_hours_are_a_stretch"),
        ({"time_from": time(8), "time_to": time(8)}, "offer_hours_are_a_stretch"),
        ({"period": "HOUR", "period_max": 1}, "offer_period_is_known"),
        ({"period": "DAY"}, "offer_period_comes_with_its_limits"),
        ({"customer_period_max": 1}, "offer_period_comes_with_its_limits"),
        ({"customer_max": 0}, "offer_limits_leave_one"),
        ({"code_max": 0}, "offer_limits_leave_one"),
        ({"period": "DAY", "period_max": 0}, "offer_limits_leave_one"),
        ({"period": "DAY", "customer_period_max": 0}, "offer_limits_leave_one"),
    ],
)
def test_the_database_refuses_an_offer_that_says_nothing_or_too_much(values, constraint):
    with pytest.raises(IntegrityError, match=constraint):
        OfferFactory(**values)


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        (lambda now: {"published_at": None}, offers.OfferNotLive),
        (lambda now: {"published_at": now + DAY}, offers.OfferNotLive),
        (lambda now: {"valid_from": now + DAY}, offers.OfferNotLive),
        (lambda now: {"valid_to": now}, offers.OfferNotLive),
        (lambda now: {"withdrawn_at": now}, offers.OfferWithdrawn),
    ],
)
def test_offer_that_is_not_live_is_refused(now, values, refusal):
    with pytest.raises(refusal):
        offers.refuse_unless_live(offer=OfferFactory.build(**values(now)), at=now)


def test_offer_is_live_within_its_window(now):
    offers.refuse_unless_live(offer=OfferFactory.build(valid_to=now + DAY, withdrawn_at=now + DAY), at=now)


def count(offer, redemptions=1, discount_minor=500):
    """The word of the refusal; None when it is counted."""
    values = (offer.pk, redemptions, discount_minor)
    return statements.rows("SELECT refusal FROM offers_count(%s, NULL, now(), %s, %s)", values)[0][0]


def test_limit_and_budget_hold_to_the_last_unit():
    offer = OfferFactory(redemptions_max=3, budget_minor=1200)
    assert count(offer, redemptions=2, discount_minor=700) is None
    assert count(offer, redemptions=2, discount_minor=1) == "offer_limit_reached"
    assert count(offer, redemptions=1, discount_minor=501) == "offer_budget_spent"
    assert count(offer, redemptions=1, discount_minor=500) is None
    offer.refresh_from_db()
    assert (offer.redeemed_count, offer.redeemed_minor) == (3, 1200)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bounds", [{"redemptions_max": 5}, {"budget_minor": 2999}])
def test_limit_and_budget_hold_under_a_storm(bounds):
    offer = OfferFactory(**bounds)
    results = at_once(*[lambda: count(offer)] * 12)
    assert results.count(None) == 5
    assert Offer.objects.values_list("redeemed_count", "redeemed_minor").get() == (5, 2500)
