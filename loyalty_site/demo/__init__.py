"""A store chain to look at: a real year of purchases, with believable people around it. Never in production."""
