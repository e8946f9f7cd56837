"""What customers may bring: how often they will come, and what a visit is worth.

`mixtures` is arithmetic on the models of `visits`, `forecasts` tells everybody's each night, and `evaluation` measures
it on a history of purchases. numpy is heavy: only `forecasts` may be imported when a web process starts.
"""
