"""Baskets that a till tells of, and what comes back of them."""

from decimal import Decimal

from customers.domain.purchases import LineIn, ReturnLineIn
from rewards.domain.checkout import PurchaseIn, ReturnIn


def line(amount_minor, sku="4011", category="FRUIT"):
    return LineIn(sku, f"Product {sku}", category, Decimal(1), amount_minor)


def basket(*amounts, customer, now, receipt="R-1", currency="CNY", coupons=(), points=0):
    """A basket of one line for each amount or LineIn."""
    lines = [one if isinstance(one, LineIn) else line(one, f"SKU {n}") for n, one in enumerate(amounts)]
    return PurchaseIn(receipt, customer, now, currency, lines, tuple(coupons), points)


def back(position, amount_minor, *, now, quantity=1, number="B-1"):
    """One line's goods brought back."""
    return ReturnIn(number, now, [ReturnLineIn(position, Decimal(quantity), amount_minor)])
