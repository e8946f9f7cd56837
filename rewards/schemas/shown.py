"""What tills are told."""

from datetime import datetime

from loyalty_site.lib.api.fields import Shown


class ExpiringOut(Shown):
    points: int
    expires_at: datetime


class PointsOut(Shown):
    """`balance` is the ledger's; `available` can be spent now, `pending` later; `held` is set aside by a hold."""

    balance: int
    available: int
    pending: int
    held: int
    debt: int
    expiring: list[ExpiringOut]


class TierOut(Shown):
    """`name` is null below the lowest tier, `next` above the highest.

    What is missing to the next tier is in points, or in money where the programme's tiers count what was paid.
    """

    name: str | None
    next: str | None
    points_to_next: int | None
    amount_to_next_minor: int | None


class RewardOut(Shown):
    """`stock` is null where there is no limit; `picture` is an address."""

    id: str
    name: str
    description: str
    kind: str
    cost_points: int
    stock: int | None
    picture: str | None


class RewardList(Shown):
    items: list[RewardOut]
    next_cursor: str | None


class CouponOut(Shown):
    code: str
    title: str
    description: str
    kind: str
    expires_at: datetime | None


class CustomerOut(Shown):
    """`rewards` are those that the available points suffice for, `coupons` those that a till would take now."""

    number: str
    name: str
    tier: TierOut | None
    points: PointsOut
    rewards: list[RewardOut]
    coupons: list[CouponOut]


class CustomerList(Shown):
    items: list[CustomerOut]
    next_cursor: str | None = None


class EntryOut(Shown):
    id: str
    kind: str
    points: int
    balance_after: int
    happened_at: datetime
    reference: str
    explanation: str


class EntryList(Shown):
    items: list[EntryOut]
    next_cursor: str | None


class UsedCouponOut(Shown):
    code: str
    discount_minor: int


class RefusalOut(Shown):
    code: str
    detail: str


class QuotedCouponOut(Shown):
    """`refusal` says why it would not be taken; then it takes nothing off."""

    code: str
    discount_minor: int
    refusal: RefusalOut | None


class ProposedCouponOut(Shown):
    """A coupon of the customer that is good for this basket: what it would take off alone, and whether it is among
    those that take off most together."""

    code: str
    title: str
    kind: str
    conditions: str
    discount_minor: int
    proposed: bool


class QuotedPointsOut(Shown):
    """`payable` is how many points could pay for this basket."""

    earned: int
    payable: int


class QuoteOut(Shown):
    currency: str
    total_minor: int
    discount_minor: int
    points_value_minor: int
    paid_minor: int
    points: QuotedPointsOut
    coupons: list[QuotedCouponOut]
    proposals: list[ProposedCouponOut]


class SettledPointsOut(Shown):
    """`pending` of the earned points can be spent only later; `balance` is the customer's when this was booked."""

    earned: int
    pending: int
    redeemed: int
    balance: int


class SurpriseOut(Shown):
    """`kind` is coupon, gift (to hand over) or points. `code` is null for points, `points` for the others."""

    kind: str
    title: str
    message: str
    code: str | None
    points: int | None
    expires_at: datetime | None


class SettlementOut(Shown):
    """What was booked; `tier` is of now."""

    id: str
    receipt_number: str
    customer: str | None
    total_minor: int
    discount_minor: int
    points_value_minor: int
    paid_minor: int
    points: SettledPointsOut
    coupons: list[UsedCouponOut]
    surprises: list[SurpriseOut]
    tier: TierOut | None


class LineOut(Shown):
    """`line` is its number on the receipt, from 1; `discount_minor` its share of the coupons' discount."""

    line: int
    sku: str
    name: str
    category: str
    quantity: str
    amount_minor: int
    discount_minor: int
    tax_minor: int


class ReturnedLineOut(Shown):
    line: int
    quantity: str
    amount_minor: int


class ReturnOut(Shown):
    id: str
    return_number: str
    returned_at: datetime
    lines: list[ReturnedLineOut]


class TakenBackPointsOut(Shown):
    """Both counted upwards; `balance` is the customer's when this was booked."""

    clawed_back: int
    reimbursed: int
    balance: int


class GivenBackCouponOut(Shown):
    code: str
    expires_at: datetime | None


class TakenBackOut(ReturnOut):
    """`coupons` are good again."""

    purchase: str
    points: TakenBackPointsOut
    coupons: list[GivenBackCouponOut]


class PurchaseOut(SettlementOut):
    """What was booked, and what came back since."""

    store: str
    purchased_at: datetime
    currency: str
    gift_card_minor: int
    lines: list[LineOut]
    entries: list[EntryOut]
    returns: list[ReturnOut]


class CouponCheckOut(Shown):
    """`discount_minor` is null where no basket was told. `code` is that of the refusal, `coupon` the coupon's own;
    `conditions` says in a sentence what it gives, for what, where and when."""

    coupon: str
    usable: bool
    discount_minor: int | None
    code: str | None
    detail: str | None
    title: str | None
    kind: str | None
    conditions: str | None
    expires_at: datetime | None


class CouponRedeemedOut(Shown):
    id: str
    coupon: str
    title: str
    kind: str
    redeemed_at: datetime


class CouponHoldOut(Shown):
    """`state` is open, captured, released or expired."""

    id: str
    coupon: str
    customer: str | None
    state: str
    held_at: datetime
    expires_at: datetime


class CouponRedemptionOut(Shown):
    id: str
    coupon: str
    redeemed_at: datetime
    rolled_back_at: datetime | None


class HoldOut(Shown):
    """`state` is open, captured, released or expired."""

    id: str
    customer: str
    points: int
    state: str
    held_at: datetime
    expires_at: datetime
    closed_at: datetime | None


class RewardNameOut(Shown):
    id: str
    name: str


class RedemptionOut(Shown):
    id: str
    customer: str
    reward: RewardNameOut
    quantity: int
    points: int
    pickup_code: str
    state: str
    requested_at: datetime
    closed_at: datetime | None
