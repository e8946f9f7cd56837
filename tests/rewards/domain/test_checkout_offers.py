"""Offers at a till: what they are for, and what comes back of what they took off or multiplied."""

import random
from datetime import time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from customers.domain.purchases import LineIn, ReturnLineIn
from customers.models import Product, PurchaseLine
from rewards.domain import checkout, coupons, explanations, offers, takebacks
from rewards.models import CouponState, OfferKind
from tests.factories.customers import (
    CategoryFactory,
    CustomerFactory,
    ProductFactory,
    SegmentFactory,
    SegmentMemberFactory,
    StoreFactory,
)
from tests.factories.rewards import (
    CapRuleFactory,
    CouponFactory,
    MultiplierRuleFactory,
    OfferFactory,
    ProgramFactory,
)
from tests.fuzz import FUZZ_STEPS
from tests.rewards.domain.baskets import back, basket, line
from tests.rewards.domain.steps import account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


@pytest.fixture
def cheese():
    return CategoryFactory(code="CHEESE", name="Cheese")


@pytest.fixture
def brie(cheese):
    return ProductFactory(sku="BRIE", name="Brie", category=cheese)


def coupon_of(*, categories=(), products=(), stores=(), **terms):
    """Of an offer for these."""
    offer = OfferFactory(**terms)
    offer.categories.set(categories)
    offer.products.set(products)
    offer.stores.set(stores)
    return CouponFactory(offer=offer)


def double(**terms):
    return coupon_of(kind=OfferKind.MULTIPLIER, amount_minor=None, points_multiplier=2, **terms)


def shares(settled):
    return list(
        PurchaseLine.objects.filter(purchase=settled.purchase)
        .order_by("position")
        .values_list("discount_minor", flat=True)
    )


def test_percentage_is_taken_off_the_lines_it_is_for(settle, customer, brie, cheese, now):
    coupon = coupon_of(
        kind=OfferKind.PERCENT, amount_minor=None, percent=20, discount_max_minor=3000, categories=[cheese]
    )
    goods = [line(1000, "BRIE", "CHEESE"), line(5000, "PLUM", "FRUIT"), line(1003, "GOUDA", "CHEESE")]
    settled = settle(basket(*goods, customer=customer, now=now, coupons=[coupon.code]))
    assert shares(settled) == [200, 0, 200]
    assert settled.purchase.discount_minor == 400


def test_product_nobody_sold_before_counts_by_the_tills_word(settle, customer, cheese, now):
    coupon = coupon_of(amount_minor=300, categories=[cheese])
    settled = settle(basket(line(1000, "NEW", "CHEESE"), line(900), customer=customer, now=now, coupons=[coupon.code]))
    assert shares(settled) == [300, 0]
    assert Product.objects.get(sku="NEW").category == cheese


def test_one_unit_of_the_free_product_costs_nothing_and_comes_back_with_its_line(
    settle, take_back, customer, brie, now
):
    coupon = coupon_of(kind=OfferKind.FREE_PRODUCT, amount_minor=None, free_product=brie)
    goods = [LineIn("BRIE", "Brie", "CHEESE", Decimal(2), 1400), line(900)]
    settled = settle(basket(*goods, customer=customer, now=now, coupons=[coupon.code]))
    assert shares(settled) == [700, 0]
    told = checkout.ReturnIn("B-1", now, [ReturnLineIn(1, Decimal(1), 700)])
    taken = take_back(settled.purchase, told)
    assert takebacks.outcome(purchase_return=taken.purchase_return, at=now).refund_minor == 350


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        (lambda at: {"weekdays": [at.isoweekday() % 7 + 1]}, offers.OfferOtherHours),
        (lambda at: {"weekdays": [at.isoweekday()]}, None),
        (
            lambda at: {"time_from": (at + timedelta(hours=1)).time(), "time_to": time(23, 59, 59)},
            offers.OfferOtherHours,
        ),
        (lambda at: {"time_from": at.time(), "time_to": (at + timedelta(seconds=1)).time()}, None),
        (lambda at: {"blackout_dates": [at.date()]}, offers.OfferBlackout),
        (lambda at: {"blackout_dates": [at.date() - DAY, at.date() + DAY]}, None),
        (lambda at: {"min_spend_minor": 4001}, offers.MinSpendNotReached),
    ],
)
def test_days_and_hours_are_those_of_the_store(settle, store, customer, now, terms, refusal):
    """Where it is another day already: half a day ahead of the server."""
    store.timezone = "Pacific/Auckland"
    store.save()
    local = now.astimezone(ZoneInfo(store.timezone))
    told = basket(4000, customer=customer, now=now, coupons=[coupon_of(**terms(local)).code])
    if refusal:
        with pytest.raises(refusal):
            settle(told)
    else:
        assert settle(told).purchase.discount_minor == 500


