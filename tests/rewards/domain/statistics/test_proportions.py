"""Beside published figures, and beside what scipy 1.17 and statsmodels 0.14 say."""

import pytest

from rewards.domain import statistics


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(part, whole, low, high):
    """Table I of Newcombe's "comparison of seven methods" (1998), method 3."""
    found = statistics.wilson(part, whole)
    assert (found.estimate, round(found.low, 4), round(found.high, 4)) == (part / whole, low, high)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_gives_the_published_intervals(counts, low, high):
    """Table II of Newcombe's "comparison of eleven methods" (1998), method 10."""
    found = statistics.newcombe(*counts)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    part, whole, other_part, other_whole = counts
    assert found.estimate == part / whole - other_part / other_whole


def test_newcombe_with_many_and_few():
    found = statistics.newcombe(5210, 9000, 523, 1000)
    assert (found.low, found.high) == pytest.approx((0.023424492747235612, 0.08849934620046612), rel=1e-12)
    assert found.excludes_zero
    assert not statistics.newcombe(520, 1000, 523, 1000).excludes_zero
    assert statistics.newcombe(523, 1000, 5210, 9000).excludes_zero


@pytest.mark.parametrize(("part", "whole"), [(0, 0), (3, 2), (-1, 2)])
def test_no_share_without_a_whole(part, whole):
    with pytest.raises(ValueError, match="is no share"):
        statistics.wilson(part, whole)
