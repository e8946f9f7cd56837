"""Merges against everything else at the same moment, on connections of their own."""

from datetime import timedelta
from functools import partial

import pytest

from customers.domain.customers import CustomerMerged
from customers.models import Customer, CustomerMerge, Purchase
from loyalty_site.lib import actors
from rewards.domain import coupons, import_lock, merges, points, takebacks
from rewards.models import Coupon, PointsAccount, PointsEntry
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import OfferFactory, RewardFactory
from tests.races import at_once
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import account, award, cancel, claw_back, fulfil, redeem, reimburse, request

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)
STAFF = actors.user(7)


def merge(source, target, at):
    return merges.merge(source=source, target=target, reason="", by=STAFF, at=at)


def names(results):
    return sorted(type(result).__name__ for result in results)


def test_both_directions_at_once_merge_once(now):
    for _ in range(10):
        one, other = CustomerFactory(), CustomerFactory()
        award(one, 100, now)
        award(other, 10, now)
        results = at_once(lambda a=one, b=other: merge(a, b, now), lambda a=one, b=other: merge(b, a, now))
        assert names(results) == ["CustomerMerge", "CustomerMerged"]
        assert sorted([account(one)[0], account(other)[0]]) == [0, 110]


def test_the_same_merge_at_once_merges_once(now):
    one, other = CustomerFactory(), CustomerFactory()
    award(one, 100, now)
    results = at_once(*[lambda: merge(one, other, now)] * 8)
    assert names(results) == ["CustomerMerge"] + ["CustomerMerged"] * 7
    assert account(other)[0] == 100


def test_a_ring_of_merges_at_once_loses_nothing(now):
    for _ in range(5):
        people = [CustomerFactory() for _ in range(4)]
        for customer in people:
            award(customer, 100, now)
        at_once(*[lambda n=n, p=people: merge(p[n], p[(n + 1) % 4], now) for n in range(4)])
        pks = [customer.pk for customer in people]
        balances = dict(PointsAccount.objects.filter(pk__in=pks).values_list("pk", "balance"))
        merged = set(Customer.objects.filter(pk__in=pks, merged_into__isnull=False).values_list("pk", flat=True))
        assert sum(balances.values()) == 400
        assert {balances[pk] for pk in merged} == {0}
        assert 1 <= len(merged) <= 3


def test_undo_at_once_gives_back_once(now):
    one, other = CustomerFactory(), CustomerFactory()
    award(one, 100, now)
    record = merge(one, other, now)
    results = at_once(*[lambda: merges.undo(merge=record, by=STAFF, at=now)] * 8)
    assert names(results) == ["NoneType"] * 8
    assert (account(one)[:2], account(other)[:2]) == ((100, 0), (0, 0))


def test_sales_at_two_tills_come_before_or_are_refused(settle, now):
    for n in range(10):
        one, other = CustomerFactory(), CustomerFactory()
        award(one, 100, now)
        sales = [
            lambda a=one, r=f"{n}-{till}": settle(basket(5_000, customer=a, now=now, receipt=r, points=20))
            for till in range(3)
        ]
        *sold, merged = at_once(*sales, lambda a=one, b=other: merge(a, b, now))
        done = [result for result in sold if not isinstance(result, CustomerMerged)]
        assert isinstance(merged, CustomerMerge)
        assert {type(result).__name__ for result in done} <= {"Settlement"}
        assert account(one)[:2] == (0, 0)
        assert account(other)[0] == 100 + len(done) * (49 - 20)
        assert Purchase.objects.filter(customer=other).count() == len(done)
        assert not Purchase.objects.filter(customer=one).exists()


def test_corrections_are_booked_before_or_after(now):
    for _ in range(10):
        one, other = CustomerFactory(), CustomerFactory()
        earned = award(one, 100, now)
        spent = redeem(one, 30, now)
        results = at_once(
            lambda a=one, b=other: merge(a, b, now),
            lambda e=earned: claw_back(e, 60, now),
            lambda e=spent: reimburse(e, now),
            lambda b=other: award(b, 5, now),
        )
        assert names(results) == ["CustomerMerge"] + ["PointsEntry"] * 3
        assert (account(one)[:2], account(other)[:2]) == ((0, 0), (45, 0))


