from rewards.admin import coupon, earning, offer, points, program, purchase_import, reward, surprise

__all__ = ["coupon", "earning", "offer", "points", "program", "purchase_import", "reward", "surprise"]
