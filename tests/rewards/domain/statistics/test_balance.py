import pytest

from rewards.domain import statistics


@pytest.mark.parametrize(
    ("holdout", "treated", "share", "likely"),
    [
        (900, 9100, 0.1, 0.0008581206663936758),
        (20, 480, 0.1, 7.744216431044088e-06),
        (10, 90, 0.1, 1),
        (0, 0, 0.1, 1),
        (0, 50, 0, 1),
        (1, 50, 0, 0),
    ],
)
def test_sample_ratio_is_scipys_chi_square(holdout, treated, share, likely):
    """scipy.stats.chisquare([480, 20], [450, 50]).pvalue and the like."""
    found = statistics.sample_ratio(holdout=holdout, treated=treated, holdout_share=share)
    assert found == pytest.approx(likely, rel=1e-9)


def test_difference_is_told_in_units_of_the_spread():
    assert statistics.standardized_difference(12, 16, 10, 16) == 0.5
    assert statistics.standardized_difference(10, 9, 12, 23) == -0.5
    assert statistics.standardized_difference(3, 0, 3, 0) == 0
    assert statistics.standardized_difference(3, 0, 4, 0) == float("-inf")
