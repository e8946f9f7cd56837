"""How many customers it takes to see a difference between two shares."""

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

from rewards.domain.statistics.proportions import Z_95

POWER = 0.8
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Size:
    """Customers in each arm."""

    holdout: int
    treated: int

    @property
    def total(self) -> int:
        return self.holdout + self.treated


def size_needed(*, rate: float, difference: float, holdout_share: float, wanted_power: float = POWER) -> Size:
    """So many that a true `difference` from `rate` (0 to 1) is seen at the 95 % level as often as `wanted_power` says.

    The normal approximation with the pooled variance where nothing differs; in its form for arms of different sizes it
    is formula 4.17 of J. L. Fleiss, B. Levin and M. C. Paik, Statistical Methods for Rates and Proportions, 3rd ed.
    (2003), without the correction for continuity. ValueError for what no size could show.
    """
    if not (0 < rate < 1 and 0 < rate + difference < 1 and difference and 0 < holdout_share < 1):
        raise ValueError("Nothing to see: no hold-out, no difference, or shares outside of 0 and 1")
    ratio = (1 - holdout_share) / holdout_share
    if_same, if_different = _spreads(rate, difference, holdout_share)
    wanted = Z_95 * if_same + _NORMAL.inv_cdf(wanted_power) * if_different
    holdout = (wanted / difference) ** 2
    return Size(ceil(holdout), ceil(holdout * ratio))


def power(*, rate: float, difference: float, holdout: int, treated: int) -> float:
    """How often a true `difference` is seen with so many customers in each arm, 0 to 1."""
    if_same, if_different = _spreads(rate, difference, holdout / (holdout + treated))
    away = abs(difference) * sqrt(holdout)
    return _NORMAL.cdf((away - Z_95 * if_same) / if_different) + _NORMAL.cdf((-away - Z_95 * if_same) / if_different)


def detectable(*, rate: float, holdout: int, treated: int, wanted_power: float = POWER) -> float | None:
    """The smallest rise from `rate` that so many customers would show; None where not even a rise to all would."""
    low, high = 0.0, 1 - rate - 1e-9
    told = {"rate": rate, "holdout": holdout, "treated": treated}
    if not (0 < rate < 1 and holdout and treated) or power(**told, difference=high) < wanted_power:  # type: ignore[arg-type]
        return None
    for _halving in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if power(**told, difference=middle) >= wanted_power else (middle, high)  # type: ignore[arg-type]
    return high


def _spreads(rate: float, difference: float, holdout_share: float) -> tuple[float, float]:
    """The spread of the difference for one held-out customer, if nothing differed and if `difference` is true."""
    ratio, treated_rate = (1 - holdout_share) / holdout_share, rate + difference
    pooled = holdout_share * rate + (1 - holdout_share) * treated_rate
    if_same = sqrt(pooled * (1 - pooled) * (1 + 1 / ratio))
    return if_same, sqrt(rate * (1 - rate) + treated_rate * (1 - treated_rate) / ratio)
