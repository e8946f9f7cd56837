"""Student's t."""

from math import exp, lgamma, log, pi, sqrt
from statistics import NormalDist

_NORMAL_FROM = 1e7
_TINY = 1e-300


def quantile(probability: float, freedom: float) -> float:
    """The t below which a `probability` of Student's distribution lies; `freedom` need not be whole.

    By Newton's steps on the distribution function, which is the regularized incomplete beta function (M. Abramowitz and
    I. A. Stegun, Handbook of Mathematical Functions (1964), 26.7.1). ValueError outside (0, 1).
    """
    if not 0 < probability < 1 or freedom <= 0:
        raise ValueError(f"Student's t has no quantile of {probability} with {freedom} degrees of freedom")
    if probability < 0.5:
        return -quantile(1 - probability, freedom)
    t = NormalDist().inv_cdf(probability)
    if freedom >= _NORMAL_FROM:
        return t
    scale = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(freedom * pi)
    for _step in range(200):
        # From the left of the root, where the normal quantile lies: the function bends down, so no step goes too far.
        step = (probability - _below(t, freedom)) / (scale * (1 + t * t / freedom) ** (-(freedom + 1) / 2))
        t += step
        if abs(step) <= 1e-12 * t:
            break
    return t


def _below(t: float, freedom: float) -> float:
    """How likely a value below t ≥ 0 is."""
    return 1 - _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function by its continued fraction (26.5.8), on the side where that converges."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    return front / _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluated from the front (the modified Lentz method: W. H. Press et al., Numerical Recipes, 5.2 and 6.4)."""
    value, upper, lower = 1.0, 1.0, 0.0
    for step in range(1, 10_000):
        half = step // 2
        if step % 2:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        lower = 1 / ((1 + term * lower) or _TINY)
        upper = (1 + term / upper) or _TINY
        value *= upper * lower
        if abs(upper * lower - 1) < 1e-15:
            break
    return value
