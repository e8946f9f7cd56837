"""Coupons, with what their offers say, as the calculator reads them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from customers.models import Store
from loyalty_site.lib import statements
from rewards.domain import eligibility
from rewards.domain.breakdowns import MILLI
from rewards.domain.windows import Window
from rewards.models import Coupon, Offer


@dataclass(frozen=True, slots=True)
class Scope:
    """What stands beside the row of an offer for one customer and moment: see offers_scopes."""

    products: frozenset[int]
    categories: frozenset[int]
    stores: frozenset[int]
    is_member: bool
    used: Sequence[int | None]

    @classmethod
    def of_row(cls, values: Sequence[Any]) -> "Scope":
        products, categories, stores, is_member, *used = values
        return cls(frozenset(products), frozenset(categories), frozenset(stores), is_member, used)


def basket(
    *,
    lines: Sequence[eligibility.Line] | None,
    currency: str,
    customer_id: int | None,
    segments: frozenset[int],
    store: Store | None,
    at: datetime,
) -> eligibility.Basket:
    """What is bought at `at`: None where nobody knows yet."""
    local_at = at.astimezone(ZoneInfo(store.timezone)) if store else None
    return eligibility.Basket(lines, currency, customer_id, at, store.pk if store else None, local_at, segments)


def read(
    *, coupons: Iterable[Coupon], customer_id: int | None, at: datetime, scopes: Mapping[int, Scope] | None = None
) -> tuple[list[eligibility.CouponIn], frozenset[int]]:
    """The coupons with what is left of their offers' limits for a purchase at `at`, and those segments of the customer
    that these offers are meant for. One query, however many they are; none with `scopes`, by offer id."""
    coupons = list(coupons)
    if scopes is None:
        offers = statements.numbers({coupon.offer_id for coupon in coupons})
        found = statements.rows(_SCOPES, (customer_id, at, offers))
        scopes = {offer: Scope.of_row(values) for offer, *values in found}
    as_read = [_as_read(coupon, scopes[coupon.offer_id]) for coupon in coupons]
    segments = (one.terms.segment for one in as_read if scopes[one.terms.offer].is_member)
    return as_read, frozenset(segment for segment in segments if segment is not None)


def _as_read(coupon: Coupon, scope: Scope) -> eligibility.CouponIn:
    return eligibility.CouponIn(
        code=coupon.code,
        terms=_terms(coupon.offer, scope),
        state=coupon.state,
        customer=coupon.customer_id,
        issued_at=coupon.issued_at,
        starts_at=coupon.starts_at,
        expires_at=coupon.expires_at,
        left=_left(coupon.offer, *scope.used),
    )


def _terms(offer: Offer, scope: Scope) -> eligibility.Terms:
    has_window = offer.weekdays or offer.time_from is not None
    return eligibility.Terms(
        kind=offer.kind,
        currency=offer.currency,
        valid_from=offer.valid_from,
        valid_to=offer.valid_to,
        published_at=offer.published_at,
        withdrawn_at=offer.withdrawn_at,
        offer=offer.pk,
        percent=Fraction(offer.percent or 0),
        amount_minor=offer.amount_minor or 0,
        discount_max_minor=offer.discount_max_minor,
        free_product=offer.free_product_id,
        cost_minor=offer.cost_minor or 0,
        points_milli=int((offer.points_multiplier or 0) * MILLI),
        min_spend_minor=offer.min_spend_minor,
        products=scope.products,
        categories=scope.categories,
        stores=scope.stores,
        segment=offer.segment_id,
        window=Window(frozenset(offer.weekdays), offer.time_from, offer.time_to) if has_window else None,
        blackout_dates=frozenset(offer.blackout_dates),
        is_stackable=offer.is_stackable,
        priority=offer.priority,
        is_counted_by_customer=offer.customer_max is not None or offer.customer_period_max is not None,
    )


def _left(
    offer: Offer, by_customer: int | None, in_period: int | None, by_customer_in_period: int | None
) -> eligibility.Left:
    return eligibility.Left(
        redemptions=_less(offer.redemptions_max, offer.redeemed_count),
        customer=_less(offer.customer_max, by_customer),
        period=_less(offer.period_max, in_period),
        customer_period=_less(offer.customer_period_max, by_customer_in_period),
        budget_minor=_less(offer.budget_minor, offer.redeemed_minor),
    )


def _less(most: int | None, used: int | None) -> int | None:
    return None if most is None else most - (used or 0)


_SCOPES = "SELECT * FROM offers_scopes(%s, %s, %s::bigint[])"
