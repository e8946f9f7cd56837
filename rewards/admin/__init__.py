from rewards.admin import (
    adjustment,
    coupon,
    earning,
    hold,
    offer,
    points,
    program,
    purchase_import,
    redemption,
    reward,
    surprise,
)

__all__ = [
    "adjustment",
    "coupon",
    "earning",
    "hold",
    "offer",
    "points",
    "program",
    "purchase_import",
    "redemption",
    "reward",
    "surprise",
]
