"""What is complained about elsewhere of coupons, their limits and counters, and that it does not happen here."""

from datetime import timedelta

import pytest

from customers.models import Purchase
from loyalty_site.lib.actors import SYSTEM, till, user
from rewards.domain import checkout, coupon_holds, coupon_redemptions, coupons, merges, offers, points, public_codes
from rewards.models import Coupon, CouponRedemption, CouponState, Offer, OfferKind, OfferTally
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory
from tests.races import at_once
from tests.rewards.domain.baskets import back, basket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books_balance")]
MINUTE = timedelta(minutes=1)


def names(results):
    return sorted(type(result).__name__ for result in results)


def sale(now, code, customer=None, receipt="R-1", **values):
    return basket(4000, customer=customer, now=now, receipt=receipt, coupons=[code], **values)


# --- used more often than allowed


def test_limit_holds_when_many_check_out_at_once(settle, now):
    """Complaint (saleor 544): a voucher with a limit is used more often when several orders are made at once."""
    offer = OfferFactory(redemptions_max=3)
    codes = [coupon.code for coupon in CouponFactory.create_batch(12, offer=offer)]
    results = at_once(
        *[lambda n=n, code=code: settle(sale(now, code, receipt=f"R-{n}")) for n, code in enumerate(codes)]
    )
    assert names(results) == ["OfferLimitReached"] * 9 + ["Settlement"] * 3


def test_coupon_for_one_use_is_used_once_by_whoever_comes_first(settle, now):
    """Complaint (django-oscar 4612, 4622): a voucher for a single use passes the check in two orders."""
    coupon = CouponFactory()
    results = at_once(*[lambda n=n: settle(sale(now, coupon.code, receipt=f"R-{n}")) for n in range(8)])
    assert names(results) == ["CouponAlreadyRedeemed"] * 7 + ["Settlement"]


def test_code_of_three_uses_is_not_used_five_times(settle, now):
    """Complaint (eventyay 1398, pretix 6067): five uses of three, because the count is read before the lock."""
    coupon = CouponFactory(uses_max=3)
    results = at_once(*[lambda n=n: settle(sale(now, coupon.code, receipt=f"R-{n}")) for n in range(8)])
    assert names(results) == ["CouponAlreadyRedeemed"] * 5 + ["Settlement"] * 3


def test_budget_is_not_overrun_by_the_last_of_many(settle, now):
    """Complaint (pretix 6396): a voucher's budget is spent twice by two orders that both found enough of it."""
    offer = OfferFactory(amount_minor=500, budget_minor=900)
    codes = [coupon.code for coupon in CouponFactory.create_batch(6, offer=offer)]
    results = at_once(
        *[lambda n=n, code=code: settle(sale(now, code, receipt=f"R-{n}")) for n, code in enumerate(codes)]
    )
    assert names(results) == ["OfferBudgetSpent"] * 5 + ["Settlement"]
    assert Offer.objects.get().redeemed_minor == 500


def test_coupon_that_two_baskets_were_quoted_is_good_for_one(settle, store, now):
    """Complaint (saleor 8219): between the two steps of paying, a second checkout uses the same voucher."""
    coupon = CouponFactory()
    told = [sale(now, coupon.code, receipt=f"R-{n}") for n in range(2)]
    assert [checkout.quote(purchase=one, store=store, at=now).discount_minor for one in told] == [500, 500]
    assert settle(told[0]).created
    with pytest.raises(coupons.CouponAlreadyRedeemed):
        settle(told[1])


def test_purchase_whose_coupon_is_gone_is_not_booked_without_it(settle, now):
    """Complaint (saleor 15855): the voucher is refused at the last step, and the order is made all the same."""
    coupon = CouponFactory()
    results = at_once(*[lambda n=n: settle(sale(now, coupon.code, receipt=f"R-{n}")) for n in range(4)])
    assert names(results).count("Settlement") == 1
    assert Purchase.objects.count() == 1


def test_two_roll_backs_of_one_use_give_it_back_once(now):
    """Complaint (Voucherify, July 2026): roll-backs at once gave more uses back than there were."""
    coupon = CouponFactory(uses_max=5, offer=OfferFactory(kind=OfferKind.GIFT, amount_minor=None))
    used = [coupon_redemptions.redeem(coupon=coupon, customer=None, by=SYSTEM, at=now) for _ in range(2)]
    calls = [
        lambda n=n: coupon_redemptions.roll_back(
            redemption=CouponRedemption.objects.get(pk=used[0].pk), by=till(n), at=now
        )
        for n in range(1, 9)
    ]
    assert at_once(*calls).count(True) == 1
    assert Coupon.objects.get().uses_count == 1


def test_once_a_customer_is_once_for_both_of_their_cards(settle, now):
    """Complaint: who has two cards uses what is good once for each customer with both, before a merge and after."""
    offer = OfferFactory(customer_max=1)
    public_codes.issue(offer=offer, code="ONCE", uses_max=None, by=SYSTEM, at=now)
    old, kept = CustomerFactory.create_batch(2)
    settle(sale(now, "ONCE", old))
    merges.merge(source=old, target=kept, reason="", by=user(1), at=now)
    with pytest.raises(offers.CustomerLimitReached):
        settle(sale(now, "ONCE", kept, receipt="R-2"))


