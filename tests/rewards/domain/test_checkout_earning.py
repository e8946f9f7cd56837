"""What a purchase earns at the till by tier, hour, caps, gift cards and tax; and what a till may not tell."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from customers.domain.purchases import LineIn, ReceiptConflict
from customers.models import Category, Purchase, PurchaseLine
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import checkout, points
from rewards.models import PointsEntry, Tier
from tests.factories.customers import CategoryFactory, PurchaseFactory, PurchaseLineFactory, StoreFactory
from tests.factories.rewards import CapRuleFactory, MultiplierRuleFactory, ProgramFactory, TierFactory
from tests.races import at_once
from tests.rewards.domain.baskets import back, basket, line

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


@pytest.fixture
def buy(settle, customer, now):
    """Told by a receipt of its own: 1.00 is one point."""

    def buy(*amounts, at=now, store=None, **told):
        receipt = f"R-{Purchase.objects.count()}-{at}"
        return settle(replace(basket(*amounts, customer=customer, now=at, receipt=receipt), **told), at=at)

    return buy


def test_tier_multiplies_what_is_bought_in_it_not_what_led_to_it(buy, now):
    ProgramFactory()
    tier = TierFactory(threshold=50)
    MultiplierRuleFactory(tier=tier)
    assert [buy(5000).entry.points, buy(5000, at=now + DAY).entry.points] == [50, 100]
    assert Tier.objects.get().memberships.get().since == now


def test_purchase_that_is_dated_back_earns_by_the_tier_of_its_time(buy, now):
    ProgramFactory()
    MultiplierRuleFactory(tier=TierFactory(threshold=50))
    buy(5000)
    assert buy(5000, purchased_at=now - DAY, at=now + DAY).entry.points == 50


def test_hours_are_those_of_the_store(customer, store):
    """Friday night in New York is Saturday noon in Shanghai."""
    MultiplierRuleFactory(weekdays=[5], time_from="20:00", time_to="02:00")
    at = datetime(2026, 5, 23, 4, 30, tzinfo=UTC)
    places = [StoreFactory(timezone=zone) for zone in ("America/New_York", "Asia/Shanghai")]
    earned = [
        checkout.settle(
            purchase=basket(1000, customer=customer, now=at), store=place, till=None, by=SYSTEM, at=at
        ).entry.points
        for place in places
    ]
    assert earned == [20, 10]


@pytest.mark.parametrize(("hour", "earned"), [(5, 20), (6, 20), (7, 10)])
def test_hour_that_comes_twice_counts_both_times(customer, store, hour, earned):
    """On 1 November 2026 New York lives 1:30 twice, at 5:30 and at 6:30 in London."""
    MultiplierRuleFactory(time_from="01:00", time_to="02:00")
    at = datetime(2026, 11, 1, hour, 30, tzinfo=UTC)
    place = StoreFactory(timezone="America/New_York")
    told = basket(1000, customer=customer, now=at)
    assert checkout.settle(purchase=told, store=place, till=None, by=SYSTEM, at=at).entry.points == earned


def test_cap_is_filled_and_begins_anew(buy, now):
    ProgramFactory()
    CapRuleFactory(points=80)
    entries = [buy(5000).entry, buy(5000).entry, buy(5000).entry, buy(5000, at=now + DAY).entry]
    assert [entry and entry.points for entry in entries] == [50, 30, None, 50]


def test_exchanged_goods_earn_again_what_their_return_took_back(buy, take_back, now):
    """Whoever brings shoes back and takes another size has not used up the day."""
    ProgramFactory()
    CapRuleFactory(points=80)
    shoes = buy(8000).purchase
    take_back(shoes, back(1, 8000, now=now), at=now)
    assert buy(8000).entry.points == 80


def test_quote_says_what_caps_leave(buy, customer, store, now):
    ProgramFactory()
    CapRuleFactory(points=80)
    buy(5000)
    quoted = checkout.quote(purchase=basket(5000, customer=customer, now=now), store=store, at=now)
    assert (quoted.earned.points, quoted.earned.breakdown["caps"][0]["before"]) == (30, 50)
    full = buy(5000) and checkout.quote(purchase=basket(5000, customer=customer, now=now), store=store, at=now)
    assert (full.earned.points, full.earned.reason) == (0, "capped")


@pytest.mark.django_db(transaction=True)
def test_two_tills_cannot_both_fill_a_cap(settle, customer, now):
    ProgramFactory()
    CapRuleFactory(points=100)
    baskets = [basket(6000, customer=customer, now=now, receipt=f"R-{n}") for n in range(6)]
    results = at_once(*[lambda told=told: settle(told) for told in baskets])
    assert sorted(result.entry.points if result.entry else 0 for result in results) == [0, 0, 0, 0, 40, 60]
    assert points.summary(customer=customer, at=now).balance == 100


def test_gift_cards_and_tax_are_kept_and_earn_nothing(buy):
    ProgramFactory(earns_on_tax=False)
    goods = [LineIn("1", "", "", Decimal(1), 2200, 200), line(1000, "2")]
    settled = buy(*goods, gift_card_minor=1600)
    assert (settled.purchase.paid_minor, settled.purchase.gift_card_minor) == (3200, 1600)
    assert list(PurchaseLine.objects.order_by("position").values_list("tax_minor", flat=True)) == [200, 0]
    assert settled.entry.points == 15


def test_delivery_is_left_out_by_its_category(buy):
    MultiplierRuleFactory(category=CategoryFactory(code="DELIVERY"), multiplier=0)
    assert buy(line(5000, "1"), line(900, "2", "DELIVERY")).entry.points == 50
    assert Category.objects.get(code="DELIVERY")


@pytest.mark.parametrize("gift_card", [-1, 4001])
def test_gift_cards_pay_no_more_than_what_is_left(settle, store, customer, rows, now, gift_card):
    before = rows()
    told = replace(basket(4000, customer=customer, now=now), gift_card_minor=gift_card)
    with pytest.raises(checkout.GiftCardExceedsAmount):
        settle(told)
    with pytest.raises(checkout.GiftCardExceedsAmount):
        checkout.quote(purchase=told, store=store, at=now)
    assert rows() == before


@pytest.mark.parametrize("tax", [-1, 1001])
def test_tax_is_no_more_than_the_amount(settle, store, customer, rows, now, tax):
    before = rows()
    told = basket(LineIn("1", "", "", Decimal(1), 1000, tax), customer=customer, now=now)
    with pytest.raises(checkout.TaxExceedsAmount):
        settle(told)
    with pytest.raises(checkout.TaxExceedsAmount):
        checkout.quote(purchase=told, store=store, at=now)
    assert rows() == before


def test_receipt_with_another_tax_or_gift_card_is_another_fact(settle, customer, now):
    told = basket(LineIn("1", "", "", Decimal(1), 1000, 70), customer=customer, now=now)
    first = settle(told)
    assert settle(told).purchase == first.purchase
    for other in (
        replace(told, gift_card_minor=1),
        replace(told, lines=[LineIn("1", "", "", Decimal(1), 1000, 71)]),
        replace(told, lines=[LineIn("1", "", "", Decimal(1), 1000)]),
    ):
        with pytest.raises(ReceiptConflict):
            settle(other)
    assert PointsEntry.objects.count() == 1


def test_fingerprint_of_a_receipt_without_tax_and_gift_cards_is_the_one_it_always_was(customer):
    """What tills told before they knew of either is recognized."""
    customer.pk = 7
    told = basket(1000, customer=customer, now=datetime(2026, 5, 20, tzinfo=UTC))
    assert told.fingerprint.hex() == "fa72fee79c2c657265d926afe3c7b7e5adca3b462f5b552af234524410f3f07e"


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: PurchaseFactory(total_minor=100, gift_card_minor=101), "purchase_gift_cards_within_paid"),
        (lambda: PurchaseFactory(total_minor=100, gift_card_minor=-1), "purchase_gift_cards_within_paid"),
        (lambda: PurchaseLineFactory(amount_minor=100, tax_minor=101), "purchase_line_tax_within_amount"),
        (lambda: PurchaseLineFactory(amount_minor=100, tax_minor=-1), "purchase_line_tax_within_amount"),
    ],
)
def test_database_keeps_tax_and_gift_cards_within_bounds(make, rule):
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        make()
