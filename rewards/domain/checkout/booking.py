"""What follows from a purchase that was just recorded: points, coupons, surprises, the tier."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from customers.models import Purchase
from loyalty_site.lib import statements
from loyalty_site.lib.actors import Actor
from rewards.domain import coupon_redemptions, earning, points, surprises, tiers
from rewards.domain.checkout.facts import Facts
from rewards.domain.checkout.pricing import Priced
from rewards.models import CouponRedemption, PointsEntry, Surprise


@dataclass(frozen=True, slots=True)
class Booked:
    awarded: PointsEntry | None
    redeemed: PointsEntry | None
    coupons: Sequence[CouponRedemption]
    surprises: Sequence[Surprise]
    summary: points.PointsSummary | None
    tier: tiers.Standing | None


def book(
    *, purchase: Purchase, redeem: int, earned: earning.Earned, priced: Priced, facts: Facts, by: Actor, at: datetime
) -> Booked:
    """`redeem` points pay for the purchase; `earned` are awarded as of when it was made.

    Raises InsufficientPoints, CustomerMerged, CustomerClosed, and the refusal of a coupon or its offer; the caller's
    transaction must then end.
    """
    customer = purchase.customer
    values = (
        purchase.pk,
        purchase.customer_id,
        redeem if customer else 0,
        earned.points if customer else 0,
        json.dumps(earned.breakdown, ensure_ascii=False) if customer and earned.points else None,
        purchase.purchased_at,
        at,
        str(by),
        statements.numbers(coupon.pk for coupon in priced.found),
        statements.numbers(priced.found.values()),
    )
    with points.refusing_who_is_gone():
        (row,) = statements.rows(_BOOK, values)
    redeemed, awarded = _entry(row[:_ENTRY]), _entry(row[_ENTRY : 2 * _ENTRY])
    ids, refusal, refused, balance, debt, held, *lots = row[2 * _ENTRY :]
    if customer and redeem and redeemed is None:
        raise points.not_enough(customer=customer, points=redeem, at=at)
    used = coupon_redemptions.claimed(
        answer=(ids, refusal, refused), discounts=priced.found, purchase=purchase, customer=customer, by=by, at=at
    )
    given = surprises.after_purchase(purchase=purchase, by=by, at=at, may_fit=facts.may_surprise)
    tier = summary = None
    if customer:
        tier = tiers.reassess(customer=customer, by=by, at=at) if facts.terms.has_tiers else None
        rows = [(balance, debt, held, *lot) for lot in zip(*lots, strict=True)]
        has_points = any(surprise.points_entry for surprise in given)
        summary = points.summary(customer=customer, at=at, answer=None if has_points else rows)
    return Booked(awarded, redeemed, used, given, summary, tier)


def _entry(values: Sequence[object]) -> PointsEntry | None:
    return None if values[0] is None else statements.instance(PointsEntry, values)


_ENTRY = len(PointsEntry._meta.concrete_fields)
_REDEEMED, _AWARDED = (statements.columns(PointsEntry, f"(booked.{name})") for name in ("redeemed", "awarded"))
_BOOK = (
    f"SELECT {_REDEEMED}, {_AWARDED},"  # noqa: S608
    " redemptions, refusal, refused, balance, debt, held, points, is_available, expires_at"
    " FROM checkout_book(%s, %s, %s, %s, %s, %s, %s, %s, %s::bigint[], %s::bigint[]) AS booked"
)
