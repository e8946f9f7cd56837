from rewards.admin import coupon, earning, offer, points, program, reward, surprise

__all__ = ["coupon", "earning", "offer", "points", "program", "reward", "surprise"]
