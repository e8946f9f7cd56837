from dataclasses import replace

import numpy as np
import pytest

from customers.domain.absences import evaluation, features
from customers.domain.absences.evaluation import Days


def of(*visits):
    """Each customer's days."""
    rows = [(customer, day, 2) for customer, days in enumerate(visits) for day in sorted(days)]
    return Days(len(visits), *np.array(rows, np.int64).T)


def test_each_number_by_hand():
    found = evaluation.at(of([100, 140, 190, 195, 220], [1, 2], [199, 200, 201, 202]), 200)
    assert found.who.tolist() == [0]
    counts = found.counts
    told = (counts.since, counts.third, counts.days, counts.days_28, counts.days_84, counts.weeks, counts.lines)
    assert [float(column[0]) for column in (*told, counts.beyond, counts.span)] == [5, 60, 4, 2, 3, 4, 6, 12 + 22, 95]
    assert found.stayed_away.tolist() == [False]
    assert evaluation.at(of([100, 140, 190, 195, 229]), 200).stayed_away.tolist() == [True]


@pytest.fixture
def world():
    """Some come every four days, some every twenty, and those stop for good at one time or another."""
    draws = np.random.default_rng(5)
    often = [range(int(draws.integers(4)), 400, 4) for _ in range(60)]
    seldom = [range(int(draws.integers(20)), int(draws.integers(150, 400)), 20) for _ in range(120)]
    return of(*often, *seldom)


def test_chance_ranks_better_than_the_rhythm(world):
    found = evaluation.evaluate(world, asked=[320, 348])
    assert found["rankings"]["chance"]["auc"] > 0.9
    assert found["rankings"]["chance"]["auc"] > found["rankings"]["days_since_by_usual_gap"]["auc"]
    assert found["told"] == pytest.approx(found["stayed_away"], abs=0.05)
    assert found["stayed_away_of_as_many_likeliest"] >= found["stayed_away_of_drifting"]


def test_days_to_come_change_no_score(world):
    """What is planted from the asked day on changes who stays away, and nothing that is told of them."""
    asked = 320
    planted = replace(world, day=np.where(world.day >= asked, world.day + 60, world.day))
    mine, theirs = (evaluation.at(days, asked - 1) for days in (world, planted))
    assert mine.stayed_away.tolist() != theirs.stayed_away.tolist()
    assert np.array_equal(features.table(mine.counts), features.table(theirs.counts))
    weights = [evaluation._learned(days, asked).weights for days in (world, planted)]
    assert np.array_equal(*weights)
