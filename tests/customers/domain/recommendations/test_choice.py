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


def test_learn_makes_nothing_of_a_column_that_hardly_differs():
    table, starts, chosen = choices()
    table[:, 2] = np.where(chosen, np.float32(1e-5), 0)
    assert np.abs(choice.learn(table, starts, chosen, np.zeros(3))).max() < 10


def several(table, starts, chosen):
    """In every third choice two more are chosen."""
    more = chosen.copy()
    for start in starts[::3]:
        more[start : start + 2] = True
    return table, starts, more


def test_the_slope_is_the_slope_of_the_loss_and_the_curvature_that_of_the_slope():
    asked = choice._Choices(*several(*choices(number=30)), np.array([0.3, 0.0, 0.1]))
    at = np.array([0.5, -0.2, 0.1], np.float32).astype(float)
    _, slope, expected = asked.loss(at)
    assert slope == pytest.approx(optimize.approx_fprime(at, lambda w: asked.loss(w)[0], 1e-3), rel=0.02, abs=0.05)
    steps = [(asked.loss(at + step)[1] - asked.loss(at - step)[1]) / 0.02 for step in np.eye(3) * 0.01]
    assert asked.curvature(expected) == pytest.approx(np.array(steps), rel=0.02, abs=0.1)


def test_a_basket_counts_as_much_as_the_square_root_of_what_is_in_it():
    """One choice takes the second column's four products, nine choices the first column's one."""
    table = np.zeros((100, 2), np.float32)
    starts, chosen = np.arange(10) * 10, np.zeros(100, bool)
    table[:4, 1], chosen[:4] = 1, True
    table[4:10, 0] = 1
    table[10::10, 0], chosen[10::10] = 1, True
    asked = choice._Choices(table, starts, chosen, np.zeros(2))
    _, slope, expected = asked.loss(np.zeros(2))
    worth = np.add.reduceat(expected, starts)
    assert worth == pytest.approx(np.array([2.0] + [1.0] * 9) / 1.1)
    assert slope == pytest.approx((np.array([2 * 0.6, 2 * 0.4 - 2]) + [9 * 0.1 - 9, 0]) / 1.1)


@pytest.mark.parametrize("stretch", [1, 30])
def test_learn_finds_what_a_general_method_finds(stretch):
    """Also from far away, where a whole step goes too far."""
    table, starts, chosen = several(*choices(number=200, weights=(2.0 * stretch, -1.0 * stretch, 0.0)))
    believed = np.array([-3.0 * stretch, 0.0, 4.0 * stretch])
    scaled = ((table - table.mean(axis=0)) / table.std(axis=0)).astype(np.float32)
    asked = choice._Choices(scaled, starts, chosen, believed * table.std(axis=0, dtype=float))
    least = optimize.minimize(lambda w: asked.loss(w)[0], np.zeros(3), method="Nelder-Mead").fun
    found = choice.learn(table.copy(), starts, chosen, believed) * table.std(axis=0, dtype=float)
    assert asked.loss(found)[0] == pytest.approx(least, abs=0.02)
