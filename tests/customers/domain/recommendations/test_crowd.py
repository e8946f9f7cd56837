import numpy as np
import pytest

from customers.domain.recommendations.crowd import Popularity, Rhythms
from tests.customers.domain.recommendations.worlds import history


def test_share_counts_baskets_of_the_days_before_only():
    popularity = Popularity(history([(100, [0]), (101, [0, 1])], [(102, [1])], [(110, [0])]))
    ask = np.array([102, 103, 103, 111])
    assert popularity.share(np.array([0, 0, 1, 0]), ask, days=5).tolist() == pytest.approx([1, 2 / 3, 2 / 3, 1])
    assert popularity.share(np.array([0]), np.array([90]), days=5).tolist() == [0]


def test_best_are_in_most_baskets_and_none_in_no_basket():
    popularity = Popularity(history([(100, [2, 1])], [(101, [2])], [(120, [0])]))
    assert popularity.best(105, days=28, size=5).tolist() == [2, 1]
    assert popularity.best(105, days=4, size=5).tolist() == [2]
    assert popularity.best(100, days=28, size=5).tolist() == []


def test_rhythms_know_staples_from_what_is_bought_once():
    people = [[(7 * visit, [0, visit + 1]) for visit in range(8)] for _ in range(40)]
    rhythms = Rhythms(history(*people))
    assert rhythms.chance[0] > 0.7
    assert rhythms.chance[0] > 5 * rhythms.chance[1]
    assert rhythms.gap[0] == pytest.approx(7, rel=0.01)


def test_rhythms_of_nothing_are_guesses():
    rhythms = Rhythms(history([(0, [1])]))
    assert (rhythms.chance > 0).all()
    assert (rhythms.chance < 1).all()
    assert rhythms.gap.tolist() == pytest.approx([30, 30])
