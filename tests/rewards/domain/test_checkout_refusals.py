"""What refuses a purchase as a whole: nothing of it is booked."""

from datetime import timedelta

import pytest
from django.db import DatabaseError

from rewards.domain import checkout, coupon_redemptions, coupons, offers, points, surprises
from rewards.models import CouponState
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import (
    CouponFactory,
    OfferFactory,
)
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import award

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def refused(told, settle, rows, refusal):
    before = rows()
    with pytest.raises(refusal) as found:
        settle(told)
    assert rows() == before
    return found.value


@pytest.mark.parametrize(
    ("offer", "coupon", "refusal"),
    [
        ({}, {"state": CouponState.VOID}, coupons.CouponVoid),
        ({}, {"expires_at": DAY}, coupons.CouponExpired),
        ({"published_at": None}, {}, offers.OfferNotLive),
        ({"withdrawn_at": DAY}, {}, offers.OfferWithdrawn),
        ({"min_spend_minor": 4001}, {}, offers.MinSpendNotReached),
        ({"redemptions_max": 0}, {}, offers.OfferLimitReached),
        ({"budget_minor": 499}, {}, offers.OfferBudgetSpent),
        ({"currency": "EUR"}, {}, coupons.CouponOtherCurrency),
    ],
)
def test_coupon_that_is_no_good_refuses_the_whole(settle, customer, now, offer, coupon, refusal, rows):
    """DAY stands for a moment a day ago."""
    values = [{k: now - DAY if v is DAY else v for k, v in part.items()} for part in (offer, coupon)]
    made = CouponFactory(offer=OfferFactory(**values[0]), **values[1])
    told = basket(4000, customer=customer, now=now, coupons=[made.code])
    assert refused(told, settle, rows, refusal).code == refusal.code


def test_strange_and_foreign_and_used_coupons_refuse_the_whole(settle, customer, now, rows):
    foreign, used = CouponFactory(customer=CustomerFactory()), CouponFactory()
    settle(basket(4000, customer=customer, now=now, coupons=[used.code]))
    for code, refusal in [
        (foreign.code, coupons.CouponNotYours),
        (used.code, coupons.CouponAlreadyRedeemed),
        ("MOON", coupons.CouponMistyped),
    ]:
        told = basket(4000, customer=customer, now=now, receipt="R-2", coupons=[code])
        refused(told, settle, rows, refusal)


def test_coupon_issued_after_the_purchase_that_a_till_dates_back_refuses_the_whole(settle, customer, now, rows):
    coupon = CouponFactory(customer=customer, issued_at=now)
    early = now - checkout.CLOCK_TOLERANCE - timedelta(seconds=1)
    told = basket(4000, customer=customer, now=early, coupons=[coupon.code])
    assert refused(told, settle, rows, coupons.CouponNotYetIssued).code == "coupon_not_yet_issued"


def test_coupons_that_do_not_combine_refuse_the_whole(settle, customer, now, rows):
    pair = [CouponFactory().code, CouponFactory(offer=OfferFactory(is_stackable=True)).code]
    told = basket(4000, customer=customer, now=now, coupons=pair)
    refused(told, settle, rows, coupons.CouponsNotCombinable)


def test_points_that_are_not_there_refuse_the_whole(settle, customer, now, rows):
    award(customer, 99, now, "before")
    coupon = CouponFactory()
    told = basket(4000, customer=customer, now=now, coupons=[coupon.code], points=100)
    refusal = refused(told, settle, rows, points.InsufficientPoints)
    assert refusal.details == {"points": 100, "available": 99}


def test_points_just_earned_cannot_pay_for_the_same_purchase(settle, customer, now, rows):
    told = basket(400_000, customer=customer, now=now, points=1)
    refused(told, settle, rows, points.InsufficientPoints)


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"points": 3501}, checkout.PointsExceedAmount),
        ({"points": 1, "customer": None}, checkout.PointsWithoutCustomer),
        ({"points": 1, "currency": "EUR", "coupons": ()}, checkout.PointsOtherCurrency),
    ],
)
def test_points_that_cannot_pay_refuse_the_whole(settle, customer, now, values, refusal, rows):
    award(customer, 9999, now, "before")
    coupon = CouponFactory()  # 5.00 off
    told = basket(4000, **{"customer": customer, "now": now, "coupons": [coupon.code], **values})
    refused(told, settle, rows, refusal)


def test_points_may_pay_all_that_is_left(settle, customer, now):
    award(customer, 9999, now, "before")
    settled = settle(basket(4000, customer=customer, now=now, points=4000))
    assert (settled.purchase.paid_minor, settled.entry, settled.redeemed_entry.points) == (0, None, -4000)


def test_negative_points_are_a_programming_error(settle, customer, now):
    with pytest.raises(ValueError, match="negative"):
        settle(basket(4000, customer=customer, now=now, points=-1))


def test_purchase_dated_in_the_future_is_refused(settle, customer, now, rows):
    told = basket(4000, customer=customer, now=now + checkout.CLOCK_TOLERANCE + timedelta(seconds=1))
    refused(told, settle, rows, checkout.PurchasedInFuture)
    assert settle(basket(4000, customer=customer, now=now + checkout.CLOCK_TOLERANCE)).created


@pytest.mark.parametrize("place", [(coupon_redemptions, "claimed"), (surprises, "after_purchase"), (points, "summary")])
def test_killed_between_two_lines_leaves_nothing(settle, customer, now, monkeypatch, place, rows):
    award(customer, 300, now, "before")
    told = basket(4000, customer=customer, now=now, coupons=[CouponFactory().code], points=100)

    def die(**kwargs):
        raise DatabaseError("server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(*place, die)
        refused(told, settle, rows, DatabaseError)
    assert settle(told).created
