"""What tells whether a customer uses a coupon: four numbers, each from what was known before the coupon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DAYS = 365  # of purchases that count
HALF_LIFE = 60.0  # days after which a purchase of what the offer is for counts half

_USUAL_REDEMPTIONS, _USUAL_COUPONS = 0.15, 1.5
_USUAL_DISCOUNTS, _USUAL_BASKETS = 0.3, 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """By case, a customer and an offer: coupons the customer had before and those of them redeemed; baskets, those with
    a coupon's discount, the fading sum of those with something the offer is for, and how many such products."""

    coupons: Array
    redeemed: Array
    baskets: Array
    discounted: Array
    fading: Array
    products: Array


def table(counts: Counts) -> Array:
    """Cases × 4. Few coupons or baskets say little: each share begins at a usual one."""
    return np.stack(
        [
            np.log((counts.redeemed + _USUAL_REDEMPTIONS) / (counts.coupons + _USUAL_COUPONS)),
            np.log((counts.discounted + _USUAL_DISCOUNTS) / (counts.baskets + _USUAL_BASKETS)),
            np.log1p(counts.fading),
            np.log1p(counts.products),
        ],
        axis=1,
    )
