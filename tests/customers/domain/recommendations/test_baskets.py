import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.domain.recommendations import baskets
from tests.customers.domain.recommendations.worlds import history

calmly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
visits = st.lists(st.tuples(st.integers(0, 50), st.lists(st.integers(0, 5), min_size=1, max_size=4)), max_size=5)


def as_told(found):
    """{(customer, place in time): (day, products)}"""
    begins = found.begins
    told = {
        (int(owner), int(place - begins[owner])): (int(found.day[place]), set())
        for place, owner in enumerate(found.customer)
    }
    for basket, product in zip(found.basket, found.product, strict=True):
        owner = found.customer[basket]
        told[int(owner), int(basket - begins[owner])][1].add(int(product))
    return told


@calmly
@given(st.lists(visits, min_size=1, max_size=4))
def test_build_keeps_everything_in_order_of_time(customers):
    expected = {
        (owner, place): (day, set(goods))
        for owner, bought in enumerate(customers)
        for place, (day, goods) in enumerate(sorted(bought, key=lambda visit: visit[0]))
    }
    assert as_told(history(*customers)) == expected


@calmly
@given(st.lists(visits.filter(bool), min_size=1, max_size=4), st.integers(0, 5))
def test_before_forgets_the_later_baskets_and_nothing_else(customers, cut):
    found = history(*customers)
    known = found.before(found.begins + cut)
    assert as_told(known) == {key: value for key, value in as_told(found).items() if key[1] < cut}


def test_part_numbers_its_customers_anew():
    found = history([(1, [0])], [(2, [1]), (3, [2])], [(4, [0])]).part(1, 3)
    assert as_told(found) == {(0, 0): (2, {1}), (0, 1): (3, {2}), (1, 0): (4, {0})}


def test_a_product_told_twice_in_a_basket_is_one_line():
    assert len(history([(1, [3, 3, 1])]).product) == 2


def test_run_starts_of_nothing():
    assert baskets.run_starts(np.zeros(0)).tolist() == []


@given(st.lists(st.integers(0, 20)), st.lists(st.integers(0, 20)))
def test_among_tells_what_is_in_the_other(values, others):
    ascending = np.sort(np.array(others, np.int64))
    assert baskets.among(np.array(values, np.int64), ascending).tolist() == [value in others for value in values]


@given(st.lists(st.integers(0, 5)), st.integers(1, 8))
def test_most_are_the_largest_the_earlier_first_of_equal_ones(counts, size):
    places = sorted((place for place, count in enumerate(counts) if count), key=lambda place: (-counts[place], place))
    assert baskets.most(np.array(counts, np.int64), size).tolist() == places[:size]
