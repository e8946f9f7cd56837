"""Whether coupons are good for a basket and what they are worth: no database, no clock.

Discounts are rounded down to the minor unit, once for each coupon, and spread over the lines in proportion to what the
lines still cost, largest remainder first, so that the lines' shares sum to the discount exactly and no line costs less
than nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal

# A till's clock may differ from ours by this much.
CLOCK_TOLERANCE = timedelta(minutes=15)

Refusal = Literal[
    "",
    "coupon_already_redeemed",
    "coupon_void",
    "coupon_not_yours",
    "coupon_not_yet_issued",
    "coupon_expired",
    "coupon_other_currency",
    "coupon_worth_nothing",
    "offer_not_live",
    "offer_withdrawn",
    "offer_limit_reached",
    "offer_budget_spent",
    "min_spend_not_reached",
    "coupons_not_combinable",
]


@dataclass(frozen=True, slots=True)
class Terms:
    """What an offer says. `kind` is PERCENT, AMOUNT or GIFT; what is left is None where there is no bound."""

    kind: str
    currency: str
    valid_from: datetime
    valid_to: datetime | None = None
    published_at: datetime | None = None
    withdrawn_at: datetime | None = None
    percent: Fraction = Fraction(0)
    amount_minor: int = 0
    discount_max_minor: int | None = None
    min_spend_minor: int = 0
    is_stackable: bool = False
    redemptions_left: int | None = None
    budget_left_minor: int | None = None


@dataclass(frozen=True, slots=True)
class CouponIn:
    """`state` is ISSUED, REDEEMED or VOID; without `customer` it is good for whoever bears it.

    `issued_at` by our clock: a purchase that a till dates back before it cannot have been made with this coupon.
    """

    code: str
    terms: Terms
    state: str = "ISSUED"
    customer: int | None = None
    issued_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Basket:
    """`amounts` of the lines in minor units, before coupons and points."""

    amounts: Sequence[int]
    currency: str
    customer: int | None
    purchased_at: datetime


@dataclass(frozen=True, slots=True)
class Evaluation:
    """By coupon code: its discount, or the word for its refusal. `line_discounts` are those of all coupons together."""

    discounts: dict[str, int]
    refusals: dict[str, Refusal]
    line_discounts: tuple[int, ...]

    @property
    def discount_minor(self) -> int:
        return sum(self.discounts.values())


def evaluate(*, coupons: Sequence[CouponIn], basket: Basket) -> Evaluation:
    """Applies the coupons that are good, percentages before amounts, whatever the order they were shown in.

    Each takes off what the ones before it left. Several count only when all of them can be combined.
    """
    discounts: dict[str, int] = {}
    refusals: dict[str, Refusal] = {}
    left = list(basket.amounts)
    combinable = len(coupons) == 1 or all(coupon.terms.is_stackable for coupon in coupons)
    for coupon in sorted(coupons, key=lambda coupon: (coupon.terms.kind != "PERCENT", coupon.code)):
        refusal = refusal_of(coupon=coupon, basket=basket)
        discount = discount_of(terms=coupon.terms, total_minor=sum(left))
        if not refusal and not combinable:
            refusal = "coupons_not_combinable"
        if not refusal and not discount and coupon.terms.kind != "GIFT":
            refusal = "coupon_worth_nothing"
        if not refusal and coupon.terms.budget_left_minor is not None and discount > coupon.terms.budget_left_minor:
            refusal = "offer_budget_spent"
        if refusal:
            refusals[coupon.code] = refusal
            continue
        discounts[coupon.code] = discount
        left = [amount - share for amount, share in zip(left, spread(discount, left), strict=True)]
    shares = tuple(amount - rest for amount, rest in zip(basket.amounts, left, strict=True))
    return Evaluation(discounts, refusals, shares)


def refusal_of(*, coupon: CouponIn, basket: Basket) -> Refusal:
    """The first reason against one coupon by itself; empty when it is good."""
    terms, at = coupon.terms, basket.purchased_at
    if refusal := refusal_of_state(coupon.state):
        return refusal
    if coupon.customer is not None and coupon.customer != basket.customer:
        return "coupon_not_yours"
    if coupon.issued_at is not None and at < coupon.issued_at - CLOCK_TOLERANCE:
        return "coupon_not_yet_issued"
    if terms.withdrawn_at is not None and terms.withdrawn_at <= at:
        return "offer_withdrawn"
    if terms.published_at is None or at < terms.published_at or at < terms.valid_from:
        return "offer_not_live"
    if any(end is not None and end <= at for end in (coupon.expires_at, terms.valid_to)):
        return "coupon_expired"
    if terms.currency != basket.currency:
        return "coupon_other_currency"
    if sum(basket.amounts) < terms.min_spend_minor:
        return "min_spend_not_reached"
    if terms.redemptions_left is not None and terms.redemptions_left <= 0:
        return "offer_limit_reached"
    return ""


def refusal_of_state(state: str) -> Refusal:
    if state == "REDEEMED":
        return "coupon_already_redeemed"
    return "coupon_void" if state == "VOID" else ""


def discount_of(*, terms: Terms, total_minor: int) -> int:
    """What a coupon takes off `total_minor`, never more than all of it."""
    if terms.kind == "AMOUNT":
        return min(terms.amount_minor, total_minor)
    discount = int(total_minor * terms.percent / 100)
    return discount if terms.discount_max_minor is None else min(discount, terms.discount_max_minor)


def spread(discount: int, amounts: Sequence[int]) -> list[int]:
    """Shares of `discount` in proportion to `amounts`, whole units by largest remainder, the earlier line first."""
    total = sum(amounts)
    if not total:
        return [0] * len(amounts)
    shares = [discount * amount // total for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda i: (-(discount * amounts[i] % total), i))
    for i in by_remainder[: discount - sum(shares)]:
        shares[i] += 1
    return shares
