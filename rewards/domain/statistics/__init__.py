"""How sure one can be of a difference: plain arithmetic, each formula with its source."""

from rewards.domain.statistics.balance import sample_ratio, standardized_difference
from rewards.domain.statistics.means import Moments, difference_of_means, welch
from rewards.domain.statistics.planning import Size, detectable, power, size_needed
from rewards.domain.statistics.proportions import Z_95, Interval, newcombe, wilson
from rewards.domain.statistics.student import quantile

__all__ = [
    "Z_95",
    "Interval",
    "Moments",
    "Size",
    "detectable",
    "difference_of_means",
    "newcombe",
    "power",
    "quantile",
    "sample_ratio",
    "size_needed",
    "standardized_difference",
    "welch",
    "wilson",
]
