from datetime import timedelta
from threading import Barrier

import pytest

from customers.models import AuditEvent
from loyalty_site.lib import codes
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import catalogue, points, redemptions
from rewards.models import PointsLot, RedemptionState, RewardRedemption
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory, RewardFactory
from tests.races import at_once
from tests.rewards.domain.steps import account, award, cancel, cancel_own, fulfil, remaining, request

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


@pytest.fixture
def customer(customer, now):
    award(customer, 1000, now)
    return customer


def stock(reward):
    reward.refresh_from_db()
    return reward.stock


def test_request_takes_points_and_stock_and_gives_a_pickup_code(customer, now):
    reward = RewardFactory(cost_points=120, stock=5)
    taken = request(customer, reward, now, quantity=2)
    stored = RewardRedemption.objects.get()
    assert (stored, stored.points, stored.quantity, stored.state) == (taken, 240, 2, RedemptionState.REQUESTED)
    assert (stored.entry.points, stored.entry.actor) == (-240, f"customer:{customer.pk}")
    assert codes.is_well_formed(stored.pickup_code)
    assert (stock(reward), account(customer)) == (3, (760, 0, 2))


def test_request_with_known_reference_gives_the_first_redemption(customer, now):
    reward = RewardFactory(cost_points=600, stock=1)
    first = request(customer, reward, now)
    assert request(customer, reward, now) == first
    with pytest.raises(points.ReferenceReused):
        request(customer, RewardFactory(cost_points=600), now)
    with pytest.raises(points.ReferenceReused):
        request(customer, RewardFactory(cost_points=300), now, quantity=1)
    assert (stock(reward), account(customer)) == (0, (400, 0, 2))


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        (lambda now: {"stock": 0}, redemptions.RewardOutOfStock),
        (lambda now: {"stock": 1}, redemptions.RewardOutOfStock),
        (lambda now: {"cost_points": 501}, points.InsufficientPoints),
        (lambda now: {"offered_from": now + DAY}, catalogue.RewardNotOffered),
        (lambda now: {"offered_to": now}, catalogue.RewardNotOffered),
    ],
)
def test_refused_request_takes_nothing(customer, now, values, refusal):
    reward = RewardFactory(**values(now))
    before = reward.stock
    with pytest.raises(refusal):
        request(customer, reward, now, quantity=2)
    assert (stock(reward), account(customer)) == (before, (1000, 0, 1))
    assert not RewardRedemption.objects.exists()


def test_request_takes_another_code_when_one_is_in_use(customer, now, monkeypatch):
    taken = request(customer, RewardFactory(), now).pickup_code
    drawn = iter([taken, taken, "23456789"])
    monkeypatch.setattr(codes, "generate", lambda *, length: next(drawn))
    assert request(customer, RewardFactory(), now, "web:2").pickup_code == "23456789"


def test_fulfil_hands_over_once(customer, now):
    taken = request(customer, RewardFactory(), now)
    fulfil(taken, now + DAY)
    assert (taken.state, taken.closed_at, taken.closed_by) == (RedemptionState.FULFILLED, now + DAY, "user:7")
    with pytest.raises(redemptions.RedemptionFulfilled):
        fulfil(taken, now)
    with pytest.raises(redemptions.RedemptionFulfilled):
        cancel(taken, now)


def test_cancel_gives_points_and_stock_back_once(customer, now):
    reward = RewardFactory(cost_points=120, stock=5)
    taken = request(customer, reward, now, quantity=2)
    cancel(taken, now + DAY)
    cancel(taken, now + DAY)
    assert (taken.state, taken.closed_by) == (RedemptionState.CANCELLED, "user:7")
    assert (stock(reward), account(customer)) == (5, (1000, 0, 3))
    with pytest.raises(redemptions.RedemptionCancelled):
        fulfil(taken, now)


def test_customer_cancels_until_the_time_is_over(customer, now):
    ProgramFactory(customer_cancel_hours=24)
    reward = RewardFactory(cost_points=120, stock=5)
    kept, dropped = request(customer, reward, now, "web:1"), request(customer, reward, now, "web:2")
    with pytest.raises(redemptions.CancellationTooLate):
        cancel_own(kept, now + DAY)
    cancel_own(dropped, now + DAY - timedelta(seconds=1))
    assert (kept.state, dropped.state, dropped.closed_by) == ("REQUESTED", "CANCELLED", f"customer:{customer.pk}")
    assert (stock(reward), account(customer)) == (4, (880, 0, 4))
    cancel_own(dropped, now + DAY)  # a second yes, however late, finds it done
    fulfil(kept, now)
    with pytest.raises(redemptions.RedemptionFulfilled):
        cancel_own(kept, now)


