import numpy as np
import pytest

from customers.domain.recommendations import features
from customers.domain.recommendations.crowd import Popularity, Rhythms
from customers.domain.recommendations.features import Crowd
from customers.domain.recommendations.likeness import Likeness
from tests.customers.domain.recommendations.worlds import history


def told(bought, today):
    """By customer and product the columns by name."""
    crowd = Crowd(Rhythms(bought), Likeness(bought), Popularity(bought))
    rows, table, _ = features.known(bought, crowd, np.full(bought.customers, today))
    keys = zip(rows.customer.tolist(), rows.product.tolist(), strict=True)
    return {key: dict(zip(features.NAMES, line.tolist(), strict=True)) for key, line in zip(keys, table, strict=True)}


def test_columns_tell_what_is_bought_alone_by_everybody_and_by_the_customer():
    bought = history([(0, [0]), (7, [0, 1, 2, 3])], [(3, [0]), (9, [4])], [(4, [1, 2]), (8, [1, 2])])
    columns = told(bought, 10)
    fuel, milk = (1 + 1 / 4 + 1) / 6, (1 / 4 + 1 / 2 + 1 / 2) / 6  # of six baskets
    assert columns[2, 0]["popular alone:new"] == pytest.approx(np.log(fuel), abs=1e-3)
    assert columns[1, 1]["popular alone:new"] == pytest.approx(np.log(milk), abs=1e-3)
    size = np.log(2)  # of the third customer's baskets
    assert columns[2, 0]["crowd alone × size:new"] == pytest.approx(np.log(fuel / (3 / 6)) * size, abs=1e-3)
    assert columns[1, 1]["crowd alone × size:new"] == 0  # who takes one thing
    last, before = 2 ** (-1 / 20), 2 ** (-2 / 20)
    kept, alone, every = last + before, last / 4 + before, last + before
    assert columns[0, 0]["rate alone:again"] == pytest.approx(np.log((alone + fuel) / (every + 1)), abs=1e-3)
    assert columns[0, 0]["alone:again"] == pytest.approx(np.log((alone + 0.1) / (kept + 0.5)), abs=1e-3)
    assert columns[0, 0]["alone × size:again"] == pytest.approx(
        np.log((alone + 0.1) / (kept + 0.5)) * np.log(4) * last / every, abs=1e-3
    )


def test_what_tells_of_habits_says_nothing_of_what_is_new_and_the_other_way_round():
    columns = told(history([(0, [0]), (7, [0, 1])], [(3, [2]), (9, [2, 0])]), 10)
    for (customer, product), line in columns.items():
        silent = ":new" if (customer, product) in {(0, 0), (0, 1), (1, 0), (1, 2)} else ":again"
        assert not any(value for name, value in line.items() if name.endswith(silent))
        assert any(value for name, value in line.items() if not name.endswith(silent))
