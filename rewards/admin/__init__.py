from rewards.admin import (
    adjustment,
    alert,
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
    "alert",
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
