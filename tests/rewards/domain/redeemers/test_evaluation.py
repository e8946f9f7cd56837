"""On a small world: who has bought what a coupon is for redeems it."""

from dataclasses import replace

import numpy as np
import pytest

from rewards.domain.redeemers import evaluation
from rewards.domain.redeemers.evaluation import History

CUSTOMERS, CAMPAIGNS, SINCE = 40, 6, 200


@pytest.fixture
def world():
    """Customer c buys product c % 4 every ten days; campaign k, from day 100 + 30 k on for 20 days, has two coupons:
    for product k % 4, and for product 9 that nobody buys. Who buys the first redeems it."""
    buyer = np.repeat(np.arange(CUSTOMERS), 30)
    starts = 100 + 30 * np.arange(CAMPAIGNS)
    target, campaign = (grid.ravel() for grid in np.meshgrid(np.arange(CUSTOMERS), np.arange(CAMPAIGNS)))
    redeemed = target % 4 == campaign % 4
    return History(
        customers=CUSTOMERS,
        buyer=buyer,
        day=np.tile(np.arange(0, 300, 10), CUSTOMERS),
        is_discounted=np.zeros(len(buyer), bool),
        basket=np.arange(len(buyer)),
        product=buyer % 4,
        starts=starts,
        ends=starts + 20,
        is_for_all=np.ones(CAMPAIGNS, bool),
        target=target,
        campaign=campaign,
        good=np.stack([np.arange(CAMPAIGNS) % 4, np.full(CAMPAIGNS, 9)], axis=1).ravel(),
        good_coupon=np.arange(2 * CAMPAIGNS),
        coupon_campaign=np.repeat(np.arange(CAMPAIGNS), 2),
        redeemer=target[redeemed],
        redeemed_coupon=campaign[redeemed] * 2,
        redeemed_day=starts[campaign[redeemed]] + 5,
    )


def test_who_buys_it_redeems_it(world):
    found = evaluation.evaluate(world, since=SINCE)
    assert (found["learned_from"]["campaigns"], found["asked"]["campaigns"]) == (3, 2)
    assert found["asked"] == {"campaigns": 2, "cases": 80, "redeemed": 0.25}
    assert found["rankings"]["learned_once"]["auc"] == 1
    assert found["rankings"]["share_of_baskets_with_a_discount"]["auc"] == 0.5


def test_nothing_of_the_time_since_a_campaign_began_is_known(world):
    """What is bought and redeemed from its first day on is the other way round, and changes no score."""
    start = int(world.starts[4])
    later, sooner = world.day[world.basket] >= start, world.redeemed_day < start
    planted = replace(
        world,
        product=np.where(later, 3 - world.product, world.product),
        is_discounted=(world.day >= start) & (world.buyer % 2 == 0),
        redeemer=np.where(sooner, world.redeemer, CUSTOMERS - 1 - world.redeemer),
    )
    mine, theirs = (evaluation._cases(history, 4) for history in (world, planted))
    assert mine.used.tolist() != theirs.used.tolist()
    assert np.array_equal(mine.table, theirs.table)
    after = evaluation._cases(planted, 5)
    assert not np.array_equal(evaluation._cases(world, 5).table, after.table)
