import numpy as np
import pytest
from scipy import optimize

from customers.domain.recommendations import choice


def choices(*, number=300, size=20, weights=(2.0, -1.0, 0.0), seed=3):
    draws = np.random.default_rng(seed)
    table = draws.normal(size=(number * size, len(weights))).astype(np.float32)
    score = (table @ np.array(weights)).reshape(number, size)
    chance = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    chosen = np.zeros((number, size), bool)
    for row in range(number):
        chosen[row, draws.choice(size, p=chance[row])] = True
    return table, np.arange(number) * size, chosen.ravel()


def test_learn_finds_the_weights_that_chose():
    table, starts, chosen = choices(number=3000)
    found = choice.learn(table, starts, chosen, np.zeros(3))
    assert found == pytest.approx([2.0, -1.0, 0.0], abs=0.12)


def test_learn_stays_with_what_is_believed_when_there_is_little_to_learn():
    believed = np.array([1.0, 0.5, 0.0])
    table, starts, chosen = choices(number=1)
    assert choice.learn(table, starts, chosen, believed) == pytest.approx(believed, abs=0.4)
    table, starts, chosen = choices(number=5)
    assert choice.learn(table, starts, np.zeros_like(chosen), believed) is believed


def test_the_slope_is_the_slope_of_the_loss():
    table, starts, chosen = choices(number=30)
    counts = np.add.reduceat(chosen, starts, dtype=np.int64)
    arguments = table.astype(np.float64), starts, chosen, counts, np.array([0.3, 0.0, 0.1])
    at = np.array([0.5, -0.2, 0.1], np.float32).astype(float)
    slope = optimize.approx_fprime(at, lambda w: choice._loss(w, *arguments)[0], 1e-3)
    assert choice._loss(at, *arguments)[1] == pytest.approx(slope, rel=0.02, abs=0.05)