def test_store_and_segment_are_asked_for(settle, store, customer, now):
    elsewhere = coupon_of(stores=[StoreFactory()])
    with pytest.raises(offers.OfferOtherStore):
        settle(basket(4000, customer=customer, now=now, coupons=[elsewhere.code]))
    here = coupon_of(stores=[store, StoreFactory()], segment=SegmentFactory())
    with pytest.raises(offers.OfferOtherSegment):
        settle(basket(4000, customer=customer, now=now, coupons=[here.code]))
    SegmentMemberFactory(customer=customer, segment=here.offer.segment)
    assert settle(basket(4000, customer=customer, now=now, coupons=[here.code])).purchase.discount_minor == 500


def test_points_of_its_lines_are_multiplied_and_explained(settle, customer, brie, cheese, now):
    MultiplierRuleFactory(code="week", name="Cheese week", multiplier="1.5", category=cheese)
    coupon = double(categories=[cheese], title={"en": "Cheese lovers"})
    goods = [line(1000, "BRIE", "CHEESE"), line(1010)]
    settled = settle(basket(*goods, customer=customer, now=now, coupons=[coupon.code]))
    assert settled.entry.points == 40  # 10.00 × 1.5 × 2 + 10.10
    assert settled.entry.breakdown["coupons"] == [
        {
            "coupon": coupon.display_code,
            "offer": coupon.offer_id,
            "title": {"en": "Cheese lovers"},
            "multiplier": "2",
            "lines": [1],
            "net_minor": 1000,
        }
    ]
    assert f"Cheese lovers (coupon {coupon.display_code}): what ¥10.00 earns counts 2 times." in explanations.explain(
        settled.entry
    )


def test_multiplied_points_come_back_by_the_breakdown_whatever_the_offer_says_then(
    settle, take_back, customer, brie, cheese, now
):
    coupon = double(categories=[cheese])
    goods = [line(1000, "BRIE", "CHEESE"), line(500)]
    settled = settle(basket(*goods, customer=customer, now=now, coupons=[coupon.code]))
    assert settled.entry.points == 25
    coupon.offer.categories.clear()
    assert take_back(settled.purchase, back(1, 400, now=now, quantity="0.4")).clawed_back.points == -8
    assert take_back(settled.purchase, back(2, 500, now=now, number="B-2")).clawed_back.points == -5
    assert take_back(settled.purchase, back(1, 600, now=now, quantity="0.6", number="B-3")).clawed_back.points == -12
    assert account(customer)[0] == 0
    coupon.refresh_from_db()
    assert coupon.state == CouponState.ISSUED


@pytest.mark.parametrize(
    "why",
    [
        lambda: CapRuleFactory(cap_period="PURCHASE", points=40),
        lambda: MultiplierRuleFactory(multiplier=0),
        lambda: ProgramFactory(currency="EUR"),
    ],
    ids=["capped", "left out", "other currency"],
)
def test_coupon_that_would_add_no_points_is_not_used_up(settle, store, customer, now, why):
    why()
    coupon = double()
    told = basket(4000, customer=customer, now=now, coupons=[coupon.code])
    quoted = checkout.quote(purchase=told, store=store, at=now)
    assert [refusal.code for refusal in quoted.refusals.values()] == ["coupon_worth_nothing"]
    with pytest.raises(coupons.CouponWorthNothing):
        settle(told)
    coupon.refresh_from_db()
    assert coupon.state == CouponState.ISSUED


def test_quote_tells_the_points_that_are_booked(settle, store, customer, now):
    told = basket(4000, customer=customer, now=now, coupons=[double().code])
    quoted = checkout.quote(purchase=told, store=store, at=now)
    assert (quoted.earned.points, quoted.refusals) == (80, {})
    assert settle(told).entry.points == 80


