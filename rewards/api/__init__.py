"""The till API's calls about points, purchases, coupons and rewards."""
