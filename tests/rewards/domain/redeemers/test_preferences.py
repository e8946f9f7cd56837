"""Which of four coupons is redeemed, on a world small enough to count by hand."""

from dataclasses import replace

import numpy as np
import pytest

from rewards.domain.redeemers import preferences
from rewards.domain.redeemers.evaluation import History

START = 100
LINES = [  # basket, product
    *[(0, 0), (0, 0), (1, 0)],  # customer 0: product 0 twice in one basket and again on that day
    (2, 1),  # and product 1 on the day before
    *[(3, 1), (4, 1), (5, 2), (6, 0)],  # customers 1, 2, 3 and again 3
    (7, 3),  # customer 0 buys product 3, on the first day of the campaign
]
BASKETS = [(0, 40), (0, 40), (0, 99), (1, 70), (2, 80), (3, 80), (3, 60), (0, START)]  # buyer, day


@pytest.fixture
def world():
    """A coupon for each of four products, for everybody; customer 0 redeems that of product 1, customer 4, who never
    bought, that of product 1 too, and customer 3 that of product 3."""
    buyer, day = np.array(BASKETS).T
    basket, product = np.array(LINES).T
    target = np.arange(5)
    return History(
        customers=5,
        buyer=buyer,
        day=day,
        is_discounted=np.zeros(len(buyer), bool),
        basket=basket,
        product=product,
        starts=np.array([START]),
        ends=np.array([START + 20]),
        is_for_all=np.array([True]),
        target=target,
        campaign=np.zeros(5, np.int64),
        good=np.arange(4),
        good_coupon=np.arange(4),
        coupon_campaign=np.zeros(4, np.int64),
        redeemer=np.array([0, 4, 3]),
        redeemed_coupon=np.array([1, 1, 3]),
        redeemed_day=np.full(3, START + 5),
    )


def test_what_was_bought_counts_once_a_day_and_fades(world):
    own, buyers = preferences._bought(world, np.arange(4), START)
    assert own[0] == pytest.approx([0.5, 2 ** (-1 / 60), 0, 0])
    assert own[3] == pytest.approx([2 ** (-40 / 60), 0, 2 ** (-20 / 60), 0])
    assert own[4].tolist() == [0, 0, 0, 0]
    assert buyers.tolist() == [2, 3, 1, 0]


def test_own_purchases_come_first_and_what_many_buy_tells_the_others_apart(world):
    """Customer 0 redeems the first of four, customer 3 the last, customer 4 the one that most bought."""
    found = preferences.evaluate(world, since=START)
    assert found["cases"] == 3
    ranked = {name: (found[name]["hit_at_1"], found[name]["auc"]) for name in ("own_then_buyers", "own", "buyers")}
    assert ranked == {
        "own_then_buyers": (0.66667, 0.66667),
        "own": (0.41667, 0.55556),  # customer 4: all four alike; customer 3: one of two that are last
        "buyers": (0.66667, 0.66667),
    }
    assert (found["by_lot"]["hit_at_1"], found["by_lot"]["auc"]) == (0.25, 0.5)


def test_campaigns_before_and_those_of_chosen_coupons_are_not_asked(world):
    for other, since in ((world, START + 1), (replace(world, is_for_all=np.array([False])), START)):
        found = preferences.evaluate(other, since=since)
        assert (found["cases"], found["own_then_buyers"]) == (0, {"hit_at_1": None, "auc": None})