def test_customer_cannot_cancel_where_only_staff_may(customer, now):
    ProgramFactory(customer_cancel_hours=0)
    taken = request(customer, RewardFactory(), now)
    with pytest.raises(redemptions.CancellationTooLate):
        cancel_own(taken, now)
    cancel(taken, now)
    assert taken.state == RedemptionState.CANCELLED


def test_cancelling_gives_back_to_the_very_lots(now):
    ProgramFactory(expiry_policy="ROLLING", expiry_months=1)
    customer = CustomerFactory()
    award(customer, 100, now)
    award(customer, 100, now + 40 * DAY)
    before = list(PointsLot.objects.filter(customer=customer.pk).order_by("pk").values_list("remaining", "expires_at"))
    taken = request(customer, RewardFactory(cost_points=60), now + DAY)
    assert remaining(customer) == [40, 100]
    cancel(taken, now + 2 * DAY)
    after = list(PointsLot.objects.filter(customer=customer.pk).order_by("pk").values_list("remaining", "expires_at"))
    assert after == before


@pytest.mark.django_db(transaction=True)
def test_last_piece_goes_to_one_of_many(now):
    reward = RewardFactory(stock=1)
    customers = CustomerFactory.create_batch(16)
    for customer in customers:
        award(customer, 100, now)
    results = at_once(*[lambda c=c: request(c, reward, now, f"web:{c.pk}") for c in customers])
    assert sum(isinstance(result, RewardRedemption) for result in results) == 1
    assert sum(isinstance(result, redemptions.RewardOutOfStock) for result in results) == 15
    assert stock(reward) == 0
    assert sorted(account(customer) for customer in customers) == [(0, 0, 2)] + [(100, 0, 1)] * 15


@pytest.mark.django_db(transaction=True)
def test_double_click_takes_the_reward_once(customer, now):
    reward = RewardFactory(stock=3)
    results = at_once(*[lambda: request(customer, reward, now)] * 8)
    assert {result.pk for result in results} == {RewardRedemption.objects.get().pk}
    assert (stock(reward), account(customer)) == (2, (900, 0, 2))


@pytest.mark.django_db(transaction=True)
def test_eight_cancellations_give_back_once(customer, now):
    reward = RewardFactory(stock=3)
    taken = request(customer, reward, now)
    at_once(*[lambda: cancel(RewardRedemption.objects.get(pk=taken.pk), now)] * 8)
    assert (stock(reward), account(customer)) == (3, (1000, 0, 3))


@pytest.mark.django_db(transaction=True)
def test_fulfil_against_cancel_has_one_winner(customer, now):
    for number in range(5):
        taken = request(customer, RewardFactory(), now, f"web:{number}")
        results = at_once(
            lambda pk=taken.pk: fulfil(RewardRedemption.objects.get(pk=pk), now),
            lambda pk=taken.pk: cancel(RewardRedemption.objects.get(pk=pk), now),
        )
        names = [type(result).__name__ for result in results]
        assert names in (["NoneType", "RedemptionFulfilled"], ["RedemptionCancelled", "NoneType"])


@pytest.mark.django_db(transaction=True)
def test_reference_of_another_customer_is_refused_at_the_same_moment(now, monkeypatch):
    reward, both_looked = RewardFactory(), Barrier(2)
    monkeypatch.setattr(redemptions, "_take_from_stock", lambda *_: both_looked.wait(timeout=30))
    customers = CustomerFactory.create_batch(2)
    for customer in customers:
        award(customer, 100, now)
    results = at_once(*[lambda c=c: request(c, reward, now) for c in customers])
    assert sorted(type(result).__name__ for result in results) == ["ReferenceReused", "RewardRedemption"]
    assert sorted(account(customer)[0] for customer in customers) == [0, 100]


def test_hand_over_that_is_undone_waits_again_and_can_be_cancelled(customer, now):
    taken = request(customer, RewardFactory(cost_points=600), now)
    fulfil(taken, now)
    undo_hand_over(taken, now)
    stored = RewardRedemption.objects.get()
    assert (stored.state, stored.closed_at, stored.closed_by) == (RedemptionState.REQUESTED, None, "")
    undo_hand_over(taken, now)
    assert AuditEvent.objects.filter(action="redemption.hand_over_undone").count() == 1
    cancel(taken, now)
    with pytest.raises(redemptions.RedemptionCancelled):
        undo_hand_over(taken, now)
    assert account(customer) == (1000, 0, 3)


def undo_hand_over(taken, at):
    redemptions.undo_hand_over(redemption=taken, by=SYSTEM, at=at)
