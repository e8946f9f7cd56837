"""A till's transaction: what was bought, with coupons and points, is booked whole or not at all.

Everybody takes locks in this order, so that no two tills wait for each other in a ring: the lines of the one purchase
that goods come back of (by position), the receipt's or return's number (by its insertion), new categories and products
(in order), the customer's points account, coupons by id, offers by id, their tallies by key, surprise rules by id.
"""

from rewards.domain.checkout.proposing import Proposal, propose
from rewards.domain.checkout.quotation import Quote, quote
from rewards.domain.checkout.refusals import (
    GiftCardExceedsAmount,
    NothingReturned,
    PointsExceedAmount,
    PointsOtherCurrency,
    PointsWithoutCustomer,
    PurchasedInFuture,
    ReturnedBeforePurchase,
    ReturnedInFuture,
    TaxExceedsAmount,
)
from rewards.domain.checkout.returns import TakenBack, take_back, taken_back
from rewards.domain.checkout.settlement import Settlement, settle, settled_before
from rewards.domain.checkout.told import PurchaseIn, ReturnIn
from rewards.domain.eligibility import CLOCK_TOLERANCE

__all__ = [
    "CLOCK_TOLERANCE",
    "NothingReturned",
    "GiftCardExceedsAmount",
    "PointsExceedAmount",
    "PointsOtherCurrency",
    "PointsWithoutCustomer",
    "Proposal",
    "PurchaseIn",
    "PurchasedInFuture",
    "Quote",
    "ReturnIn",
    "ReturnedBeforePurchase",
    "ReturnedInFuture",
    "Settlement",
    "TakenBack",
    "TaxExceedsAmount",
    "propose",
    "quote",
    "settle",
    "settled_before",
    "take_back",
    "taken_back",
]
