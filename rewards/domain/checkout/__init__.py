"""A till's transaction: what was bought, with coupons and points, is booked whole or not at all.

Everybody takes locks in this order, so that no two tills wait for each other in a ring: the receipt number (by its
insertion), new categories and products (in order), the customer's points account, coupons by id, offers by id, surprise
rules by id.
"""

from rewards.domain.checkout.quotation import Quote, quote
from rewards.domain.checkout.refusals import (
    CLOCK_TOLERANCE,
    PointsExceedAmount,
    PointsOtherCurrency,
    PointsWithoutCustomer,
    PurchasedInFuture,
)
from rewards.domain.checkout.settlement import Settlement, settle
from rewards.domain.checkout.told import PurchaseIn

__all__ = [
    "CLOCK_TOLERANCE",
    "PointsExceedAmount",
    "PointsOtherCurrency",
    "PointsWithoutCustomer",
    "PurchaseIn",
    "PurchasedInFuture",
    "Quote",
    "Settlement",
    "quote",
    "settle",
]
