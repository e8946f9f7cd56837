from datetime import UTC, datetime, timedelta

import pytest

from rewards.domain import catalogue
from rewards.models import Program, Reward, RewardRedemption
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory, RewardFactory
from tests.races import at_once
from tests.rewards.domain.steps import account, award, cancel, request

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def customer(customer, now):
    award(customer, 1000, now - 101 * DAY)
    return customer


def take(customer, reward, at, **more):
    return request(customer, reward, at, f"web:{at}:{more}", **more)


def test_limit_in_all_counts_pieces_and_not_what_was_cancelled(customer, now):
    reward = RewardFactory(per_customer_max=3, cost_points=10)
    first = take(customer, reward, now - 100 * DAY, quantity=2)
    with pytest.raises(catalogue.RewardLimitReached) as refused:
        take(customer, reward, now, quantity=2)
    assert refused.value.details == {"most": 3, "period": "in all", "taken": 2}
    assert str(refused.value) == "Each customer can take at most 3 of this reward in all."
    cancel(first, now)
    take(customer, reward, now, quantity=3)
    with pytest.raises(catalogue.RewardLimitReached):
        take(customer, reward, now)
    assert account(customer)[0] == 970


def test_limit_of_one_customer_is_not_anothers(customer, now):
    reward, other = RewardFactory(per_customer_max=1, cost_points=10), CustomerFactory()
    award(other, 10, now)
    take(customer, reward, now)
    request(other, reward, now, "other")
    take(customer, RewardFactory(per_customer_max=1, cost_points=10), now + SECOND)
    assert RewardRedemption.objects.count() == 3


# Midnight in Shanghai is 16:00 of the day before in UTC.
@pytest.mark.parametrize(
    ("period", "first", "same", "following"),
    [
        (
            "MONTH",
            datetime(2026, 5, 20, tzinfo=UTC),
            datetime(2026, 5, 31, 15, 59, 59, tzinfo=UTC),
            datetime(2026, 5, 31, 16, tzinfo=UTC),
        ),
        (
            "YEAR",
            datetime(2026, 5, 20, tzinfo=UTC),
            datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC),
            datetime(2026, 12, 31, 16, tzinfo=UTC),
        ),
    ],
)
def test_limit_begins_anew_at_the_programmes_midnight(customer, period, first, same, following):
    program = ProgramFactory(timezone="Asia/Shanghai")
    reward = RewardFactory(per_customer_max=1, per_customer_period=period, cost_points=10)

    def limit_reached(at):
        return catalogue.shelf(customer=customer, spendable=1000, program=program, at=at)[0].limit_reached

    take(customer, reward, first)
    with pytest.raises(catalogue.RewardLimitReached):
        take(customer, reward, same)
    assert (limit_reached(same), limit_reached(following)) == (True, False)
    take(customer, reward, following)


def test_first_redemption_comes_back_though_the_limit_is_reached_and_the_cost_changed(customer, now):
    reward = RewardFactory(per_customer_max=1)
    first = request(customer, reward, now, cost_points=100)
    Reward.objects.update(cost_points=500)
    assert request(customer, reward, now, cost_points=100) == first
    assert account(customer) == (900, 0, 2)


def test_another_cost_than_the_one_shown_is_refused(customer, now):
    reward = RewardFactory(cost_points=100, stock=1)
    Reward.objects.update(cost_points=150)
    with pytest.raises(catalogue.RewardCostChanged) as refused:
        request(customer, reward, now, cost_points=100)
    assert (refused.value.code, refused.value.details) == ("reward_cost_changed", {"cost": 150})
    assert (account(customer), Reward.objects.get().stock) == ((1000, 0, 1), 1)
    assert request(customer, reward, now, cost_points=150).points == 150


def test_without_a_shown_cost_todays_counts_however_old_the_row_in_hand(customer, now):
    reward = RewardFactory(cost_points=100)
    Reward.objects.update(cost_points=150)
    assert request(customer, reward, now).points == 150


def test_shelf_says_what_is_in_the_way(customer, now):
    gone, once, dear, free = (
        RewardFactory(cost_points=cost, **more)
        for cost, more in ((10, {"stock": 0}), (20, {"per_customer_max": 1}), (1200, {}), (2000, {"stock": 0}))
    )
    easy = RewardFactory(cost_points=30, stock=4)
    take(customer, once, now)
    shown = catalogue.shelf(customer=customer, spendable=980, program=Program(), at=now)
    assert [(row.reward, row.obstacle, row.missing) for row in shown] == [
        (gone, "sold_out", 0),
        (once, "limit_reached", 0),
        (easy, "", 0),
        (dear, "points_missing", 220),
        (free, "sold_out", 1020),
    ]


def test_shelf_takes_two_queries_for_any_number(customer, now, django_assert_num_queries):
    for number in range(4):
        take(customer, RewardFactory(cost_points=10), now + number * SECOND)
    with django_assert_num_queries(2):
        catalogue.shelf(customer=customer, spendable=0, program=Program(), at=now)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("most", "period"), [(1, "EVER"), (3, "MONTH")])
def test_limit_holds_in_eight_tabs(customer, now, most, period):
    reward = RewardFactory(per_customer_max=most, per_customer_period=period, stock=20)
    results = at_once(*[lambda n=n: request(customer, reward, now, f"tab:{n}") for n in range(8)])
    assert sum(isinstance(result, RewardRedemption) for result in results) == most
    assert sum(isinstance(result, catalogue.RewardLimitReached) for result in results) == 8 - most
    reward.refresh_from_db()
    assert (reward.stock, account(customer)) == (20 - most, (1000 - 100 * most, 0, 1 + most))
