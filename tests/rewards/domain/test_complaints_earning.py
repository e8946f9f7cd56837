"""What is complained about elsewhere when what earns and what pays do not fit together; it does not happen here."""

from dataclasses import replace
from datetime import timedelta

import pytest

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import checkout, points
from rewards.models import OfferKind, Program
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory, RewardFactory
from tests.races import at_once
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import account, award, request

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def test_points_earned_one_way_and_spent_another_are_gone(settle, customer, now):
    """Complaint: earned with one kind of document and redeemed with another they are never taken off: free money."""
    settle(basket(30_000, customer=customer, now=now))
    settle(basket(5000, customer=customer, now=now, receipt="R-2", points=250), at=now + DAY)
    assert account(customer)[0] == 300 - 250 + 47
    request(customer, RewardFactory(cost_points=90), now + DAY)
    assert points.summary(customer=customer, at=now + DAY).available == 7
    with pytest.raises(points.InsufficientPoints):
        settle(basket(5000, customer=customer, now=now + DAY, receipt="R-3", points=8), at=now + DAY)


def test_store_that_did_not_give_the_points_takes_them_from_the_same_account(settle, store, customer, now):
    """Complaint: what one branch books the other does not see."""
    settle(basket(30_000, customer=customer, now=now))
    told = basket(5000, customer=customer, now=now, points=300)
    checkout.settle(purchase=told, store=StoreFactory(), till=None, by=SYSTEM, at=now)
    assert account(customer)[0] == 47


@pytest.mark.parametrize("kind", [OfferKind.AMOUNT, OfferKind.PERCENT])
def test_discount_earns_no_points(settle, customer, now, kind):
    """Complaint: the line of the discount or of the free gift earns points of its own."""
    amount, percent = (1000, None) if kind == OfferKind.AMOUNT else (None, 20)
    coupon = CouponFactory(offer=OfferFactory(kind=kind, amount_minor=amount, percent=percent))
    told = basket(5000, 0, customer=customer, now=now, coupons=[coupon.code])
    assert settle(told).entry.points == 40


def test_gift_card_and_points_paid_earn_no_points(settle, customer, now):
    """Complaint: who pays with points or a gift card earns points on them once more."""
    award(customer, 1000, now, "before")
    told = replace(basket(10_000, customer=customer, now=now, points=1000), gift_card_minor=4000)
    settled = settle(told)
    assert (settled.purchase.paid_minor, settled.entry.points) == (9000, 50)


def test_tax_earns_nothing_where_the_owner_says_so(settle, customer, now):
    """Complaint: points are computed on the tax too, and nobody can change it."""
    ProgramFactory(earns_on_tax=False)
    taxed = basket(11_900, customer=customer, now=now)
    taxed = replace(taxed, lines=[replace(line, tax_minor=1900) for line in taxed.lines])
    assert settle(taxed).entry.points == 100
    Program.objects.update(earns_on_tax=True)
    assert settle(replace(taxed, receipt_number="R-2")).entry.points == 119


@pytest.mark.parametrize("number", [1, 37, 299, 300])
def test_customer_chooses_how_many_points_to_spend(settle, store, customer, now, number):
    """Complaint: all or nothing."""
    award(customer, 300, now, "before")
    told = basket(5000, customer=customer, now=now, points=number)
    assert checkout.quote(purchase=told, store=store, at=now).points_payable == 300
    assert settle(told).purchase.points_value_minor == number


@pytest.mark.parametrize(("value", "payable", "left"), [(1, 1234, 0), (10, 123, 4), (100, 12, 34)])
def test_points_pay_to_the_last_unit_that_they_are_worth(settle, store, customer, now, value, payable, left):
    """Complaint: the cents of a bill cannot be paid with points, although there are enough."""
    ProgramFactory(point_value_minor=value)
    award(customer, 5000, now, "before")
    told = basket(1234, customer=customer, now=now)
    assert checkout.quote(purchase=told, store=store, at=now).points_payable == payable
    assert settle(replace(told, points_to_redeem=payable)).purchase.paid_minor == left


@pytest.mark.django_db(transaction=True)
def test_two_baskets_confirmed_together_cannot_both_spend_the_last_points(settle, now):
    """Complaint: two offers that were priced before either was confirmed leave a balance of -100."""
    for number in range(5):
        customer = CustomerFactory()
        award(customer, 100, now, "before")
        baskets = [basket(99, customer=customer, now=now, receipt=f"R-{number}-{n}", points=99) for n in range(2)]
        results = at_once(*[lambda told=told: settle(told) for told in baskets])
        assert sorted(type(result).__name__ for result in results) == ["InsufficientPoints", "Settlement"]
        assert account(customer)[0] == 1
