"""Points that paid for goods come back with them."""

import random
from datetime import timedelta

import pytest

from rewards.domain import explanations
from rewards.models import EntryKind, ExpiryPolicy, PointsEntry, ShortfallPolicy
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.baskets import back, basket
from tests.rewards.domain.steps import account, award, redeem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def test_points_that_paid_come_back_with_the_goods(settle, take_back, customer, now):
    award(customer, 1000, now, "before")
    purchase = settle(basket(4000, 2000, customer=customer, now=now, points=1000)).purchase
    assert account(customer)[0] == 50
    told = take_back(purchase, back(2, 2000, now=now))
    assert (told.reimbursed.points, told.reimbursed.kind) == (333, EntryKind.REIMBURSE)
    assert told.reimbursed.reference == f"return:{told.purchase_return.pk}"
    assert (told.clawed_back.points, told.summary.balance) == (-17, 366)
    told = take_back(purchase, back(1, 4000, now=now, number="B-2"))
    assert (told.reimbursed.points, told.clawed_back.points, told.summary.balance) == (667, -33, 1000)


@pytest.mark.parametrize("policy", ShortfallPolicy)
@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_order_of_partial_returns_does_not_matter(settle, take_back, customer, now, policy, order):
    """All that was earned is spent on another purchase; what paid comes back and makes good what is missing."""
    ProgramFactory(shortfall_policy=policy)
    award(customer, 70, now, "before")
    amounts = {1: 3331, 2: 5003, 3: 1999}
    purchase = settle(basket(*amounts.values(), customer=customer, now=now, points=70)).purchase
    assert account(customer)[0] == 102
    redeem(customer, 102, now)
    for number in order:
        take_back(purchase, back(number, amounts[number], now=now, number=f"B-{number}"))
    expected = (-32, 32) if policy == ShortfallPolicy.DEBT else (0, 0)
    assert account(customer)[:2] == expected


@pytest.mark.parametrize("policy", ShortfallPolicy)
def test_customer_never_gains_by_buying_spending_and_bringing_back(settle, take_back, customer, now, policy):
    ProgramFactory(shortfall_policy=policy)
    award(customer, 100, now, "before")
    first = settle(basket(10_000, customer=customer, now=now, points=100)).purchase
    assert account(customer)[0] == 99
    second = settle(basket(10_000, customer=customer, now=now, points=99, receipt="R-2")).purchase
    assert account(customer)[0] == 99
    take_back(first, back(1, 10_000, now=now))
    take_back(second, back(1, 10_000, now=now, number="B-2"))
    assert account(customer)[:2] == (100, 0)


def test_points_come_back_to_the_lots_they_came_from(settle, take_back, customer, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=6)
    award(customer, 100, now - 40 * DAY, "older")
    purchase = settle(basket(10_000, customer=customer, now=now, points=100)).purchase
    before = take_back(purchase, back(1, 10_000, now=now)).summary
    assert [points for points, _ in before.expiring] == [100]
    assert before.expiring[0][1].date() == (now + 196 * DAY).date().replace(month=11, day=1)


def test_return_told_again_gives_back_nothing_more(settle, take_back, customer, now):
    award(customer, 1000, now, "before")
    purchase = settle(basket(2000, 2000, customer=customer, now=now, points=1000)).purchase
    first = take_back(purchase, back(1, 2000, now=now))
    again = take_back(purchase, back(1, 2000, now=now))
    assert (first.reimbursed.points, again.reimbursed, again.clawed_back) == (500, first.reimbursed, first.clawed_back)
    assert PointsEntry.objects.count() == 5


def test_entries_of_a_return_tell_place_and_day(settle, take_back, customer, store, now):
    store.name = "Store X"
    store.save()
    award(customer, 1000, now, "before")
    purchase = settle(basket(4000, customer=customer, now=now, points=1000)).purchase
    told = take_back(purchase, back(1, 4000, now=now + DAY), at=now + DAY)
    shown = [entry.explanation for entry in explanations.explained([told.clawed_back, told.reimbursed])]
    assert shown == [
        "30 points taken back because goods were returned at Store X on May 21, 2026.",
        "1,000 points given back because goods paid with points were returned at Store X on May 21, 2026.",
    ]


def test_giving_back_tells_what_made_up_for_forgiven_points(settle, take_back, customer, now):
    """The second part of the goods comes back after the first one's points were found spent."""
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    award(customer, 60, now, "before")
    purchase = settle(basket(10_000, 10_000, customer=customer, now=now, points=60)).purchase
    redeem(customer, 199, now)
    first = take_back(purchase, back(1, 10_000, now=now))
    assert (first.reimbursed.points, first.clawed_back.points, first.clawed_back.breakdown["forgiven"]) == (30, -30, 70)
    second = take_back(purchase, back(2, 10_000, now=now, number="B-2"))
    assert (second.reimbursed.points, second.clawed_back.points) == (0, 0)
    assert explanations.explain(second.reimbursed) == (
        "Spending was undone; no points were given back."
        " 30 points made up for points that were forgiven when goods were returned."
    )


@pytest.mark.parametrize("policy", ShortfallPolicy)
@pytest.mark.parametrize("seed", range(6))
def test_parts_in_any_order_end_alike(settle, take_back, now, policy, seed):
    """Two customers with the same lots, purchase and spending bring the same parts back, in different orders."""
    ProgramFactory(shortfall_policy=policy, expiry_policy=ExpiryPolicy.ROLLING, expiry_months=6)
    rng = random.Random(seed)
    amounts = [rng.randint(1, 9999) for _ in range(5)]
    before, elsewhere = [rng.randint(1, 90) for _ in range(3)], rng.random()
    ends = []
    for number, customer in enumerate(CustomerFactory.create_batch(2)):
        for months, points in enumerate(before):
            award(customer, points, now - 31 * months * DAY, f"before {months}")
        told = basket(*amounts, customer=customer, now=now, receipt=f"R-{number}", points=sum(before[:2]))
        settled = settle(told)
        redeem(customer, int(settled.summary.available * elsewhere) + 1, now)
        for position in rng.sample(range(1, 6), 5):
            part = back(position, amounts[position - 1], now=now, number=f"B-{number}-{position}")
            summary = take_back(settled.purchase, part).summary
        ends.append((summary.balance, summary.debt, summary.available))
    assert ends[0] == ends[1]
