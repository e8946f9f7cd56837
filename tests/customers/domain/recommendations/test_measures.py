import math

import numpy as np
import pytest

from customers.domain.recommendations import measures

PRODUCTS = 100


def truth(*baskets):
    keys = [customer * PRODUCTS + product for customer, goods in enumerate(baskets) for product in goods]
    return measures.truth(np.array(keys, int), customers=len(baskets), products=PRODUCTS)


def test_measure_by_hand():
    lists = np.array([[5, 6, 7], [1, -1, -1], [1, 2, 3]])
    values = measures.measure(lists, truth([6, 8, 9, 10], [2], []))
    first = dict(zip(measures.NAMES, values[0], strict=True))
    ideal = [sum(1 / math.log2(place + 1) for place in range(1, size + 1)) for size in (4, 3)]
    assert first == pytest.approx(
        {
            "recall": 1 / 4,
            "ndcg": 1 / math.log2(3) / ideal[0],
            "ndcg_cut": 1 / math.log2(3) / ideal[1],
            "hit_rate": 1,
            "precision": 1 / 3,
        }
    )
    assert values[1].tolist() == [0] * 5
    assert len(values) == 2  # the third bought nothing


def test_a_perfect_list_is_perfect():
    values = measures.measure(np.array([[4, 2]]), truth([2, 4]))
    assert values.tolist() == [[1, 1, 1, 1, 1]]


def test_best_takes_the_highest_and_the_lower_number_among_equals():
    customer, product = np.array([0, 0, 0, 2]), np.array([9, 3, 4, 5])
    lists = measures.best(customer, product, np.array([1.0, 1.0, 2.0, 1.0]), customers=3, size=2)
    assert lists.tolist() == [[4, 3], [-1, -1], [5, -1]]


def test_intervals_hold_the_mean_and_shrink_with_customers():
    draws = np.random.default_rng(1)
    few, many = (draws.random((number, 1)) for number in (50, 5000))
    (low, high), (lower, higher) = measures.intervals(few)[0], measures.intervals(many)[0]
    assert low < few.mean() < high
    assert lower < many.mean() < higher
    assert higher - lower < (high - low) / 5
    assert measures.intervals(few) == measures.intervals(few)
    assert measures.intervals(few[:0]) == [(0.0, 0.0)]
