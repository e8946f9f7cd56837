"""What is known of a customer and an offer at a moment, counted by hand; and nothing of what came after it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from customers.models import Category
from rewards.domain.redeemers import histories
from rewards.models import MailingMail
from tests.factories.customers import CustomerFactory, ProductFactory, PurchaseFactory, PurchaseLineFactory
from tests.factories.rewards import CouponFactory, CouponRedemptionFactory, OfferFactory
from tests.rewards.domain.redeemers.shop import mailing

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOW = datetime(2026, 6, 10, 4, tzinfo=UTC)


def bought(customer, days_ago, *products, quantity=1, **fields):
    purchase = PurchaseFactory(customer=customer, purchased_at=NOW - days_ago * DAY, **fields)
    for product in products:
        PurchaseLineFactory(purchase=purchase, product=product, quantity=Decimal(quantity))
    return purchase


def told(customer, offer):
    found = histories.counts([(customer.pk, offer.pk, NOW)])
    return [
        round(float(column[0]), 4)
        for column in (found.coupons, found.redeemed, found.baskets, found.discounted, found.fading, found.products)
    ]


@pytest.fixture
def tea():
    return ProductFactory(category=Category.objects.create(code="tea", name="Tea"))


@pytest.fixture
def offer(tea):
    made = OfferFactory(title={"en": "Tea"})
    made.categories.add(tea.category)
    return made


def test_each_number_by_hand(tea, offer):
    customer, cake, other_tea = CustomerFactory(), ProductFactory(), ProductFactory(category=tea.category)
    bought(customer, 60, tea, tea, cake)
    bought(customer, 120, tea, other_tea, total_minor=500, discount_minor=100)
    bought(customer, 10, cake)
    bought(customer, 400, tea)
    bought(customer, 5, tea, quantity=0)
    bought(CustomerFactory(), 1, tea)
    used, undone = (CouponFactory(customer=customer, issued_at=NOW - 50 * DAY) for _ in range(2))
    CouponRedemptionFactory(coupon=used, redeemed_at=NOW - 40 * DAY)
    CouponRedemptionFactory(
        coupon=undone, redeemed_at=NOW - 40 * DAY, rolled_back_at=NOW - 39 * DAY, rolled_back_by="system"
    )
    assert told(customer, offer) == [2, 1, 4, 1, 0.75, 2]


def test_what_comes_after_the_moment_changes_nothing(tea, offer):
    customer = CustomerFactory()
    bought(customer, 3, tea)
    coupon = CouponFactory(customer=customer, issued_at=NOW - DAY)
    before = told(customer, offer)
    bought(customer, 0, tea, total_minor=500, discount_minor=100)
    bought(customer, -1, tea, ProductFactory(category=tea.category))
    CouponRedemptionFactory(coupon=coupon, redeemed_at=NOW)
    CouponFactory(customer=customer, issued_at=NOW)
    assert told(customer, offer) == before == [1, 0, 1, 0, round(2 ** (-3 / 60), 4), 1]


def test_offer_for_everything_counts_every_product_and_one_of_a_product_that_alone(tea):
    customer, cake = CustomerFactory(), ProductFactory()
    bought(customer, 60, tea, cake)
    free = OfferFactory(kind="FREE_PRODUCT", free_product=cake, percent=None, amount_minor=None)
    assert told(customer, OfferFactory()) == [0, 0, 1, 0, 0.5, 2]
    assert told(customer, free) == [0, 0, 1, 0, 0.5, 1]
    assert told(CustomerFactory(), free) == [0] * 6


def test_only_mailings_coupons_whose_time_is_over_teach(offer):
    people = CustomerFactory.create_batch(5)
    over = {"offer": offer, "issued_at": NOW - 40 * DAY, "expires_at": NOW - 10 * DAY}
    kinds = (over, over, {**over, "expires_at": NOW + DAY}, {**over, "state": "VOID"}, over)
    coupons = [CouponFactory(customer=one, **kind) for one, kind in zip(people, kinds, strict=True)]
    for coupon in coupons[:4]:
        MailingMail.objects.create(
            mailing=mailing(offer), customer=coupon.customer, coupon=coupon, state="ACCEPTED", not_before=NOW
        )
    CouponRedemptionFactory(coupon=coupons[0], redeemed_at=NOW - 20 * DAY)
    CouponRedemptionFactory(coupon=coupons[1], redeemed_at=NOW + DAY)
    assert sorted(histories.past(at=NOW)) == [
        ((people[0].pk, offer.pk, NOW - 40 * DAY), True),
        ((people[1].pk, offer.pk, NOW - 40 * DAY), False),
    ]
