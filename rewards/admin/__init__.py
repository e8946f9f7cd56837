from rewards.admin import coupon, earning, hold, offer, points, program, purchase_import, redemption, reward, surprise

__all__ = [
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
