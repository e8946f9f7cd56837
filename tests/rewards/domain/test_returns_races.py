"""Returns at the same moment as other returns, sales, redemptions and lapses."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from customers.domain.purchases import LineIn
from customers.models import PurchaseReturn
from rewards.domain import points
from rewards.models import Coupon, CouponState, ExpiryPolicy, Offer, PointsAccount, PointsEntry
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory, SurpriseRuleFactory
from tests.races import at_once
from tests.rewards.domain.baskets import back, basket
from tests.rewards.domain.steps import account, award, redeem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def names(results):
    return sorted({type(result).__name__ for result in results})


def test_tills_that_take_the_same_line_back_do_it_once(settle, take_back, customer, now):
    coupon = CouponFactory(customer=customer)
    purchase = settle(basket(4000, customer=customer, now=now, coupons=[coupon.code])).purchase
    calls = [lambda n=n: take_back(purchase, back(1, 4000, now=now, number=f"B-{n}")) for n in range(8)]
    results = at_once(*calls)
    assert names(results) == ["ReturnExceedsPurchase", "TakenBack"]
    assert (PurchaseReturn.objects.count(), account(customer)) == (1, (0, 0, 2))
    assert Offer.objects.values_list("redeemed_count", "redeemed_minor").get() == (0, 0)


def test_one_return_told_many_times_is_booked_once(settle, take_back, customer, now):
    purchase = settle(basket(4000, customer=customer, now=now)).purchase
    results = at_once(*[lambda: take_back(purchase, back(1, 4000, now=now))] * 8)
    assert names(results) == ["TakenBack"]
    assert [result.created for result in results].count(True) == 1
    assert len({(result.purchase_return.pk, result.clawed_back.pk) for result in results}) == 1
    assert account(customer) == (0, 0, 2)


def test_one_number_for_two_purchases_is_given_once(settle, take_back, now):
    """Neither waits for what the other has locked."""
    for number in range(4):
        told = [basket(4000, customer=CustomerFactory(), now=now, receipt=f"R-{number}-{n}") for n in range(2)]
        bought = [settle(one).purchase for one in told]
        same = back(1, 4000, now=now, number=f"B-{number}")
        results = at_once(*[lambda p=p, same=same: take_back(p, same) for p in bought])
        assert names(results) == ["ReturnConflict", "TakenBack"]


def test_pieces_brought_back_at_once_leave_exactly_nothing(settle, take_back, customer, now):
    goods = LineIn("1", "Rice", "FOOD", Decimal(12), 1199)
    purchase = settle(replace(basket(customer=customer, now=now), lines=[goods])).purchase
    amounts = [100] * 11 + [99]
    calls = [lambda n=n: take_back(purchase, back(1, amounts[n], now=now, number=f"B-{n}")) for n in range(12)]
    assert names(at_once(*calls)) == ["TakenBack"]
    entries = PointsEntry.objects.filter(corrects__isnull=False)
    assert (account(customer)[0], sum(entry.points for entry in entries)) == (0, -11)


def test_last_piece_brought_back_at_two_tills_gives_the_coupon_back_once(settle, take_back, now):
    offer = OfferFactory(budget_minor=100_000, redemptions_max=50)
    for number in range(6):
        coupon = CouponFactory(offer=offer)
        told = basket(4000, 3000, customer=CustomerFactory(), now=now, receipt=f"R-{number}", coupons=[coupon.code])
        purchase = settle(told).purchase
        results = at_once(
            lambda p=purchase, n=number: take_back(p, back(1, 4000, now=now, number=f"B-{n}-1")),
            lambda p=purchase, n=number: take_back(p, back(2, 3000, now=now, number=f"B-{n}-2")),
        )
        assert names(results) == ["TakenBack"]
        assert sorted(len(result.coupons) for result in results) == [0, 1]
    assert Offer.objects.values_list("redeemed_count", "redeemed_minor").get() == (0, 0)


def test_budget_is_right_when_coupons_come_back_while_others_are_redeemed(settle, take_back, now):
    """Room for four; four used ones come back while eight are shown. Whoever finds no room is refused."""
    offer = OfferFactory(redemptions_max=4, budget_minor=2000)

    def bought(number):
        coupon = CouponFactory(offer=offer)
        return basket(4000, customer=CustomerFactory(), now=now, receipt=f"R-{number}", coupons=[coupon.code])

    first = [settle(bought(number)).purchase for number in range(4)]
    later = [bought(number) for number in range(4, 12)]
    returns = [lambda n=n, p=p: take_back(p, back(1, 4000, now=now, number=f"B-{n}")) for n, p in enumerate(first)]
    results = at_once(*returns, *[lambda told=told: settle(told) for told in later])
    assert set(names(results[:4])) == {"TakenBack"}
    assert set(names(results[4:])) <= {"Settlement", "OfferLimitReached", "OfferBudgetSpent"}
    used = sum(type(result).__name__ == "Settlement" for result in results[4:])
    assert Coupon.objects.filter(state=CouponState.REDEEMED).count() == used <= 4
    assert Offer.objects.values_list("redeemed_count", "redeemed_minor").get() == (used, used * 500)


def test_surprise_is_either_used_or_void_when_its_cause_comes_back(settle, take_back, now):
    SurpriseRuleFactory(threshold_minor=3000)
    for number in range(8):
        customer = CustomerFactory()
        cause = settle(basket(4000, customer=customer, now=now, receipt=f"R-{number}"))
        coupon = cause.surprises[0].coupon
        told = basket(3000, customer=customer, now=now, receipt=f"R-{number}-2", coupons=[coupon.code])
        returned, used = at_once(
            lambda p=cause.purchase, n=number: take_back(p, back(1, 4000, now=now, number=f"B-{n}")),
            lambda told=told: settle(told),
        )
        state = Coupon.objects.get(pk=coupon.pk).state
        assert type(returned).__name__ == "TakenBack"
        assert (type(used).__name__, state) in [("Settlement", "REDEEMED"), ("CouponVoid", "VOID")]


def test_return_against_redemption_against_lapse_on_one_customer(settle, take_back, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    later = now + 90 * DAY
    for number in range(6):
        customer = CustomerFactory()
        award(customer, 200, now, "lapses")
        told = basket(10_000, customer=customer, now=later, receipt=f"R-{number}")
        purchase = settle(told, at=later).purchase
        results = at_once(
            lambda c=customer: redeem(c, 60, later, "a"),
            lambda c=customer: redeem(c, 60, later, "b"),
            lambda p=purchase, n=number: take_back(p, back(1, 10_000, now=later, number=f"B-{n}"), at=later),
            lambda: points.expire(at=later, limit=100),
            lambda told=told: settle(told, at=later),
        )
        assert set(names(results)) <= {"PointsEntry", "InsufficientPoints", "TakenBack", "int", "Settlement"}
        spent = 60 * sum(type(result).__name__ == "PointsEntry" for result in results)
        assert results[4].created is False
        points.expire(at=later, limit=100)
        assert PointsAccount.objects.values_list("balance", "debt").get(pk=customer.pk) == (-spent, spent)


def test_receipts_told_again_and_returns_never_deadlock(settle, take_back, now):
    """Few customers, two offers, a surprise, everything in each other's way."""
    SurpriseRuleFactory(threshold_minor=1, offer=OfferFactory())
    stackable = [OfferFactory(is_stackable=True) for _ in range(2)]
    customers = CustomerFactory.create_batch(2)
    for round_number in range(5):
        told = []
        for n in range(4):
            codes = [CouponFactory(offer=offer).code for offer in stackable]
            told.append(
                basket(
                    4000,
                    3000,
                    customer=customers[n % 2],
                    now=now + timedelta(seconds=round_number),
                    receipt=f"R-{round_number}-{n}",
                    coupons=codes if n % 2 else codes[::-1],
                )
            )
        bought = [settle(one).purchase for one in told]
        returns = [
            lambda p=p, line=line, amount=amount, number=f"B-{round_number}-{n}-{line}": take_back(
                p, back(line, amount, now=now, number=number)
            )
            for n, p in enumerate(bought)
            for line, amount in ((1, 4000), (2, 3000))
        ]
        others = [
            basket(1000, customer=customers[n % 2], now=now, receipt=f"S-{round_number}-{n}", coupons=[one.coupons[0]])
            for n, one in enumerate(told)
        ]
        results = at_once(*returns, *[lambda one=one: settle(one) for one in [*told, *others]])
        assert set(names(results)) <= {"TakenBack", "Settlement", "CouponAlreadyRedeemed"}
        assert all(not result.created for result in results[8:12])
    redeemed = Coupon.objects.filter(state=CouponState.REDEEMED)
    for offer in Offer.objects.all():
        assert offer.redeemed_count == redeemed.filter(offer=offer).count()
