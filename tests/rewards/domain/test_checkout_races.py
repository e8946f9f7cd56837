"""Tills at the same moment."""

from datetime import timedelta

import pytest

from customers.models import Purchase
from rewards.domain import offers, points
from rewards.domain.checkout import facts
from rewards.models import Coupon, CouponState, Offer, Surprise
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import (
    CouponFactory,
    MultiplierRuleFactory,
    OfferFactory,
    ProgramFactory,
    SurpriseRuleFactory,
    TierFactory,
)
from tests.races import at_once
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import account, award

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books_balance")]


def names(results):
    return sorted({type(result).__name__ for result in results})


def test_sixteen_tellings_of_one_receipt_book_once(settle, customer, now):
    award(customer, 300, now, "before")
    SurpriseRuleFactory(threshold_minor=1)
    coupon = CouponFactory(customer=customer)
    told = basket(4000, 3000, customer=customer, now=now, coupons=[coupon.code], points=100)
    results = at_once(*[lambda: settle(told)] * 16)
    assert names(results) == ["Settlement"]
    assert [result.created for result in results].count(True) == 1
    assert {(result.purchase.pk, result.entry.pk, result.coupons, result.surprises) for result in results} == {
        (Purchase.objects.get().pk, results[0].entry.pk, (coupon.redemptions.get(),), (Surprise.objects.get(),))
    }
    assert account(customer) == (300 - 100 + 64, 0, 3)


def test_one_coupon_at_many_tills_is_good_for_one_purchase(settle, now):
    for number in range(3):
        coupon = CouponFactory()
        baskets = [
            basket(4000, customer=CustomerFactory(), now=now, receipt=f"R-{number}-{n}", coupons=[coupon.code])
            for n in range(12)
        ]
        results = at_once(*[lambda told=told: settle(told) for told in baskets])
        assert names(results) == ["CouponAlreadyRedeemed", "Settlement"]
        assert Purchase.objects.filter(discount_minor__gt=0).count() == number + 1
    assert Purchase.objects.count() == 3


def test_last_points_pay_for_one_purchase(settle, customer, now):
    award(customer, 100, now, "before")
    baskets = [basket(90, customer=customer, now=now, receipt=f"R-{n}", points=60) for n in range(8)]
    results = at_once(*[lambda told=told: settle(told) for told in baskets])
    assert [type(result) for result in results].count(points.InsufficientPoints) == 7
    assert account(customer) == (40, 0, 2)


def test_limit_of_an_offer_holds_under_a_storm_of_purchases(settle, now):
    offer = OfferFactory(redemptions_max=4)
    baskets = [
        basket(4000, customer=CustomerFactory(), now=now, receipt=f"R-{n}", coupons=[CouponFactory(offer=offer).code])
        for n in range(12)
    ]
    results = at_once(*[lambda told=told: settle(told) for told in baskets])
    assert [type(result) for result in results].count(offers.OfferLimitReached) == 8
    assert Coupon.objects.filter(state=CouponState.REDEEMED).count() == Purchase.objects.count() == 4
    assert Offer.objects.values_list("redeemed_count", "redeemed_minor").get() == (4, 2000)


def test_cooldown_holds_at_two_tills_even_when_nothing_is_earned(settle, now):
    SurpriseRuleFactory(threshold_minor=1, offer=OfferFactory(currency="EUR"))
    for number in range(5):
        customer = CustomerFactory()
        baskets = [
            basket(4000, customer=customer, now=now, receipt=f"R-{number}-{n}", currency="EUR") for n in range(4)
        ]
        assert names(at_once(*[lambda told=told: settle(told) for told in baskets])) == ["Settlement"]
        assert Surprise.objects.filter(customer=customer).count() == 1


def test_limit_of_a_surprise_holds_under_a_storm(settle, now):
    rule = SurpriseRuleFactory(threshold_minor=1, issued_max=3)
    baskets = [basket(4000, customer=CustomerFactory(), now=now, receipt=f"R-{n}") for n in range(10)]
    assert names(at_once(*[lambda told=told: settle(told) for told in baskets])) == ["Settlement"]
    rule.refresh_from_db()
    assert (rule.given_count, Surprise.objects.count(), Coupon.objects.count()) == (3, 3, 3)


def test_tills_that_share_customers_coupons_and_offers_never_deadlock(settle, now):
    """Pairs of stackable coupons in opposite orders, few customers, few offers, a surprise: all in each other's way."""
    SurpriseRuleFactory(threshold_minor=1, offer=OfferFactory())
    stackable = [OfferFactory(is_stackable=True) for _ in range(2)]
    customers = CustomerFactory.create_batch(3)
    for customer in customers:
        award(customer, 1000, now, "before")
    for round_number in range(6):
        made = [CouponFactory(offer=offer).code for offer in stackable]
        baskets = [
            basket(
                4000,
                customer=customers[n % 3],
                now=now + timedelta(seconds=round_number),
                receipt=f"R-{round_number}-{n}",
                coupons=made if n % 2 else reversed(made),
                points=n,
            )
            for n in range(8)
        ]
        results = at_once(*[lambda told=told: settle(told) for told in baskets])
        assert names(results) == ["CouponAlreadyRedeemed", "Settlement"]
    assert Purchase.objects.count() == 6


def test_coupon_used_by_another_telling_of_the_same_receipt_is_no_refusal(settle, customer, now, monkeypatch):
    """The other till books this receipt after we looked for it and at its coupon."""
    coupon = CouponFactory(customer=customer)
    told = basket(4000, customer=customer, now=now, coupons=[coupon.code])
    read, others = facts.read, []

    def read_early(**values):
        found = read(**values)
        if not others:
            others.append(None)
            others.extend(at_once(lambda: settle(told)))
        return found

    monkeypatch.setattr(facts, "read", read_early)
    settled = settle(told)
    assert (others[1].created, settled.created) == (True, False)
    assert settled.purchase == others[1].purchase


def test_purchase_earns_by_the_tier_that_another_till_is_just_giving(settle, customer, now):
    """Whoever of the two comes second finds the tier reached; its purchase is not dated before that."""
    ProgramFactory()
    MultiplierRuleFactory(tier=TierFactory(threshold=50))
    for n in range(10):
        buyer = CustomerFactory()
        baskets = [basket(5000, customer=buyer, now=now, receipt=f"R-{n}-{till}") for till in range(2)]
        results = at_once(*[lambda told=told: settle(told) for told in baskets])
        assert sorted(result.entry.points for result in results) == [50, 100]
