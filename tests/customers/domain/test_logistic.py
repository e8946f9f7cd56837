import numpy as np
import pytest

from customers.domain import logistic


def test_weights_are_found_again():
    draws = np.random.default_rng(1)
    table = draws.normal([3.0, -2.0, 0.0], [1.0, 4.0, 0.5], size=(20_000, 3))
    true = 1 / (1 + np.exp(-(-1 + 0.8 * (table[:, 0] - 3) - 0.25 * (table[:, 1] + 2))))
    model = logistic.learn(table, draws.random(20_000) < true)
    assert model.weights / model.spread == pytest.approx([0.8, -0.25, 0], abs=0.08)
    assert model.chances(table) == pytest.approx(true, abs=0.05)


def test_columns_without_a_difference_and_outcomes_without_one_do_no_harm():
    table = np.array([[1.0, 5.0], [1.0, 6.0]])
    for happened in (np.array([True, True]), np.array([False, False])):
        chances = logistic.learn(table, happened).chances(np.array([[1.0, 5.5], [9.0, 1e9]]))
        assert np.isfinite(chances).all()
        assert (chances > 0.5).all() == happened.all()


def test_auc_counts_pairs_and_halves_ties():
    score, happened = np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, True, False, True])
    assert logistic.auc(score, happened) == (0.5 + 1 + 1 + 1) / 4
    assert logistic.auc(score, np.ones(4, bool)) == 0.5


def test_average_precision_is_the_mean_share_at_each_find():
    assert logistic.average_precision(np.array([3, 2, 1, 0.0]), np.array([True, False, True, False])) == (1 + 2 / 3) / 2
    assert logistic.average_precision(np.array([1.0]), np.array([False])) == 0
