"""What tills tell."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.config import JsonDict

from customers.domain import purchases
from loyalty_site.lib.api.fields import (
    Amount,
    Code,
    Currency,
    Moment,
    OptionalText,
    OptionalWord,
    Points,
    PointsOrNone,
    Quantity,
    Sku,
    Told,
    Word,
    within_bounds,
)

MAX_LINES = 1000
MAX_COUPONS = 20


class LineTold(Told):
    """`amount_minor` is what the line cost after its own price reductions and before coupons and points; `tax_minor` is
    the tax contained in it, for programmes that award no points for tax."""

    sku: Sku
    name: OptionalText = ""
    category: OptionalWord = ""
    quantity: Quantity
    amount_minor: Amount
    tax_minor: Amount = 0

    def told(self) -> purchases.LineIn:
        return purchases.LineIn(
            self.sku, self.name, self.category, self.quantity, self.amount_minor, tax_minor=self.tax_minor
        )


def _bounded(lines: list[LineTold]) -> list[LineTold]:
    within_bounds([line.amount_minor for line in lines])
    return lines


Lines = Annotated[list[LineTold], Field(min_length=1, max_length=MAX_LINES), AfterValidator(_bounded)]
Coupons = Annotated[list[Code], Field(max_length=MAX_COUPONS)]

_PURCHASE: JsonDict = {
    "receipt_number": "R-2026-000123",
    "customer": "C7K2-94QX",
    "purchased_at": "2026-11-23T10:15:00+08:00",
    "currency": "CNY",
    "coupons": [],
    "points_to_redeem": 0,
    "lines": [{"sku": "4011", "name": "Bananas", "category": "FRUIT", "quantity": "1.250", "amount_minor": 1250}],
}


class PurchaseTold(Told):
    """`customer` is null for an anonymous sale. An unknown sku is created with its name and category.

    `gift_card_minor` is the part of what was paid that came from gift cards.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_PURCHASE]})

    receipt_number: Word
    customer: Code | None
    purchased_at: Moment
    currency: Currency
    coupons: Coupons = []
    points_to_redeem: PointsOrNone = 0
    gift_card_minor: Amount = 0
    lines: Lines


class BasketTold(Told):
    """A purchase that has not happened yet; without `purchased_at` it is one of now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{k: v for k, v in _PURCHASE.items() if k != "receipt_number"}]}
    )

    receipt_number: Word | None = None
    customer: Code | None = None
    purchased_at: Moment | None = None
    currency: Currency
    coupons: Coupons = []
    points_to_redeem: PointsOrNone = 0
    gift_card_minor: Amount = 0
    lines: Lines


class ReturnLineTold(Told):
    """`line` is its number on the receipt, from 1."""

    line: Annotated[int, Field(ge=1, le=MAX_LINES)]
    quantity: Quantity
    amount_minor: Amount


class ReturnTold(Told):
    return_number: Word = Field(examples=["B-2026-000007"])
    returned_at: Moment
    lines: Annotated[list[ReturnLineTold], Field(min_length=1, max_length=MAX_LINES)]


class CouponCheckIn(Told):
    """Without lines only what speaks against the coupon itself is looked at."""

    customer: Code | None = None
    purchased_at: Moment | None = None
    currency: Currency | None = None
    lines: Lines | None = None


class CouponRedeemIn(Told):
    customer: Code | None = None


class CouponHoldIn(Told):
    """`seconds`: a day at most."""

    customer: Code | None = None
    seconds: Annotated[int, Field(ge=1, le=24 * 3600)]


class RollBackIn(Told):
    reason: OptionalText = ""


class HoldIn(Told):
    """`seconds`: a week at most."""

    points: Points
    seconds: Annotated[int, Field(ge=1, le=7 * 24 * 3600)]


class RedemptionIn(Told):
    reward: Code = Field(examples=["1"], description="its id")
    quantity: Annotated[int, Field(ge=1, le=1000)] = 1


class Nothing(Told):
    """The call says it all by its address."""
