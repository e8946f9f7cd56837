"""What a basket would come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from customers.models import Store
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import earning
from rewards.domain.checkout import pricing
from rewards.domain.checkout.told import PurchaseIn
from rewards.models import Program


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket would come to; nothing is written. Refused coupons do not count."""

    total_minor: int
    discount_minor: int
    points_value_minor: int
    paid_minor: int
    earned: earning.Earned
    discounts: Mapping[str, int]
    refusals: Mapping[str, DomainError]
    points_payable: int


def quote(*, purchase: PurchaseIn, store: Store, by: Actor | None = None, at: datetime) -> Quote:
    """What `settle` would book, told by the same, with each refused coupon's reason, and how many points could pay.

    Raises PointsExceedAmount, PointsWithoutCustomer, PointsOtherCurrency, GiftCardExceedsAmount or TaxExceedsAmount.
    """
    program = Program.objects.current()
    priced = pricing.priced(purchase=purchase, store=store, by=by, at=at)
    points_value = pricing.points_value(purchase=purchase, left_minor=priced.left_minor, program=program)
    pricing.gift_card_value(purchase=purchase, left_minor=priced.left_minor - points_value)
    total = sum(line.amount_minor for line in purchase.lines)
    earned = pricing.earned(
        purchase=purchase, priced=priced, points_value_minor=points_value, store=store, program=program
    )
    return Quote(
        total_minor=total,
        discount_minor=total - priced.left_minor,
        points_value_minor=points_value,
        paid_minor=priced.left_minor - points_value,
        earned=earned if purchase.customer else earning.Earned(0, reason="no_customer"),
        discounts={coupon.display_code: discount for coupon, discount in priced.found.items()},
        refusals=priced.refusals,
        points_payable=pricing.points_payable(purchase=purchase, left_minor=priced.left_minor, program=program, at=at),
    )
