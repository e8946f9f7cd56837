"""What is complained about elsewhere when offers are calculated, and that it does not happen here."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from customers.domain.purchases import ReturnLineIn
from rewards.domain import checkout, coupons
from rewards.models import OfferKind
from tests.factories.customers import CategoryFactory, ProductFactory
from tests.factories.rewards import CouponFactory, OfferFactory
from tests.rewards.domain.baskets import back, basket, line

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
PERCENT = {"kind": OfferKind.PERCENT, "amount_minor": None}


def test_refused_coupon_is_told_and_not_skipped_in_silence(settle, store, customer, now):
    """Complaint: codes that do not count are left out without a word."""
    good, spent = CouponFactory(), CouponFactory(state="VOID")
    told = basket(4000, customer=customer, now=now, coupons=[good.code, spent.code])
    quoted = checkout.quote(purchase=told, store=store, at=now)
    assert list(quoted.discounts) == [good.display_code]
    assert [refusal.code for refusal in quoted.refusals.values()] == ["coupon_void"]
    with pytest.raises(coupons.CouponVoid):
        settle(told)


def test_offer_of_today_is_good_all_day_where_the_store_is(settle, store, customer, now):
    """Complaint: the server's time zone drops the discount of the last hours, after the customer was told of it."""
    store.timezone = "America/Los_Angeles"
    store.save()
    local = now.astimezone(ZoneInfo(store.timezone)).replace(hour=23, minute=59)
    assert local.astimezone(now.tzinfo).date() != local.date()
    coupon = CouponFactory(offer=OfferFactory(weekdays=[local.isoweekday()], valid_from=now - timedelta(days=2)))
    told = basket(4000, customer=customer, now=local, coupons=[coupon.code])
    assert settle(told, at=local).purchase.discount_minor == 500


def test_a_hundredth_is_neither_lost_nor_made(settle, take_back, customer, now):
    """Complaint: fractions of a coin in discounts make coupons invalid or sums that do not add up."""
    coupon = CouponFactory(offer=OfferFactory(**PERCENT, percent="33.33"))
    goods = [line(101, "A"), line(101, "B"), line(101, "C")]
    purchase = settle(basket(*goods, customer=customer, now=now, coupons=[coupon.code])).purchase
    shares = [one.discount_minor for one in purchase.lines.order_by("position")]
    assert (purchase.discount_minor, sorted(shares)) == (100, [33, 33, 34])
    taken = take_back(purchase, checkout.ReturnIn("B-1", now, [_whole(one) for one in purchase.lines.all()]))
    assert taken.coupons == (coupon,)


def test_goods_that_an_offer_is_not_for_pay_nothing_of_it_when_they_come_back(settle, take_back, customer, now):
    """Complaint: a refund of one article takes a part of the discount that another one had."""
    cheese = CategoryFactory(code="CHEESE")
    ProductFactory(sku="BRIE", category=cheese)
    offer = OfferFactory(**PERCENT, percent=50)
    offer.categories.set([cheese])
    coupon = CouponFactory(offer=offer)
    goods = [line(1000, "BRIE", "CHEESE"), line(3000, "PLUM")]
    purchase = settle(basket(*goods, customer=customer, now=now, coupons=[coupon.code])).purchase
    assert take_back(purchase, back(2, 3000, now=now)).clawed_back.points == -30
    assert take_back(purchase, back(1, 1000, now=now, number="B-2")).clawed_back.points == -5


def test_minimum_spend_is_of_the_goods_and_not_of_what_coupons_left(settle, customer, now):
    """Complaint: one coupon brings the basket below the minimum of the next, by the order in which they were shown."""
    large = OfferFactory(is_stackable=True, amount_minor=1000)
    from_forty = OfferFactory(is_stackable=True, min_spend_minor=4000)
    for number, shown in enumerate([(large, from_forty), (from_forty, large)]):
        codes = [CouponFactory(offer=offer).code for offer in shown]
        told = basket(4000, customer=customer, now=now, receipt=f"R-{number}", coupons=codes)
        assert settle(told).purchase.discount_minor == 1500


def test_reward_line_earns_nothing(settle, customer, now):
    """Complaint: what was given for nothing earns points."""
    brie = ProductFactory(sku="BRIE")
    coupon = CouponFactory(offer=OfferFactory(kind=OfferKind.FREE_PRODUCT, amount_minor=None, free_product=brie))
    settled = settle(basket(line(5000, "BRIE"), line(3000), customer=customer, now=now, coupons=[coupon.code]))
    assert settled.entry.points == 30


def test_offer_counts_what_was_used_whether_or_not_it_is_limited(settle, customer, now):
    """Complaint: uses are counted only where a limit was set, so that the list shows 0."""
    coupon = CouponFactory()
    settle(basket(4000, customer=customer, now=now, coupons=[coupon.code]))
    coupon.offer.refresh_from_db()
    assert (coupon.offer.redeemed_count, coupon.offer.redeemed_minor) == (1, 500)


def _whole(one):
    return ReturnLineIn(one.position, one.quantity, one.amount_minor)
