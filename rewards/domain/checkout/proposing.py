"""Which of their coupons a customer had best use for a basket."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from customers.models import Store
from rewards.domain import eligibility, queries
from rewards.domain.checkout import pricing
from rewards.domain.checkout.told import PurchaseIn
from rewards.models import Coupon


@dataclass(frozen=True, slots=True)
class Proposal:
    """A coupon that is good for the basket, what it would take off alone, and whether it is among those that take off
    most together."""

    coupon: Coupon
    discount_minor: int
    is_proposed: bool


def propose(
    *, purchase: PurchaseIn, store: Store, at: datetime, usable: Sequence[Coupon] | None = None
) -> list[Proposal]:
    """The proposed ones first, then those that take off most alone. `usable` are the customer's coupons where they were
    read before. The coupons that the purchase names do not count: these are instead of them."""
    if purchase.customer is None:
        return []
    found = queries.available_coupons(customer=purchase.customer, at=at) if usable is None else usable
    if not found:
        return []
    by_code = {coupon.code: coupon for coupon in found}
    as_read, basket = pricing.as_read(shown=found, purchase=purchase, store=store)
    best = eligibility.best(coupons=as_read, basket=basket)
    proposals = [Proposal(by_code[code], minor, code in best.proposed) for code, minor in best.alone.items()]
    return sorted(proposals, key=lambda one: (not one.is_proposed, -one.discount_minor, one.coupon.pk))
