from decimal import Decimal

import pytest

from customers.models import Product, Purchase
from loyalty_site.lib import actors
from rewards.domain import catalogue, counter, points, redemptions
from rewards.domain.checkout import PurchaseIn
from rewards.models import RedemptionState, RewardRedemption
from tests.factories.customers import CategoryFactory, StoreFactory
from tests.factories.rewards import RewardFactory
from tests.races import at_once
from tests.rewards.domain.steps import award

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

BY = actors.user(7)


def hand_over(customer, reward, at, reference="till:1", cost_points=None):
    cost = reward.cost_points if cost_points is None else cost_points
    return counter.hand_over(customer=customer, reward=reward, cost_points=cost, reference=reference, by=BY, at=at)


def sell(store, customer, now, category=None, receipt="R-1"):
    lines = [counter.goods(category=category, amount_minor=1000)]
    told = PurchaseIn(receipt, customer, now, store.currency, lines)
    return counter.sell(purchase=told, category=category, store=store, by=BY, at=now)


def test_goods_are_one_line_of_the_category():
    line = counter.goods(category=None, amount_minor=1250)
    assert (line.sku, line.category, line.quantity, line.amount_minor) == ("counter", "", Decimal(1), 1250)


def test_sell_books_and_makes_what_stands_for_the_goods_once(store, customer, now):
    fruit = CategoryFactory()
    first, again = sell(store, customer, now, fruit), sell(store, customer, now, fruit)
    assert (first.created, again.created, first.purchase) == (True, False, again.purchase)
    stand_in = Product.objects.get()
    assert (stand_in.category, stand_in.discontinued_at) == (fruit, now)
    assert first.purchase.recorded_by == "user:7"


@pytest.mark.django_db(transaction=True)
def test_first_sales_of_a_category_at_once_are_all_booked(store, customer, now):
    fruit, other = CategoryFactory(), StoreFactory()
    told = [(store, "R-1"), (store, "R-2"), (other, "R-1"), (store, "R-1")]
    results = at_once(*(lambda told=told: sell(told[0], customer, now, fruit, told[1]) for told in told))
    assert sorted(result.created for result in results) == [False, True, True, True]
    assert (Purchase.objects.count(), Product.objects.count()) == (3, 1)


def test_hand_over_takes_points_and_closes_at_once(customer, now):
    award(customer, 500, now)
    reward = RewardFactory(cost_points=300)
    taken = hand_over(customer, reward, now)
    assert (taken.state, taken.closed_by, taken.closed_at) == (RedemptionState.FULFILLED, "user:7", now)
    assert hand_over(customer, reward, now) == taken
    with pytest.raises(points.InsufficientPoints):
        hand_over(customer, reward, now, reference="till:2")
    assert RewardRedemption.objects.count() == 1


def test_hand_over_at_another_price_or_of_a_cancelled_one_is_refused(customer, now):
    award(customer, 500, now)
    reward = RewardFactory(cost_points=300)
    with pytest.raises(catalogue.RewardCostChanged):
        hand_over(customer, reward, now, cost_points=299)
    redemption = redemptions.request(customer=customer, reward=reward, quantity=1, reference="till:1", by=BY, at=now)
    redemptions.cancel(redemption=redemption, by=BY, at=now)
    assert hand_over(customer, reward, now).state == RedemptionState.CANCELLED
    assert points.summary(customer=customer, at=now).balance == 500


@pytest.mark.django_db(transaction=True)
def test_hand_over_told_twice_at_once_takes_one(customer, now):
    award(customer, 900, now)
    reward = RewardFactory(cost_points=300, stock=5)
    results = at_once(*[lambda: hand_over(customer, reward, now)] * 3)
    assert {result.pk for result in results} == {RewardRedemption.objects.get().pk}
    reward.refresh_from_db()
    assert (reward.stock, points.summary(customer=customer, at=now).balance) == (4, 600)
