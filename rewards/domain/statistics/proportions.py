"""Shares of customers, and the difference between two."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

Z_95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Interval:
    """What was found, and the 95 % interval around it."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def wilson(part: int, whole: int) -> Interval:
    """The share `part / whole` with its score interval. ValueError without a whole.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (1927), 209–212; method 3 of R. G. Newcombe, "Two-sided confidence intervals for
    the single proportion: comparison of seven methods", Statistics in Medicine 17 (1998), 857–872.
    """
    if not 0 <= part <= whole or not whole:
        raise ValueError(f"{part} of {whole} is no share")
    share, square = part / whole, Z_95**2
    center = 2 * part + square
    margin = Z_95 * sqrt(square + 4 * part * (1 - share))
    double = 2 * (whole + square)
    low = 0.0 if part == 0 else (center - margin) / double
    high = 1.0 if part == whole else (center + margin) / double
    return Interval(share, low, high)


def newcombe(part: int, whole: int, other_part: int, other_whole: int) -> Interval:
    """The difference of the shares `part / whole` − `other_part / other_whole` with its hybrid score interval.

    Made of the two Wilson intervals, so that it holds with few customers and with shares near 0 or 1. Source: method 10
    of R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven
    methods", Statistics in Medicine 17 (1998), 873–890. ValueError without a whole.
    """
    one, other = wilson(part, whole), wilson(other_part, other_whole)
    difference = one.estimate - other.estimate
    down = sqrt((one.estimate - one.low) ** 2 + (other.high - other.estimate) ** 2)
    up = sqrt((one.high - one.estimate) ** 2 + (other.estimate - other.low) ** 2)
    return Interval(difference, difference - down, difference + up)
