"""Who is likely to use a coupon of an offer, learned from the mailings of before.

`features` and the regression (`customers.domain.logistic`) are arithmetic, `histories` reads what they need,
`selection` chooses a mailing's customers, `evaluation` measures it on campaigns of which it is known who redeemed what,
and `preferences` which of several coupons that was. numpy and scipy are heavy: only `histories` may be imported when a
web process starts.
"""
