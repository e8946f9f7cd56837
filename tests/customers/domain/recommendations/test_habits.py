import numpy as np
import pytest

from customers.domain.recommendations import habits
from tests.customers.domain.recommendations.worlds import history


def test_count_tells_times_age_span_and_baskets_back():
    bought = history([(0, [7]), (10, [7, 8]), (14, [9]), (20, [7])], [(5, [8])])
    found = habits.count(bought, np.array([25, 5]))
    rows = zip(found.customer, found.product, found.times, found.age, found.span, found.back, strict=True)
    assert [tuple(map(int, row)) for row in rows] == [
        (0, 7, 3, 5, 20, 1),
        (0, 8, 1, 15, 0, 3),
        (0, 9, 1, 11, 0, 2),
        (1, 8, 1, 0, 0, 1),
    ]


def test_count_lets_baskets_fade():
    found = habits.count(history([(0, [1]), (30, [1, 2])]), np.array([60]))
    by_days = habits.MEMORIES - len(habits.DAY_MEMORIES)
    assert found.kept[:, by_days].tolist() == pytest.approx([0.25 + 0.5, 0.5])
    assert found.all_kept[0, by_days] == pytest.approx(0.75)
    assert found.kept[1, 0] == pytest.approx(2 ** (-1 / habits.BASKET_MEMORIES[0]))


def test_count_knows_what_is_bought_alone_and_how_much_is_in_a_basket():
    found = habits.count(history([(0, [1]), (30, [1, 2])], [(5, [3, 4, 5, 6])]), np.array([60, 60]))
    before, last = 2 ** (-2 / 20), 2 ** (-1 / 20)
    assert found.alone.tolist() == pytest.approx([before + last / 2, last / 2] + [last / 4] * 4)
    assert found.size.tolist() == pytest.approx([np.log(2) * last / (before + last), np.log(4)])


def test_count_of_nobody():
    assert len(habits.count(history([(0, [1])]).before(np.array([0])), np.array([3])).times) == 0


def test_rhythm_counts_days_and_takes_the_middle_gap():
    bought = history(
        [(0, [1]), (7, [1]), (7, [1, 2]), (14, [1]), (22, [1])], [(0, [1]), (1, [1]), (40, [1]), (41, [1])]
    )
    found = habits.rhythm(bought, np.arange(bought.products))
    assert found.days.tolist() == [4, 1, 4]
    assert found.last_day.tolist() == [22, 7, 41]
    assert found.every_days.tolist() == [7, 0, 1]
    assert found.is_regular.tolist() == [True, False, False]
