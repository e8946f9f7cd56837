"""Which of a customer's coupons to propose for a basket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rewards.domain.eligibility.baskets import Basket, Index
from rewards.domain.eligibility.evaluation import alone, applied
from rewards.domain.eligibility.reasons import refusal_of
from rewards.domain.eligibility.terms import CouponIn

# More than these nobody hands over at a till.
PROPOSED_MAX = 5

# Discount, then points, then gifts.
Worth = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Best:
    """`alone` is what each good coupon would take off by itself, by code; gifts and multipliers take off nothing.

    `proposed` are the codes that take off most together, `discount_minor` how much that is.
    """

    alone: Mapping[str, int]
    proposed: tuple[str, ...] = ()
    discount_minor: int = 0


def best(*, coupons: Sequence[CouponIn], basket: Basket) -> Best:
    """Of the coupons that are good: either one by itself, or those that can be combined, whichever takes off more.

    None is proposed that would be used up for nothing. Of equal ones fewer coupons, then the ones that expire first.
    """
    index = Index(basket.lines or ())
    good = [coupon for coupon in coupons if not refusal_of(coupon=coupon, basket=basket, index=index)]
    worth = {coupon.code: _worth_alone(coupon, index) for coupon in good}
    useful = sorted((one for one in good if any(worth[one.code])), key=lambda one: _order(one, worth[one.code]))
    single = useful[:1]
    together = _without_waste([coupon for coupon in useful if coupon.terms.is_stackable][:PROPOSED_MAX], index)
    chosen = together if _worth(together, index) > _worth(single, index) else single
    return Best(
        {coupon.code: worth[coupon.code][0] for coupon in useful},
        tuple(coupon.code for coupon in chosen),
        applied(chosen, index).discount_minor,
    )


def _worth_alone(coupon: CouponIn, index: Index) -> Worth:
    """Nothing when the budget does not cover it."""
    discount, budget = alone(coupon.terms, index), coupon.left.budget_minor
    if budget is not None and discount > budget:
        return 0, 0, 0
    return discount, coupon.terms.points_milli * index.eligible_minor(coupon.terms), coupon.terms.kind == "GIFT"


def _worth(coupons: Sequence[CouponIn], index: Index) -> Worth:
    found = applied(coupons, index)
    points = sum(one.milli * index.lines[at].amount_minor for one in found.multiplied for at in one.lines)
    return found.discount_minor, points, sum(one.terms.kind == "GIFT" for one in coupons if one.code in found.discounts)


def _order(coupon: CouponIn, worth: Worth) -> tuple[int, int, int, bool, float, str]:
    expires = coupon.expires_at
    discount, points, gifts = worth
    return -discount, -points, -gifts, expires is None, expires.timestamp() if expires else 0, coupon.code


def _without_waste(coupons: Sequence[CouponIn], index: Index) -> list[CouponIn]:
    """Without those that the others make useless, the least first."""
    kept, worth = list(coupons), _worth(coupons, index)
    for coupon in reversed(coupons):
        fewer = [one for one in kept if one is not coupon]
        if _worth(fewer, index) >= worth:
            kept = fewer
    return kept