def test_best_coupons_are_proposed_and_taken(settle, store, customer, brie, cheese, now):
    mine = [
        coupon_of(kind=OfferKind.PERCENT, amount_minor=None, percent=50, categories=[cheese], is_stackable=True),
        coupon_of(amount_minor=200, is_stackable=True),
        coupon_of(amount_minor=650),
        coupon_of(stores=[StoreFactory()]),
    ]
    for coupon in mine:
        coupon.customer = customer
        coupon.save()
    told = basket(line(1000, "BRIE", "CHEESE"), line(800), customer=customer, now=now)
    found = checkout.propose(purchase=told, store=store, at=now)
    assert [(one.coupon, one.discount_minor, one.is_proposed) for one in found] == [
        (mine[0], 500, True),
        (mine[1], 200, True),
        (mine[2], 650, False),
    ]
    codes = [one.coupon.code for one in found if one.is_proposed]
    again = basket(*told.lines, customer=customer, now=now, coupons=codes)
    assert settle(again).purchase.discount_minor == 700


def test_nothing_is_proposed_to_nobody(store, now):
    CouponFactory()
    assert checkout.propose(purchase=basket(4000, customer=None, now=now), store=store, at=now) == []


@pytest.mark.parametrize("seed", range(FUZZ_STEPS // 1000 or 2))
def test_whatever_comes_back_in_whatever_order_the_money_is_what_was_paid(settle, store, take_back, now, seed):
    """A few dozen purchases a seed, each with its own offers, brought back in parts in a random order."""
    rng = random.Random(seed)
    categories = [CategoryFactory(code=code) for code in ("A", "B", "C")]
    MultiplierRuleFactory(multiplier="1.25", category=categories[0])
    for number in range(20):
        customer = CustomerFactory()
        goods = [
            LineIn(f"{seed}-{n}", "", rng.choice("ABC"), Decimal(rng.randint(1, 3)), rng.randint(0, 3000))
            for n in rng.choices(range(8), k=rng.randint(1, 5))
        ]
        codes = [some_coupon(rng, categories).code for _ in range(rng.randint(0, 3))]
        told = basket(*goods, customer=customer, now=now, receipt=f"R-{number}", coupons=codes)
        told = basket(*goods, customer=customer, now=now, receipt=f"R-{number}", coupons=good_of(told, store))
        purchase = settle(told).purchase
        assert sum(purchase.lines.values_list("discount_minor", flat=True)) == purchase.discount_minor
        refund = 0
        for part, (position, quantity, amount) in enumerate(parts(rng, goods)):
            one = back(position, amount, now=now, quantity=quantity, number=f"B-{number}-{part}")
            taken = take_back(purchase, one)
            refund += takebacks.outcome(purchase_return=taken.purchase_return, at=now).refund_minor
        assert refund == purchase.paid_minor
        assert account(customer)[0] == 0


def good_of(told, store):
    """Without those that are refused."""
    return checkout.quote(purchase=told, store=store, at=told.purchased_at).discounts


def some_coupon(rng, categories):
    kind = rng.choice(["PERCENT", "AMOUNT", "MULTIPLIER"])
    own = {
        "PERCENT": {"percent": rng.choice([5, "12.35", 50]), "discount_max_minor": rng.choice([None, 150])},
        "AMOUNT": {"amount_minor": rng.randint(1, 900)},
        "MULTIPLIER": {"points_multiplier": rng.choice([2, "1.5"])},
    }[kind]
    some = rng.sample(categories, rng.randint(0, 2))
    return coupon_of(
        **{"kind": kind, "amount_minor": None, "is_stackable": True, "priority": rng.randint(0, 1), **own},
        categories=some,
    )


def parts(rng, goods):
    """Everything, in up to three parts a line; the last part of a line brings all of its quantity."""
    told = []
    for position, one in enumerate(goods, start=1):
        first = rng.randint(0, one.amount_minor)
        told += [(position, Decimal(0), first)] if first else []
        told.append((position, one.quantity, one.amount_minor - first))
    return rng.sample(told, len(told))
