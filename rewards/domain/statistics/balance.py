"""Whether two arms were alike before anything was given, and as large as they were drawn to be."""

from math import erfc, sqrt


def standardized_difference(mean: float, variance: float, other_mean: float, other_variance: float) -> float:
    """The difference of two means in units of their spread; 0 where nothing spreads and nothing differs.

    Unlike a test it does not grow with the number of customers. Beyond 0.1 is what the field calls unbalanced. For a
    share p the variance is p(1−p). Source: P. C. Austin, "Balance diagnostics for comparing the distribution of
    baseline covariates between treatment groups in propensity-score matched samples", Statistics in Medicine 28 (2009),
    3083–3107.
    """
    spread = sqrt((variance + other_variance) / 2)
    if spread == 0:
        return 0.0 if mean == other_mean else float("inf") * (1 if mean > other_mean else -1)
    return (mean - other_mean) / spread


def sample_ratio(*, holdout: int, treated: int, holdout_share: float) -> float:
    """How likely chance alone makes the arms' sizes differ so much from the share that was drawn: a p-value, 0 to 1.

    Pearson's chi-square with one degree of freedom, whose upper tail is erfc(√(χ²/2)). Below 0.001 something is wrong
    with the draw or the counting, and no result can be trusted. Source: A. Fabijan et al., "Diagnosing sample ratio
    mismatch in online controlled experiments", KDD 2019, 2156–2164.
    """
    expected = holdout_share * (holdout + treated), (1 - holdout_share) * (holdout + treated)
    if 0 in expected:
        return float((holdout, treated) == expected)
    squares = (holdout - expected[0]) ** 2 / expected[0] + (treated - expected[1]) ** 2 / expected[1]
    return erfc(sqrt(squares / 2))
