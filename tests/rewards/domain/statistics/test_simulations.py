"""Hold-outs where nobody gets anything, and where it is known what they get: does the report say so often enough?

Customers are the households of the demo's data. `make test` makes 1,000 splits; FUZZ_SPLITS says how many `make fuzz`
makes, of more sizes; it prints what came of them.
"""

import os
from itertools import accumulate
from math import sqrt

import numpy
import pytest

from rewards.domain import experiments, statistics
from rewards.domain.statistics import Moments
from rewards.models import Arm
from tests.rewards.domain.statistics import journey_months

FULL = int(os.environ.get("FUZZ_SPLITS", "0"))
SPLITS = FULL or 1_000
SIGMAS = 3.5  # of the number of intervals that miss, if 5 of 100 are meant to
SEED = 20260520

# Days, customers, percent held out.
BOUNDED = [(30, 1000, 10), (30, 500, 50)]
MORE = [(days, size, share) for days in (7, 30, 90) for size, share in ((1000, 10), (2400, 10), (1000, 30), (1000, 50))]


def split(number, size, percent):
    """Which of so many customers are held out, by the programme's own hash."""
    told = {"salt": f"split-{SEED}-{number}", "holdout_percent": percent}
    return numpy.array([experiments.arm_of(**told, customer_id=pk) == Arm.HOLDOUT for pk in range(size)])


def moments(values):
    """Cubes of cents need more than 64 bits in all, but not one by one."""
    parts = numpy.array_split(values**3, 40)
    return Moments(len(values), int(values.sum()), int((values**2).sum()), sum(int(part.sum()) for part in parts))


def arms(held_out, spent):
    """The treated, the held-out: how many came back, of how many, and what they spent."""
    return [((values > 0).sum().item(), len(values), moments(values)) for values in (spent[~held_out], spent[held_out])]


def bound(times, chance):
    return SIGMAS * sqrt(times * chance * (1 - chance))


@pytest.fixture(scope="module")
def month():
    kept = {}

    def month(days, size):
        """Other households for each size, always the same."""
        if days not in kept:
            kept[days] = numpy.random.default_rng(SEED).permutation(journey_months.spent(days))
        return kept[days][:size]

    return month


@pytest.mark.parametrize(("days", "size", "percent"), MORE if FULL else BOUNDED)
def test_where_nothing_is_given_nothing_is_found_95_times_of_100(month, capsys, days, size, percent):
    spent = month(days, size)
    missed = {"came back": [0, 0], "spent": [0, 0], "spent, Welch": [0, 0]}
    for number in range(SPLITS):
        (came, treated, more), (stayed, held_out, less) = arms(split(number, size, percent), spent)
        found = {
            "came back": statistics.newcombe(came, treated, stayed, held_out),
            "spent": statistics.difference_of_means(more, less),
            "spent, Welch": statistics.welch(more, less),
        }
        for what, interval in found.items():
            missed[what][0] += interval.low > 0
            missed[what][1] += interval.high < 0
    if FULL:
        with capsys.disabled():
            said = "; ".join(
                f"{what}: {1 - sum(n) / SPLITS:.4f} (up {n[0] / SPLITS:.4f}, down {n[1] / SPLITS:.4f})"
                for what, n in missed.items()
            )
            print(f"\nA/A {days} days, {size} customers, {percent} % held out, {SPLITS} splits: {said}")  # noqa: T201
    for what in ("came back", "spent"):
        # An approximation: its own error, up to one of 100, comes on top of chance.
        assert abs(sum(missed[what]) - 0.05 * SPLITS) <= bound(SPLITS, 0.05) + 0.01 * SPLITS, missed


@pytest.mark.parametrize(
    ("rate", "difference", "share"),
    [(0.5, 0.05, 0.1), (0.82, 0.04, 0.1), (0.3, 0.05, 0.5), (0.3, -0.05, 0.2), (0.1, 0.05, 0.3)],
)
def test_planted_difference_is_found_as_often_as_was_promised(capsys, rate, difference, share):
    size, draw = (
        statistics.size_needed(rate=rate, difference=difference, holdout_share=share),
        numpy.random.default_rng(SEED),
    )
    treated = draw.binomial(size.treated, rate + difference, SPLITS).tolist()
    held_out = draw.binomial(size.holdout, rate, SPLITS).tolist()
    found = 0
    for came, stayed in zip(treated, held_out, strict=True):
        interval = statistics.newcombe(came, size.treated, stayed, size.holdout)
        found += interval.low > 0 if difference > 0 else interval.high < 0
    if FULL:
        with capsys.disabled():
            print(f"\nA/B {rate} {difference:+} of {size}: found in {found / SPLITS:.4f} of {SPLITS}")  # noqa: T201
    assert abs(found - 0.8 * SPLITS) <= bound(SPLITS, 0.8) + 0.015 * SPLITS


def test_planted_spend_is_found_and_its_size_is_inside(month):
    """Every treated customer who comes spends a tenth more."""
    spent, inside, seen = month(30, 2400), 0, 0
    rounds = max(200, FULL // 5)
    for number in range(rounds):
        held_out = split(number, 2400, 30)
        told = numpy.where(held_out, spent, spent + spent // 10)
        (_, _, more), (_, _, less) = arms(held_out, told)
        interval = statistics.difference_of_means(more, less)
        inside += interval.low <= float((spent // 10).mean()) <= interval.high
        seen += interval.low > 0
    assert abs(inside - 0.95 * rounds) <= bound(rounds, 0.95) + 0.01 * rounds
    assert seen > 0.2 * rounds


def test_whoever_peeks_and_stops_at_the_first_sign_is_misled(capsys):
    """The control: looked at ten times instead of once, nothing at all is "found" far more often than 5 of 100."""
    draw, misled = numpy.random.default_rng(SEED), 0
    for _ in range(SPLITS):
        treated = accumulate(draw.binomial(900, 0.5, 10).tolist())
        held_out = accumulate(draw.binomial(100, 0.5, 10).tolist())
        looks = enumerate(zip(treated, held_out, strict=True), start=1)
        misled += any(
            statistics.newcombe(came, 900 * look, stayed, 100 * look).excludes_zero for look, (came, stayed) in looks
        )
    if FULL:
        with capsys.disabled():
            print(f"\nTen looks: misled in {misled / SPLITS:.4f} of {SPLITS}")  # noqa: T201
    assert 0.15 * SPLITS < misled < 0.24 * SPLITS
