"""What customers and owners of other programmes complain about in the last digit, and that it does not happen here."""

from decimal import Decimal

import pytest

from customers.domain.purchases import LineIn
from rewards.domain import checkout
from rewards.models import EarningRule, OfferKind, PointsEntry
from tests.factories.rewards import CouponFactory, MultiplierRuleFactory, OfferFactory, ProgramFactory
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import account, award

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]


def test_balance_has_no_digits_behind_a_point(settle, customer, now):
    """Complaint: 268.28000000000003 points."""
    MultiplierRuleFactory(multiplier=Decimal("1.1"))
    for number in range(30):
        settle(basket(813, customer=customer, now=now, receipt=f"R-{number}"))
    assert account(customer)[0] == 30 * 8
    assert {type(points) for points in PointsEntry.objects.values_list("points", flat=True)} == {int}


@pytest.mark.parametrize("percent", ["33.33", "66.67", "100"])
def test_discount_leaves_no_crumb_that_spoils_the_rest(settle, customer, now, percent):
    """Complaint: after a discount the total is -0.00000000000001 and the next coupon, or the payment, is refused."""
    offer = OfferFactory(kind=OfferKind.PERCENT, amount_minor=None, percent=percent, is_stackable=True)
    rest = OfferFactory(amount_minor=999_999, is_stackable=True)
    codes = [CouponFactory(offer=offer).code] + ([CouponFactory(offer=rest).code] if percent != "100" else [])
    purchase = settle(basket(333, 333, 334, customer=customer, now=now, coupons=codes)).purchase
    assert (purchase.paid_minor, purchase.discount_minor) == (0, 1000)
    assert sum(line.discount_minor for line in purchase.lines.all()) == 1000


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 1), ("CNY", 1), ("KWD", 1)])
def test_one_point_is_worth_one_in_every_currency(settle, customer, now, currency, amount):
    """Complaint: the rounding of the currency turns one point into none."""
    ProgramFactory(currency=currency, point_value_minor=1)
    award(customer, 1, now, "before")
    settled = settle(basket(amount, customer=customer, now=now, currency=currency, points=1))
    assert (settled.purchase.points_value_minor, settled.purchase.paid_minor) == (1, 0)
    assert account(customer)[0] == 0


def test_tenth_of_290_is_29(settle, customer, now):
    """Complaint: 290 × 0.1 is 28.999999999999996, and the point is gone."""
    EarningRule.objects.update(points=1, per_minor=1000)
    assert settle(basket(29_000, customer=customer, now=now)).entry.points == 29


def test_what_was_shown_is_what_is_booked_and_the_rest_is_told(settle, store, customer, now):
    """Complaint: the page rounds to the nearest, the booking rounds down."""
    told = basket(1999, customer=customer, now=now)
    shown = checkout.quote(purchase=told, store=store, at=now).earned
    entry = settle(told).entry
    assert (shown.points, entry.points, entry.breakdown["rounded_down"]) == (19, 19, "0.990")


def test_small_articles_together_earn_what_one_dear_one_does(settle, customer, now):
    """Complaint: each line is rounded by itself, so that a basket of small things earns next to nothing."""
    goods = [LineIn(f"{n}", "", "", Decimal(1), 99) for n in range(100)]
    assert settle(basket(*goods, customer=customer, now=now)).entry.points == 99
