from datetime import timedelta
from decimal import Decimal

import pytest

from customers.domain.purchases import ReturnLineIn
from customers.models import Purchase, PurchaseReturn
from loyalty_site.lib import actors
from rewards.domain import checkout, counter, points, redemptions, takebacks
from rewards.domain.checkout import ReturnIn
from rewards.models import CouponState, PointsEntry, RedemptionState
from tests.factories.customers import StoreFactory
from tests.factories.rewards import CouponFactory, RewardFactory
from tests.races import at_once
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import award

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

BY, OTHER = actors.user(7), actors.user(8)
SECOND = timedelta(seconds=1)


def book(store, customer, now, *amounts, by=BY, **told):
    told = basket(*amounts, customer=customer, now=now, **told)
    return checkout.settle(purchase=told, store=store, till=None, by=by, at=now).purchase


def told_back(at, *lines, number="B-1"):
    return ReturnIn(number, at, [ReturnLineIn(position, Decimal(1), amount) for position, amount in lines])


def last(store, at, by=BY):
    return takebacks.last_act(store=store, by=by, at=at)


def test_foretold_is_what_happens_and_leaves_nothing(store, customer, now):
    award(customer, 500, now)
    coupon = CouponFactory(customer=customer)
    bought = book(store, customer, now, 6000, 4000, coupons=[coupon.code], points=200)
    entries = PointsEntry.objects.count()
    told = told_back(now, (1, 6000), (2, 4000))
    foretold = takebacks.foretell(purchase=bought, told=told, store=store, by=BY, at=now)
    coupon.refresh_from_db()
    assert (PointsEntry.objects.count(), coupon.state) == (entries, CouponState.REDEEMED)
    assert not PurchaseReturn.objects.exists()
    taken = checkout.take_back(purchase=bought, told=told, store=store, till=None, by=BY, at=now)
    done = takebacks.outcome(purchase_return=taken.purchase_return, at=now)
    assert foretold.refund_minor == done.refund_minor == bought.paid_minor == 9300
    for outcome in (foretold, done):
        moved = (outcome.taken.clawed_back.points, outcome.taken.reimbursed.points, outcome.taken.summary.balance)
        assert (moved, outcome.taken.coupons) == ((-93, 200, 500), (coupon,))


def test_refunds_of_parts_come_to_what_was_paid(store, customer, now):
    award(customer, 500, now)
    coupon = CouponFactory(customer=customer)
    bought = book(store, customer, now, 333, 334, 333, coupons=[coupon.code], points=7)
    refunds = []
    for position, amount in ((2, 334), (1, 333), (3, 333)):
        told = told_back(now, (position, amount), number=f"B-{position}")
        foretold = takebacks.foretell(purchase=bought, told=told, store=store, by=BY, at=now)
        taken = checkout.take_back(purchase=bought, told=told, store=store, till=None, by=BY, at=now)
        refunds.append(takebacks.outcome(purchase_return=taken.purchase_return, at=now).refund_minor)
        assert foretold.refund_minor == refunds[-1]
    assert sum(refunds) == bought.paid_minor == 493
    first = PurchaseReturn.objects.order_by("pk").first()
    assert takebacks.outcome(purchase_return=first, at=now).refund_minor == refunds[0]


def test_foretelling_what_is_refused_says_so(store, customer, now):
    bought = book(store, customer, now, 1000)
    with pytest.raises(checkout.NothingReturned):
        takebacks.foretell(purchase=bought, told=told_back(now), store=store, by=BY, at=now)


def test_last_act_is_own_of_this_store_and_not_long_ago(store, customer, now):
    assert last(store, now) is None
    bought = book(store, customer, now, 1000)
    assert last(store, now + takebacks.UNDO_FOR) == bought
    assert last(store, now + takebacks.UNDO_FOR + SECOND) is None
    assert last(store, now, by=OTHER) is None
    assert last(StoreFactory(), now) is None


def test_last_act_undone_leaves_none_before_it(store, customer, now):
    book(store, customer, now, 1000)
    later = book(store, customer, now + SECOND, 2000, receipt="R-2")
    assert last(store, now + SECOND) == later
    told = ReturnIn("B-1", now + SECOND, takebacks.everything_left(purchase=later))
    checkout.take_back(purchase=later, told=told, store=store, till=None, by=BY, at=now + SECOND)
    assert last(store, now + SECOND) is None


def test_purchase_of_a_page_that_was_open_for_long_counts_from_its_booking(store, customer, now):
    told = basket(1000, customer=customer, now=now - takebacks.PAGE_OPEN_FOR)
    bought = checkout.settle(purchase=told, store=store, till=None, by=BY, at=now).purchase
    assert last(store, now + takebacks.UNDO_FOR) == bought


def take(customer, now, by=BY, reference=f"{takebacks.COUNTER}1"):
    award(customer, 1000, now)
    return counter.hand_over(
        customer=customer, reward=RewardFactory(stock=3), cost_points=100, reference=reference, by=by, at=now
    )


def test_reward_is_undone_as_foretold(store, customer, now):
    taken = take(customer, now)
    assert last(store, now) == taken
    after = takebacks.foretell_cancelled(redemption=taken, by=BY, at=now)
    taken.refresh_from_db()
    assert (after.balance, taken.state) == (1000, RedemptionState.FULFILLED)
    takebacks.undo_reward(redemption=taken, by=BY, at=now)
    taken.reward.refresh_from_db()
    assert (points.summary(customer=customer, at=now), taken.reward.stock) == (after, 3)
    assert last(store, now) is None
    with pytest.raises(redemptions.RedemptionCancelled):
        takebacks.undo_reward(
            redemption=type(taken)(pk=taken.pk, customer=customer, state=RedemptionState.FULFILLED), by=BY, at=now
        )


def test_reward_that_others_took_or_handed_over_is_not_theirs(store, customer, now):
    take(customer, now, by=OTHER)
    take(customer, now, reference="portal:1")
    assert last(store, now) is None


def test_reward_that_a_till_took_and_they_only_handed_over_is_not_theirs(store, customer, now):
    award(customer, 1000, now)
    taken = redemptions.request(
        customer=customer,
        reward=RewardFactory(),
        quantity=1,
        reference="till:5:0f8e1c",  # as the till API makes them
        by=actors.till(5),
        at=now,
    )
    redemptions.fulfil(redemption=taken, by=BY, at=now)
    assert last(store, now) is None


@pytest.mark.django_db(transaction=True)
def test_reward_undone_twice_at_once_comes_back_once(customer, now):
    taken = take(customer, now)

    def undo():
        takebacks.undo_reward(redemption=type(taken).objects.get(pk=taken.pk), by=BY, at=now)

    at_once(undo, undo, undo)
    taken.reward.refresh_from_db()
    assert (points.summary(customer=customer, at=now).balance, taken.reward.stock) == (1000, 3)


@pytest.mark.django_db(transaction=True)
def test_foretelling_beside_the_return_itself_books_it_once(store, customer, now):
    bought = book(store, customer, now, 1000)
    told = told_back(now, (1, 1000))
    foretell = [lambda: takebacks.foretell(purchase=bought, told=told, store=store, by=BY, at=now)] * 2
    take_back = [lambda: checkout.take_back(purchase=bought, told=told, store=store, till=None, by=BY, at=now)] * 2
    results = at_once(*foretell, *take_back)
    assert not [result for result in results if isinstance(result, Exception)]
    assert PurchaseReturn.objects.count() == 1
    assert points.summary(customer=customer, at=now).balance == 0
    assert Purchase.objects.count() == 1
