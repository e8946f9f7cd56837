"""Why a coupon is not good, each reason by a word that never changes."""

from datetime import timedelta
from typing import Literal

from rewards.domain.eligibility.baskets import Basket, Index
from rewards.domain.eligibility.terms import CouponIn, Left, Terms

# A till's clock may differ from ours by this much.
CLOCK_TOLERANCE = timedelta(minutes=15)

Refusal = Literal[
    "",
    "coupon_already_redeemed",
    "coupon_void",
    "coupon_not_yours",
    "coupon_not_yet_issued",
    "coupon_not_yet_good",
    "coupon_expired",
    "coupon_other_currency",
    "coupon_needs_customer",
    "coupon_worth_nothing",
    "coupons_not_combinable",
    "offer_not_live",
    "offer_withdrawn",
    "offer_other_segment",
    "offer_other_store",
    "offer_other_hours",
    "offer_blackout",
    "no_eligible_items",
    "free_product_missing",
    "min_spend_not_reached",
    "offer_limit_reached",
    "customer_limit_reached",
    "period_limit_reached",
    "customer_period_limit_reached",
    "offer_budget_spent",
]


def refusal_of(*, coupon: CouponIn, basket: Basket, index: Index | None = None) -> Refusal:
    """The first reason against one coupon by itself; empty when it is good. `index` is that of the basket's lines."""
    if basket.lines is not None and index is None:
        index = Index(basket.lines)
    return (
        refusal_of_state(coupon.state)
        or _of_holder_and_dates(coupon, basket)
        or _of_customer(coupon.terms, basket)
        or _of_place_and_hour(coupon.terms, basket)
        or (_of_lines(coupon.terms, index) if index is not None else "")
        or refusal_of_limits(coupon.left)
        or _of_cost(coupon)
    )


def refusal_of_state(state: str) -> Refusal:
    if state == "REDEEMED":
        return "coupon_already_redeemed"
    return "coupon_void" if state == "VOID" else ""


def refusal_of_limits(left: Left, used: int = 0) -> Refusal:
    """`used` is how often the basket has used the offer already."""
    if left.redemptions is not None and left.redemptions <= used:
        return "offer_limit_reached"
    if left.customer is not None and left.customer <= used:
        return "customer_limit_reached"
    if left.period is not None and left.period <= used:
        return "period_limit_reached"
    if left.customer_period is not None and left.customer_period <= used:
        return "customer_period_limit_reached"
    return ""


def _of_cost(coupon: CouponIn) -> Refusal:
    budget = coupon.left.budget_minor
    return "offer_budget_spent" if budget is not None and coupon.terms.cost_minor > budget else ""


def _of_holder_and_dates(coupon: CouponIn, basket: Basket) -> Refusal:
    terms, at = coupon.terms, basket.purchased_at
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
    if coupon.starts_at is not None and at < coupon.starts_at:
        return "coupon_not_yet_good"
    return "coupon_other_currency" if terms.currency != basket.currency else ""


def _of_customer(terms: Terms, basket: Basket) -> Refusal:
    """Only of a customer is known in which segment they are and how often they used it, and only they earn points."""
    if basket.customer is None:
        needs_one = terms.segment is not None or terms.is_counted_by_customer or terms.kind == "MULTIPLIER"
        return "coupon_needs_customer" if needs_one else ""
    return "" if terms.segment is None or terms.segment in basket.segments else "offer_other_segment"


def _of_place_and_hour(terms: Terms, basket: Basket) -> Refusal:
    if basket.store is not None and terms.stores and basket.store not in terms.stores:
        return "offer_other_store"
    if basket.local_at is None:
        return ""
    day = terms.window.day_of(basket.local_at) if terms.window else basket.local_at.date()
    if day in terms.blackout_dates:
        return "offer_blackout"
    return "" if terms.window is None or terms.window.covers(basket.local_at) else "offer_other_hours"


def _of_lines(terms: Terms, index: Index) -> Refusal:
    if not index.fits(terms):
        return "no_eligible_items"
    if terms.kind == "FREE_PRODUCT" and not index.of_product(terms.free_product):
        return "free_product_missing"
    return "min_spend_not_reached" if index.eligible_minor(terms) < terms.min_spend_minor else ""
