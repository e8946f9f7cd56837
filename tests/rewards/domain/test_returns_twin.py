"""A till takes back, return by return, what an import of the same facts takes back in sets."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from customers.domain import purchases
from customers.domain.purchases import LineIn, ReturnLineIn
from customers.models import Category, PurchaseSource
from loyalty_site.lib.actors import SYSTEM
from loyalty_site.lib.errors import DomainError
from rewards.domain import backfill, checkout
from rewards.models import EntryKind, OfferKind, PointsEntry
from tests.factories.customers import CategoryFactory, CustomerFactory
from tests.factories.rewards import CapRuleFactory, CouponFactory, MultiplierRuleFactory, OfferFactory, ProgramFactory
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import award

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
PURCHASES = 6


@pytest.fixture
def multipliers(now):
    for code, multiplier in (("FRUIT", "1.5"), ("WINE", "0"), ("BREAD", "2.125")):
        MultiplierRuleFactory(category=CategoryFactory(code=code), multiplier=multiplier, valid_from=now)


@pytest.fixture(params=["plain", "without tax, within caps"])
def programme(request, now):
    is_plain = request.param == "plain"
    ProgramFactory(earns_on_tax=is_plain)
    if not is_plain:
        CapRuleFactory(cap_period="PURCHASE", points=60, valid_from=now)
        CapRuleFactory(cap_period="DAY", points=150, valid_from=now)


def some_purchase(rng, customer, now, number):
    """With a coupon of some per cent and points that pay a part."""
    goods = [
        LineIn(f"{n}", "", rng.choice(["FRUIT", "WINE", "BREAD", ""]), Decimal(rng.randint(1, 4)), amount, amount // 8)
        for n, amount in enumerate(rng.randint(0, 5000) for _ in range(rng.randint(1, 5)))
    ]
    percent = OfferFactory(kind=OfferKind.PERCENT, amount_minor=None, percent=rng.choice([5, "12.35", 40]))
    codes = [CouponFactory(offer=percent).code] if rng.random() < 0.6 and sum(g.amount_minor for g in goods) else []
    points = rng.choice([0, 0, 137])
    told = basket(customer=customer, now=now, receipt=f"R-{number}", coupons=codes, points=points)
    gift_card = rng.choice([0, 0, sum(line.amount_minor for line in goods) // 3])
    return replace(told, lines=goods, gift_card_minor=gift_card)


def some_returns(rng, lines, now, number):
    """Parts of random lines until about everything, sometimes really everything, is back."""
    left = {n: [line.quantity, line.amount_minor] for n, line in enumerate(lines, start=1)}
    told = []
    for part in range(rng.randint(1, 4)):
        backs = []
        for position in rng.sample(list(left), rng.randint(1, len(left))):
            quantity, amount = left[position]
            took = amount if rng.random() < 0.4 else rng.randint(0, amount)
            pieces = quantity if took == amount else Decimal(rng.randint(0, int(quantity)))
            left[position] = [quantity - pieces, amount - took]
            if pieces or took:
                backs.append(ReturnLineIn(position, pieces, took))
        if backs:
            told.append(checkout.ReturnIn(f"B-{number}-{part}", now + timedelta(days=part), backs))
    return told


def as_facts(purchase, customer):
    """The same purchase of another customer, told by nobody's till and without points yet."""
    lines = list(purchase.lines.select_related("product").order_by("position"))
    copy, _ = purchases.record(
        store=purchase.store,
        till=None,
        customer=customer,
        receipt_number=f"copy of {purchase.receipt_number}",
        purchased_at=purchase.purchased_at,
        currency=purchase.currency,
        lines=[LineIn(line.product.sku, "", "", line.quantity, line.amount_minor, line.tax_minor) for line in lines],
        discounts=[line.discount_minor for line in lines],
        points_value_minor=purchase.points_value_minor,
        gift_card_minor=purchase.gift_card_minor,
        source=PurchaseSource.IMPORT,
        fingerprint=b"",
        by=SYSTEM,
        at=purchase.recorded_at,
    )
    return copy


def as_return(purchase, told):
    made, _ = purchases.record_return(
        purchase=purchase,
        store=purchase.store,
        return_number=f"copy of {told.return_number}",
        returned_at=told.returned_at,
        lines=told.lines,
        fingerprint=b"",
        by=SYSTEM,
        at=told.returned_at,
    )
    return made


def taken(customer):
    """What was asked for with each return, by its number."""
    entries = PointsEntry.objects.filter(customer=customer.pk, kind=EntryKind.CLAW_BACK).order_by("seq")
    return [(entry.corrects.points, entry.breakdown["asked"]) for entry in entries]


@pytest.mark.parametrize("seed", range(5))
def test_till_takes_back_what_an_import_takes_back(programme, settle, take_back, multipliers, now, seed):
    rng, mine, theirs = random.Random(seed), CustomerFactory(), CustomerFactory()
    later = now + timedelta(days=30)
    award(mine, 10_000, now, "before")
    for number in range(PURCHASES):
        told = some_purchase(rng, mine, now, number)
        try:
            settled = settle(told)
        except (checkout.PointsExceedAmount, checkout.GiftCardExceedsAmount):
            continue
        copy = as_facts(settled.purchase, theirs)
        returns = some_returns(rng, told.lines, now, number)
        for one in returns:
            take_back(settled.purchase, one, at=later)
        cut = rng.randint(0, len(returns))
        for bought, part in (([copy.pk], returns[:cut]), ([], returns[cut:])):
            made = [as_return(copy, one).pk for one in part]
            backfill.award_purchases(purchases=bought, returns=made, by=SYSTEM, at=later)
        assert taken(mine) == taken(theirs)
    assert taken(mine)


@pytest.mark.parametrize("seed", range(2))
def test_points_that_coupons_multiplied_are_taken_back_alike(programme, settle, take_back, multipliers, now, seed):
    """Of purchases of tills, whose returns a till tells or an import."""
    rng, mine, theirs = random.Random(seed), CustomerFactory(), CustomerFactory()
    later = now + timedelta(days=30)
    for number in range(3 * PURCHASES):
        offer = OfferFactory(kind=OfferKind.MULTIPLIER, amount_minor=None, points_multiplier=rng.choice([2, "1.333"]))
        offer.categories.set(Category.objects.filter(code__in=rng.choice([["FRUIT"], ["BREAD", "FRUIT"], []])))
        goods = some_purchase(rng, mine, now, number).lines
        bought = []
        for customer in (mine, theirs):
            coupon = CouponFactory(offer=offer)
            told = basket(*goods, customer=customer, now=now, receipt=f"{customer.pk}-{number}", coupons=[coupon.code])
            try:
                bought.append(settle(told).purchase)
            except DomainError:
                break
        if len(bought) < 2:
            continue
        for one in some_returns(rng, goods, now, number):
            take_back(bought[0], one, at=later)
            backfill.award_purchases(purchases=[], returns=[as_return(bought[1], one).pk], by=SYSTEM, at=later)
        assert taken(mine) == taken(theirs)
    assert taken(mine)
