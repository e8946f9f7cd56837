import numpy as np
import pytest

from customers.domain.recommendations.crowd import Popularity, Rhythms
from tests.customers.domain.recommendations.worlds import habitual, history


def test_share_counts_baskets_of_the_days_before_only():
    popularity = Popularity(history([(100, [0]), (101, [0, 1])], [(102, [1])], [(110, [0])]))
    ask = np.array([102, 103, 103, 111])
    assert popularity.share(np.array([0, 0, 1, 0]), ask, days=5).tolist() == pytest.approx([1, 2 / 3, 2 / 3, 1])
    assert popularity.share(np.array([0]), np.array([90]), days=5).tolist() == [0]


def test_share_keeps_products_apart_however_long_the_time():
    """From the year 202, by a slip, to today."""
    popularity = Popularity(history([(73_000, [0])], [(739_000, [0]), (739_001, [1])], [(739_002, [0, 1])]))
    assert popularity.share(np.array([0, 1, 2]), np.full(3, 739_003), days=5).tolist() == pytest.approx(
        [2 / 3, 2 / 3, 0]
    )


def test_share_long_after_the_last_basket_is_none():
    popularity = Popularity(history([(100, [0])]))
    assert popularity.share(np.array([0, 0]), np.array([105, 130]), days=10).tolist() == [1, 0]


def test_alone_counts_a_basket_by_the_part_of_it():
    popularity = Popularity(history([(100, [0]), (101, [0, 1])], [(102, [1, 2, 3])], [(110, [0])]))
    ask = np.array([102, 103, 103, 111])
    found = popularity.alone(np.array([0, 0, 1, 0]), ask, days=5)
    assert found.tolist() == pytest.approx([1.5 / 2, 1.5 / 3, (1 / 2 + 1 / 3) / 3, 1])
    assert popularity.alone(np.array([0]), np.array([90]), days=5).tolist() == [0]


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


def test_popularity_is_the_same_in_whatever_order_it_is_asked_for():
    popularity = Popularity(history(*habitual(customers=30)))
    draws = np.random.default_rng(1)
    product, day = draws.integers(0, 40, 200), draws.integers(0, 90, 200)
    alone = [popularity.share(product[[n]], day[[n]], days=28)[0] for n in range(200)]
    assert popularity.share(product, day, days=28).tolist() == alone
    assert max(alone) > 0
