import numpy as np

from customers.domain.recommendations.likeness import Likeness
from tests.customers.domain.recommendations.worlds import history


def test_what_the_same_people_buy_speaks_for_each_other_and_what_all_buy_does_not():
    people = [[(0, [0, 1, 2])]] * 100 + [[(0, [0, 3, 4])]] * 100 + [[(0, [0])]] * 100
    likeness = Likeness(history(*people))
    speaks = likeness.weights[:, 2]
    assert speaks[1] > 2 * abs(speaks[0])
    assert speaks[3] <= 0
    assert (np.diag(likeness.weights) == 0).all()


def test_a_pair_of_two_customers_tells_nothing():
    likeness = Likeness(history(*[[(0, [0, 1])]] * 2, *[[(0, [2, 3])]] * 3))
    assert likeness.weights[0, 1] == 0
    assert likeness.weights[2, 3] > 0


def test_scores_follow_what_was_bought():
    bought = history(*[[(0, [0, 1])]] * 5, *[[(0, [2, 3])]] * 5, [(0, [2])])
    likeness = Likeness(bought)
    scores = likeness.scores(bought)[-1]
    assert likeness.products[scores.argmax()] == 3


def test_likeness_of_nothing():
    nothing = history([(0, [1])]).before(np.array([0]))
    assert Likeness(nothing).scores(nothing).shape == (1, 0)
