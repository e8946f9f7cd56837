"""A till's transaction."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from customers.domain.purchases import LineIn, ReceiptConflict
from customers.models import Purchase, PurchaseSource, Till
from loyalty_site.lib.actors import SYSTEM, till
from rewards.domain import checkout, points
from rewards.models import Coupon, CouponRedemption, CouponState, ExpiryPolicy, OfferKind, PointsEntry
from tests.factories.customers import CategoryFactory, CustomerFactory, ProductFactory, StoreFactory
from tests.factories.rewards import (
    CouponFactory,
    MultiplierRuleFactory,
    OfferFactory,
    ProgramFactory,
    SurpriseRuleFactory,
)
from tests.rewards.domain.baskets import basket, line
from tests.rewards.domain.steps import account, award

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


# --- the whole


def test_settle_books_purchase_coupon_points_and_surprise(settle, store, customer, now):
    ProgramFactory(point_value_minor=10)
    award(customer, 300, now - DAY, "before")
    coupon = CouponFactory(offer=OfferFactory(kind=OfferKind.PERCENT, percent=10, amount_minor=None), customer=customer)
    rule = SurpriseRuleFactory(threshold_minor=5000)
    told = basket(4000, 3000, customer=customer, now=now, coupons=[coupon.display_code], points=100)
    settled = settle(told, by=till(3))

    purchase = Purchase.objects.get()
    amounts = (purchase.total_minor, purchase.discount_minor, purchase.points_value_minor, purchase.paid_minor)
    assert amounts == (7000, 700, 1000, 5300)
    assert list(purchase.lines.order_by("position").values_list("discount_minor", flat=True)) == [400, 300]
    assert (settled.purchase, settled.created, purchase.source) == (purchase, True, PurchaseSource.STAFF)
    reference = f"purchase:{purchase.pk}"
    assert (settled.redeemed_entry.points, settled.redeemed_entry.reference) == (-100, reference)
    assert (settled.entry.points, settled.entry.reference, settled.entry.actor) == (53, reference, "till:3")
    assert settled.entry.happened_at == now
    (used,) = settled.coupons
    stored = Coupon.objects.get(pk=coupon.pk)
    assert (used, used.coupon) == (CouponRedemption.objects.get(), coupon)
    assert (stored.state, stored.uses_count) == (CouponState.REDEEMED, 1)
    assert (used.discount_minor, used.purchase, used.customer, used.offer) == (700, purchase, customer, coupon.offer)
    (surprise,) = settled.surprises
    assert (surprise.rule, surprise.coupon.customer, surprise.purchase) == (rule, customer, purchase)
    assert (settled.summary.balance, settled.summary.available) == (253, 253)


def test_settle_again_gives_the_first_result_and_books_nothing(settle, customer, now, rows):
    award(customer, 300, now, "before")
    coupon = CouponFactory(customer=customer)
    SurpriseRuleFactory(threshold_minor=1)
    told = basket(4000, 3000, customer=customer, now=now, coupons=[coupon.code], points=100)
    first, before = settle(told), rows()
    again = settle(replace(told, coupons=[coupon.display_code.lower()]), at=now + DAY)
    assert rows() == before
    assert not again.created
    for name in ("purchase", "entry", "redeemed_entry", "coupons", "surprises", "summary"):
        assert getattr(again, name) == getattr(first, name)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: replace(told, customer=CustomerFactory()),
        lambda told: replace(told, customer=None),
        lambda told: replace(told, lines=[line(4001)]),
        lambda told: replace(told, lines=[line(4000, "other")]),
        lambda told: replace(told, lines=[*told.lines, line(0)]),
        lambda told: replace(told, purchased_at=told.purchased_at - DAY),
        lambda told: replace(told, points_to_redeem=1),
        lambda told: replace(told, coupons=["MOON"]),
        lambda told: replace(told, currency="EUR"),
    ],
)
def test_another_fact_under_the_same_receipt_is_refused(settle, customer, now, change, rows):
    told = basket(4000, customer=customer, now=now)
    settle(told)
    other = change(told)
    before = rows()
    with pytest.raises(ReceiptConflict):
        settle(other)
    assert rows() == before


def test_same_fact_written_differently_is_the_same(settle, customer, now):
    told = replace(basket(customer=customer, now=now), lines=[LineIn("1", "", "", Decimal("1.5"), 100)])
    first = settle(told)
    zone = now.astimezone(tz=None)
    again = settle(replace(told, purchased_at=zone, lines=[LineIn("1", "", "", Decimal("1.500"), 100)]))
    assert (again.purchase, again.created) == (first.purchase, False)


def test_same_receipt_number_of_another_store_is_another_purchase(settle, customer, now):
    told = basket(4000, customer=customer, now=now)
    settle(told)
    assert checkout.settle(purchase=told, store=StoreFactory(), till=None, by=SYSTEM, at=now).created
    assert account(customer) == (80, 0, 2)


def test_till_is_remembered_as_the_source(store, customer, now):
    machine = Till.objects.create(store=store, name="1", key_hash="x", key_start="x", scopes=["sell"])
    told = basket(4000, customer=customer, now=now)
    settled = checkout.settle(purchase=told, store=store, till=machine, by=till(machine.pk), at=now)
    assert settled.purchase.source == PurchaseSource.TILL


# --- what it earns


def test_anonymous_purchase_is_a_fact_and_earns_nothing(settle, now):
    SurpriseRuleFactory(threshold_minor=1)
    coupon = CouponFactory()
    settled = settle(basket(4000, customer=None, now=now, coupons=[coupon.code]))
    assert (settled.purchase.paid_minor, settled.entry, settled.surprises, settled.summary) == (3500, None, (), None)
    assert not PointsEntry.objects.exists()
    assert settle(basket(4000, customer=None, now=now, coupons=[coupon.code])).coupons[0].coupon == coupon


def test_purchase_in_another_currency_earns_nothing(settle, customer, now):
    settled = settle(basket(4000, customer=customer, now=now, currency="EUR"))
    assert (settled.entry, settled.summary.balance) == (None, 0)


def test_lapsed_points_do_not_pay_for_a_purchase_that_is_dated_back(settle, customer, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(customer, 500, now - timedelta(days=90))

    with pytest.raises(points.InsufficientPoints):
        settle(basket(2000, customer=customer, now=now - timedelta(days=80), points=500))


def test_rules_are_those_of_the_moment_of_purchase(settle, customer, now):
    MultiplierRuleFactory(multiplier=3, valid_from=now - 2 * DAY, valid_to=now - DAY)
    late = settle(basket(4000, customer=customer, now=now - 36 * timedelta(hours=1)), at=now)
    present = settle(basket(4000, customer=customer, now=now, receipt="R-2"))
    assert (late.entry.points, present.entry.points) == (120, 40)
    assert late.entry.lots.get().available_at == late.purchase.purchased_at


def test_multiplier_follows_the_catalog_and_for_new_goods_the_tills_word(settle, store, customer, now):
    fruit, other = CategoryFactory(code="FRUIT"), CategoryFactory(code="OTHER")
    ProductFactory(sku="moved", category=other)
    MultiplierRuleFactory(code="fruit", category=fruit)
    MultiplierRuleFactory(code="here", store=StoreFactory(), multiplier=9)
    told = basket(line(1000, "moved"), line(1000, "new"), line(1000, "none", ""), customer=customer, now=now)
    quoted = checkout.quote(purchase=told, store=store, at=now)
    settled = settle(told)
    assert settled.entry.points == quoted.earned.points == 40
    assert [note["lines"] for note in settled.entry.breakdown["multipliers"]] == [[2]]


# --- quote


def test_quote_tells_what_settle_would_book_and_writes_nothing(settle, store, customer, now, rows):
    award(customer, 300, now, "before")
    good, bad = (
        CouponFactory(customer=customer),
        CouponFactory(state=CouponState.VOID, offer=OfferFactory(is_stackable=True)),
    )
    told = basket(4000, customer=customer, now=now, coupons=[good.code], points=100)
    before = rows()
    quoted = checkout.quote(purchase=told, store=store, at=now)
    amounts = (quoted.total_minor, quoted.discount_minor, quoted.points_value_minor, quoted.paid_minor)
    assert amounts == (4000, 500, 100, 3400)
    assert (quoted.discounts, quoted.refusals) == ({good.display_code: 500}, {})
    assert (quoted.earned.points, quoted.points_payable) == (34, 300)
    refusals = checkout.quote(
        purchase=replace(told, coupons=[bad.code, "MOON"], points_to_redeem=0), store=store, at=now
    ).refusals
    assert {text: refusal.code for text, refusal in refusals.items()} == {
        bad.display_code: "coupon_void",
        "MOON": "coupon_mistyped",
    }
    assert rows() == before


@pytest.mark.parametrize(
    ("values", "payable", "reason"),
    [
        ({"customer": None}, 0, "no_customer"),
        ({"currency": "EUR"}, 0, "other_currency"),
        ({}, 40, ""),
    ],
)
def test_quote_tells_how_many_points_can_pay(store, customer, now, values, payable, reason):
    ProgramFactory(point_value_minor=100)
    award(customer, 300, now, "before")
    told = basket(4099, **{"customer": customer, "now": now, **values})
    quoted = checkout.quote(purchase=told, store=store, at=now)
    assert (quoted.points_payable, quoted.earned.reason) == (payable, reason)
