from rewards.admin import coupon, earning, hold, offer, points, program, purchase_import, reward, surprise

__all__ = ["coupon", "earning", "hold", "offer", "points", "program", "purchase_import", "reward", "surprise"]