def test_corrections_follow_a_merge_that_is_undone_at_that_moment(now):
    for _ in range(10):
        one, other = CustomerFactory(), CustomerFactory()
        earned, spent = award(one, 100, now), redeem(one, 30, now)
        record = merge(one, other, now)
        results = at_once(
            lambda r=record: merges.undo(merge=r, by=STAFF, at=now),
            lambda e=earned: claw_back(e, 60, now),
            lambda e=spent: reimburse(e, now),
        )
        assert names(results) == ["NoneType", "PointsEntry", "PointsEntry"]
        assert account(one)[0] + account(other)[0] == 40


def test_a_reward_is_cancelled_once_whoever_owns_it(now):
    for _ in range(10):
        one, other = CustomerFactory(), CustomerFactory()
        award(one, 100, now)
        taken = request(one, RewardFactory(cost_points=60), now, f"web:{one.pk}")
        results = at_once(lambda a=one, b=other: merge(a, b, now), *[lambda t=taken: cancel(t, now)] * 2)
        assert names(results) == ["CustomerMerge", "NoneType", "NoneType"]
        assert (account(one)[:2], account(other)[:2]) == ((0, 0), (100, 0))


def test_a_reward_that_was_handed_over_is_undone_whoever_owns_it(now):
    for _ in range(20):
        one, other = CustomerFactory(), CustomerFactory()
        award(one, 100, now)
        taken = request(one, RewardFactory(cost_points=60), now, f"web:{one.pk}")
        fulfil(taken, now)
        results = at_once(
            lambda a=one, b=other: merge(a, b, now),
            lambda t=taken: takebacks.undo_reward(redemption=t, by=STAFF, at=now),
        )
        assert names(results) == ["CustomerMerge", "NoneType"]
        assert (account(one)[:2], account(other)[:2]) == ((0, 0), (100, 0))


def test_holds_are_captured_before_or_released(now):
    for n in range(10):
        one, other = CustomerFactory(), CustomerFactory()
        award(one, 100, now)
        held = points.hold(customer=one, points=40, ttl=DAY, reference=f"hold:{n}", by=STAFF, at=now)
        merged, taken = at_once(
            lambda a=one, b=other: merge(a, b, now), lambda h=held: points.capture(hold=h, by=STAFF, at=now)
        )
        assert isinstance(merged, CustomerMerge)
        assert account(other)[0] == (60 if isinstance(taken, PointsEntry) else 100)
        assert type(taken).__name__ in {"PointsEntry", "HoldReleased"}


def test_coupons_are_issued_before_or_refused(now):
    offer = OfferFactory()
    for n in range(10):
        one, other = CustomerFactory(), CustomerFactory()
        issue = partial(coupons.issue, offer=offer, customer=one, by=STAFF, at=now)
        results = at_once(
            lambda a=one, b=other: merge(a, b, now), *[partial(issue, reference=f"{n}:{m}") for m in range(3)]
        )
        issued = [result for result in results if isinstance(result, Coupon)]
        assert names(results) == sorted(
            ["CustomerMerge"] + ["Coupon"] * len(issued) + ["CustomerMerged"] * (3 - len(issued))
        )
        assert Coupon.objects.filter(customer=other).count() == len(issued)
        assert not Coupon.objects.filter(customer=one).exists()


def test_a_merge_is_refused_while_an_import_runs(now):
    one, other = CustomerFactory(), CustomerFactory()
    with import_lock.one_at_a_time():
        (refusal,) = at_once(lambda: merge(one, other, now))
    assert isinstance(refusal, import_lock.ImportRunning)
    assert isinstance(merge(one, other, now), CustomerMerge)
