import numpy as np
import pytest

from customers.domain.recommendations import features, model
from tests.customers.domain.recommendations.worlds import history


@pytest.mark.parametrize(("number", "mornings"), [(1, range(91, 121)), (2, [90]), (3, range(1, 51))])
def test_every_other_round_is_asked_in_any_morning_since_the_basket_before(number, mornings):
    people = [[(0, [0]), (50, [1]), (90, [2]), (120, [3])]] * 300
    ((before, today, bought),) = model._questions(history(*people), number)
    assert set(today.tolist()) == set(mornings)
    assert before.sizes.sum() == 300 * (4 - number)
    assert set((bought % 4).tolist()) == {4 - number}


def test_a_second_basket_of_a_day_is_asked_on_that_day():
    ((_, today, _),) = model._questions(history([(5, [0]), (5, [1])]), 1)
    assert today.tolist() == [5]


def test_the_same_mornings_are_drawn_each_time():
    bought = history(*[[(0, [0]), (30, [1])]] * 40)
    first, again = (next(iter(model._questions(bought, 1)))[1].tolist() for _ in range(2))
    assert first == again


@pytest.mark.parametrize("large", [4, 5])
def test_what_few_buy_is_raised_by_how_few_they_are_and_nothing_else_is(monkeypatch, large):
    """And nothing at all where the catalog, of four products here, is not large."""
    monkeypatch.setattr(model, "LARGE", large)
    people = [[(0, [0, 2]), (10, [1, 2])], *[[(0, [0]), (10, [3])]] * 400]
    bought, today = history(*people), np.full(401, 11)
    learned = model.learn(bought)
    _, ranked = next(learned.rank(bought, today))
    rows, table, _ = features.known(bought, learned.crowd, today)

    raised = ranked.score - (table @ learned.weights.astype(np.float32))

    mine = rows.customer == 0
    found = dict(zip(rows.product[mine].tolist(), raised[mine].tolist(), strict=True))
    once, twice = (model.RAISED * np.log(model.SELDOM / (baskets / 802 + 1e-5)) for baskets in (1, 2))
    assert found == pytest.approx(
        {0: 0, 1: once, 2: twice, 3: 0} if large == 4 else dict.fromkeys(range(4), 0), abs=1e-4
    )
    assert not raised[rows.is_new].any()
