"""Terms, coupons and baskets for the calculator's tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from rewards.domain import eligibility
from rewards.domain.eligibility import Basket, CouponIn, Line, Terms

NOW = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)  # a Wednesday
DAY = timedelta(days=1)
CHEESE, FRUIT = 10, 20
BRIE, GOUDA, PLUMS = 1, 2, 3

FIVE_OFF = Terms("AMOUNT", "CNY", valid_from=NOW - DAY, published_at=NOW - DAY, offer=1, amount_minor=500)
TEN_PERCENT = replace(FIVE_OFF, offer=2, kind="PERCENT", amount_minor=0, percent=Fraction(10))
GIFT = replace(FIVE_OFF, offer=3, kind="GIFT", amount_minor=0)
FREE_BRIE = replace(GIFT, offer=4, kind="FREE_PRODUCT", free_product=BRIE)
DOUBLE = replace(GIFT, offer=5, kind="MULTIPLIER", points_milli=2000)


def coupon(terms=FIVE_OFF, code="A", **kwargs):
    return CouponIn(code, terms, **kwargs)


def stackable(terms, **kwargs):
    return replace(terms, is_stackable=True, **kwargs)


def lines(*amounts):
    return tuple(amount if isinstance(amount, Line) else Line(amount) for amount in amounts)


def basket(*amounts, customer=1, **kwargs):
    return Basket(lines(*amounts), "CNY", customer, kwargs.pop("purchased_at", NOW), **kwargs)


def evaluate(*coupons, of=(1000, 500), **kwargs):
    return eligibility.evaluate(coupons=coupons, basket=basket(*of, **kwargs))