def test_limit_for_a_customer_is_not_passed_by_leaving_the_card_at_home(settle, now):
    """Complaint: a guest checkout uses once-only codes again and again."""
    public_codes.issue(offer=OfferFactory(customer_max=1), code="ONCE", uses_max=None, by=SYSTEM, at=now)
    with pytest.raises(coupons.CouponNeedsCustomer):
        settle(sale(now, "ONCE"))


# --- holds that stick


def hold(coupon, now, number):
    found = coupons.find(text=coupon.code)
    return coupon_holds.hold(coupon=found, customer=None, ttl=10 * MINUTE, by=till(number), at=now)


def test_payment_that_failed_does_not_use_the_coupon_up(settle, now):
    """Complaint (WooCommerce 27673, 31245): after a failed payment the coupon is at its limit."""
    customer = CustomerFactory()
    coupon = CouponFactory(customer=customer, offer=OfferFactory(redemptions_max=1, customer_max=1, budget_minor=500))
    with pytest.raises(points.InsufficientPoints):
        settle(sale(now, coupon.code, customer, points=100))
    assert settle(sale(now, coupon.code, customer)).purchase.discount_minor == 500


def test_hold_that_nobody_ends_is_over_by_itself(settle, now):
    """Complaint: a coupon stays reserved for an order that was never paid until somebody clears it by hand."""
    coupon = CouponFactory()
    hold(coupon, now, 1)
    later = now + 10 * MINUTE
    assert settle(sale(later, coupon.code), at=later, by=till(2)).created


def test_own_hold_does_not_count_against_oneself(settle, now):
    """Complaint (WooCommerce 67737): an order's own hold makes its coupon “used up” when it is paid."""
    coupon = CouponFactory()
    for _ in range(3):
        hold(coupon, now, 1)
    assert settle(sale(now, coupon.code), by=till(1)).purchase.discount_minor == 500


# --- cancelled and refunded


def test_cancelled_purchase_gives_coupon_limit_count_and_budget_back(settle, take_back, customer, now):
    """Complaint (Sylius 10125, Magento 19545, Shopware 4382, Vendure 1466): a cancelled order keeps the coupon."""
    offer = OfferFactory(redemptions_max=1, customer_max=1, budget_minor=500)
    coupon = CouponFactory(customer=customer, offer=offer)
    for number in range(3):
        told = sale(now, coupon.code, customer, receipt=f"R-{number}")
        take_back(settle(told).purchase, back(1, 4000, now=now, number=f"B-{number}"))
    offer.refresh_from_db()
    assert (offer.redeemed_count, offer.redeemed_minor, OfferTally.objects.get().used) == (0, 0, 0)
    assert Coupon.objects.get().state == CouponState.ISSUED


def test_coupon_is_not_used_twice_by_way_of_a_cancelled_purchase(settle, take_back, now):
    """Complaint (Odoo 62767): cancel, use the coupon again, and cancelling once more gives another use."""
    coupon = CouponFactory()
    first = settle(sale(now, coupon.code)).purchase
    take_back(first, back(1, 4000, now=now))
    settle(sale(now, coupon.code, receipt="R-2"))
    assert take_back(first, back(1, 4000, now=now)).created is False
    with pytest.raises(coupons.CouponAlreadyRedeemed):
        settle(sale(now, coupon.code, receipt="R-3"))
    assert (Coupon.objects.get().uses_count, CouponRedemption.objects.count()) == (1, 2)


def test_part_of_a_purchase_gives_no_coupon_back(settle, take_back, now):
    """Complaint: returning one small article brings the whole coupon back."""
    coupon = CouponFactory()
    told = basket(4000, 100, customer=None, now=now, coupons=[coupon.code])
    assert take_back(settle(told).purchase, back(2, 100, now=now)).coupons == ()
    assert Coupon.objects.get().state == CouponState.REDEEMED


# --- counters and states shown wrong


def test_uses_are_counted_also_without_a_limit(settle, customer, now):
    """Complaint (saleor 18085): “used” stays 0 unless a limit was set before."""
    offer = OfferFactory()
    coupon = CouponFactory(offer=offer, uses_max=None)
    for number in range(3):
        settle(sale(now, coupon.code, customer, receipt=f"R-{number}"))
    offer.refresh_from_db()
    assert (offer.redeemed_count, Coupon.objects.get().uses_count, OfferTally.objects.get().used) == (3, 3, 3)


def test_limit_can_be_raised_and_counts_on(settle, now):
    """Complaint: after a change of its limit an offer begins to count anew."""
    offer = OfferFactory(redemptions_max=1)
    codes = [coupon.code for coupon in CouponFactory.create_batch(3, offer=offer)]
    settle(sale(now, codes[0]))
    offers.change_limits(offer=offer, redemptions_max=2, by=user(1), at=now)
    settle(sale(now, codes[1], receipt="R-2"))
    with pytest.raises(offers.OfferLimitReached):
        settle(sale(now, codes[2], receipt="R-3"))
