"""The chance that a customer stays away for the next 28 days, learned from who did in the months before.

`features` and the regression (`logistic`) are arithmetic, `chances` tells everybody's each night, and `evaluation`
measures it on a history of days with a purchase. numpy and scipy are heavy: only `chances` may be imported when a web
process starts.
"""
