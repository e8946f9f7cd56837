"""Coupons as the calculator reads them."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from rewards.domain.windows import Window

NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Terms:
    """What an offer says; it and what it names are row ids.

    `kind` is PERCENT, AMOUNT, FREE_PRODUCT, GIFT, which counts `cost_minor` of the budget, or MULTIPLIER.
    It is for lines of `products` or `categories`, for all when both are empty, and `min_spend_minor` counts on them.
    `points_milli` / 1000 times the points of these lines are earned. `window` and `blackout_dates` are of the store's
    clock and calendar.
    """

    kind: str
    currency: str
    valid_from: datetime
    valid_to: datetime | None = None
    published_at: datetime | None = None
    withdrawn_at: datetime | None = None
    offer: int = 0
    percent: Fraction = Fraction(0)
    amount_minor: int = 0
    discount_max_minor: int | None = None
    free_product: int | None = None
    points_milli: int = 0
    cost_minor: int = 0
    min_spend_minor: int = 0
    products: Set[int] = NONE
    categories: Set[int] = NONE
    stores: Set[int] = NONE
    segment: int | None = None
    window: Window | None = None
    blackout_dates: Set[date] = frozenset()
    is_stackable: bool = False
    priority: int = 0
    is_counted_by_customer: bool = False

    @property
    def is_for_all_lines(self) -> bool:
        return not self.products and not self.categories


@dataclass(frozen=True, slots=True)
class Left:
    """How much of an offer's limits is left for this customer at this time, as far as known before they are claimed;
    None where there is no limit."""

    redemptions: int | None = None
    customer: int | None = None
    period: int | None = None
    customer_period: int | None = None
    budget_minor: int | None = None


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
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    left: Left = Left()
