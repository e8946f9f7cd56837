"""What tills and the server say to each other about purchases, points, coupons and rewards."""
