"""Beside what scipy 1.17 says."""

import random
from math import cbrt

import pytest

from rewards.domain import statistics
from rewards.domain.statistics import Moments


def moments(values):
    return Moments(len(values), sum(values), sum(v**2 for v in values), sum(v**3 for v in values))


SPENT = [0, 0, 1250, 4300, 890, 22000, 0, 3150]
HELD_OUT = [0, 500, 0, 0, 990, 7200]


def test_moments_are_exact_with_large_amounts():
    """Skewness without bias as scipy.stats.skew(bias=False) gives it; also when sums exceed what floats hold."""
    for shift in (0, 10**12):
        for values, skewness in ((SPENT, 2.5869060893707405), (HELD_OUT, 2.3465596435321165)):
            found = moments([value + shift for value in values])
            assert found.third / found.variance**1.5 == pytest.approx(skewness, rel=1e-12)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        (SPENT, HELD_OUT, -3972.643880063505, 8973.47721339684),
        (
            [204, 242, 154, 214, 202, 185, 215],
            [202, 169, 185, 173, 205],
            -12.85836017492183,
            43.829788746350395,
        ),
    ],
)
def test_welch_gives_scipys_intervals(one, other, low, high):
    found = statistics.welch(moments(one), moments(other))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
    assert found.estimate == pytest.approx(sum(one) / len(one) - sum(other) / len(other))


def test_arms_of_about_the_same_size_get_welchs_interval():
    one, other = moments(SPENT), moments(HELD_OUT)
    assert statistics.difference_of_means(one, other) == statistics.welch(one, other)


def test_small_hold_out_gets_an_interval_straightened_by_the_skewness():
    """Its ends are where Hall's g is the quantile; without skewness they are Welch's."""
    draw = random.Random(5)
    treated = moments([round(draw.lognormvariate(6, 1.2)) for _ in range(900)])
    held_out = moments([round(draw.lognormvariate(6, 1.2)) for _ in range(100)])
    found, plain = statistics.difference_of_means(treated, held_out), statistics.welch(treated, held_out)
    error = (treated.variance / 900 + held_out.variance / 100) ** 0.5
    a = (treated.third / 900**2 - held_out.third / 100**2) / error**3
    t = (plain.high - plain.estimate) / error
    for end, quantile in ((found.low, t), (found.high, -t)):
        x = (found.estimate - end) / error
        assert x + a * x**2 / 3 + a**2 * x**3 / 27 + a / 6 == pytest.approx(quantile)
    assert a < -0.1
    assert found.low < plain.low
    mirrored = statistics.difference_of_means(held_out, treated)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    even = moments([-1, 0, 1] * 300), moments([-1, 0, 1] * 30)
    straight, welch = statistics.difference_of_means(*even), statistics.welch(*even)
    assert (straight.low, straight.high) == pytest.approx((welch.low, welch.high))


def test_without_enough_or_without_any_spread_nothing_is_made_up():
    nobody, one, two = moments([]), moments([5]), moments([5, 5])
    assert statistics.welch(two, one) is None
    assert statistics.difference_of_means(moments([5] * 9), two) is None
    assert statistics.difference_of_means(moments([5] * 9), nobody) is None
    for other in (3, 30):
        assert statistics.difference_of_means(moments([7] * 30), moments([5] * other)) is None
    assert cbrt(-8) == -2  # what the transformation relies on


@pytest.mark.parametrize(
    ("probability", "freedom", "t"),
    [
        (0.975, 1, 12.706204736174694),
        (0.975, 2, 4.302652729749462),
        (0.975, 4.5, 2.6589123472044034),
        (0.975, 29.3, 2.044320421500141),
        (0.975, 10_000, 1.960201239890626),
        (0.975, 1e6, 1.959966356814107),
        (0.975, 1e12, 1.959963984540054),
        (0.75, 9, 0.7027221467513264),
        (0.995, 5, 4.032142983555228),
        (0.9, 2.2, 1.8123849217763532),
        (0.6, 12, 0.25903274567688733),
        (0.025, 7, -2.3646242515927844),
        (0.5, 3, 0),
    ],
)
def test_students_quantiles_are_scipys(probability, freedom, t):
    assert statistics.quantile(probability, freedom) == pytest.approx(t, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(("probability", "freedom"), [(0, 5), (1, 5), (0.5, 0)])
def test_no_quantile_of_what_is_no_distribution(probability, freedom):
    with pytest.raises(ValueError, match="no quantile"):
        statistics.quantile(probability, freedom)
