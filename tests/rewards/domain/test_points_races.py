"""Several at the same moment, on connections of their own."""

from datetime import timedelta

import pytest

from rewards.domain import ledger, points
from rewards.models import EntryKind, ExpiryPolicy, HoldState, PointsEntry, PointsHold
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.races import at_once
from tests.rewards.domain.steps import (
    account,
    adjust,
    award,
    capture,
    claw_back,
    hold,
    redeem,
    reimburse,
    release,
    remaining,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def kinds(results):
    """Entry numbers, or the names of the refusals, sorted."""
    return sorted(str(getattr(result, "seq", type(result).__name__)) for result in results)


def test_two_tills_cannot_both_redeem_the_last_points(now):
    for _ in range(10):
        customer = CustomerFactory()
        award(customer, 100, now)
        results = at_once(*[lambda n=n, c=customer: redeem(c, 60, now, f"till:{n}") for n in range(2)])
        assert kinds(results) == ["2", "InsufficientPoints"]
        assert account(customer) == (40, 0, 2)


def test_sixteen_awards_with_one_reference_book_once(customer, now):
    results = at_once(*[lambda: award(customer, 40, now, "purchase:1")] * 16)
    assert kinds(results) == ["1"] * 16
    assert account(customer) == (40, 0, 1)


def test_sixteen_redemptions_with_one_reference_book_once(customer, now):
    award(customer, 40, now)
    results = at_once(*[lambda: redeem(customer, 30, now, "redemption:1")] * 16)
    assert kinds(results) == ["2"] * 16
    assert account(customer) == (10, 0, 2)


def test_sixteen_awards_of_different_causes_all_book(customer, now):
    results = at_once(*[lambda n=n: award(customer, 1, now, f"purchase:{n}") for n in range(16)])
    assert sorted(entry.seq for entry in results) == list(range(1, 17))
    assert account(customer) == (16, 0, 16)


def test_redeem_as_many_as_the_points_allow(customer, now):
    for n in range(5):
        award(customer, 10, now, f"purchase:{n}")
    results = at_once(*[lambda n=n: redeem(customer, 8, now, f"till:{n}") for n in range(12)])
    assert kinds(results).count("InsufficientPoints") == 6
    assert account(customer) == (2, 0, 11)


def test_redeem_against_expire_spends_or_lapses_each_point_once(now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    for _ in range(10):
        customer = CustomerFactory()
        lapse = award(customer, 100, now).lots.get().expires_at
        before = lapse - timedelta(seconds=1)
        results = at_once(
            lambda c=customer, at=before: redeem(c, 60, at),
            lambda at=lapse: points.expire(at=at, limit=10),
            lambda c=customer, at=before: redeem(c, 60, at, "another"),
        )
        while points.expire(at=lapse, limit=10):
            pass
        spent = sum(1 for result in (results[0], results[2]) if isinstance(result, PointsEntry))
        lapsed = PointsEntry.objects.filter(customer=customer.pk, kind=EntryKind.EXPIRE).first()
        assert spent <= 1
        assert (account(customer)[0], -lapsed.points) == (0, 100 - 60 * spent)


def test_eight_reimbursements_give_back_once(customer, now):
    award(customer, 40, now)
    spent = redeem(customer, 25, now)
    results = at_once(*[lambda: reimburse(spent, now)] * 8)
    assert kinds(results) == ["3"] * 8
    assert account(customer) == (40, 0, 3)


def test_hold_against_redeem_never_promises_a_point_twice(now):
    for _ in range(10):
        customer = CustomerFactory()
        award(customer, 100, now)
        results = at_once(
            lambda c=customer: hold(c, 60, now, "till:1"),
            lambda c=customer: redeem(c, 60, now, "till:2"),
            lambda c=customer: hold(c, 60, now, "till:3"),
        )
        refused = [result for result in results if isinstance(result, points.InsufficientPoints)]
        assert len(refused) == 2
        assert points.summary(customer=customer, at=now).available == 40


def test_sixteen_holds_with_one_reference_hold_once(customer, now):
    award(customer, 40, now)
    results = at_once(*[lambda: hold(customer, 30, now)] * 16)
    assert len({kept.pk for kept in results}) == 1
    assert points.summary(customer=customer, at=now).held == 30


def test_eight_captures_book_once(customer, now):
    award(customer, 40, now)
    kept = hold(customer, 30, now)
    results = at_once(*[lambda: capture(kept, now)] * 8)
    assert kinds(results) == ["2"] * 8
    assert account(customer) == (10, 0, 2)


def test_capture_against_release_ends_one_way(now):
    ends = set()
    for _ in range(10):
        customer = CustomerFactory()
        award(customer, 40, now)
        kept = hold(customer, 30, now)
        taken, released = at_once(lambda k=kept: capture(k, now), lambda k=kept: release(k, now))
        state = PointsHold.objects.get(pk=kept.pk).state
        if state == HoldState.CAPTURED:
            assert (taken.points, type(released)) == (-30, points.HoldCaptured)
            assert account(customer) == (10, 0, 2)
        else:
            assert (type(taken), released.state) == (points.HoldReleased, HoldState.RELEASED)
            assert account(customer) == (40, 0, 1)
        ends.add(state)
    assert ends <= {HoldState.CAPTURED, HoldState.RELEASED}


def test_hold_against_claw_back_leaves_no_debt_that_a_hold_could_cover(now):
    for _ in range(10):
        customer = CustomerFactory()
        returned = award(customer, 100, now)
        kept, taken = at_once(lambda c=customer: hold(c, 60, now), lambda r=returned: claw_back(r, 70, now))
        assert (taken.points, account(customer)) == (-70, (30, 0, 2))
        if isinstance(kept, PointsHold):
            assert PointsHold.objects.get(pk=kept.pk).state == HoldState.RELEASED
        else:
            assert isinstance(kept, points.InsufficientPoints)


def test_capture_against_claw_back_takes_each_point_once(now):
    for _ in range(10):
        customer = CustomerFactory()
        returned = award(customer, 100, now)
        kept = hold(customer, 60, now)
        spent, taken = at_once(lambda k=kept: capture(k, now), lambda r=returned: claw_back(r, 100, now))
        captured = isinstance(spent, PointsEntry)
        assert captured or isinstance(spent, points.HoldReleased)
        assert (taken.points, account(customer)) == (-100, (-60, 60, 3) if captured else (0, 0, 2))


def test_capture_against_expire_takes_what_was_held(now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    for _ in range(10):
        customer = CustomerFactory()
        lapse = award(customer, 100, now).lots.get().expires_at
        kept = hold(customer, 60, lapse - timedelta(minutes=5))
        spent, booked = at_once(
            lambda k=kept, at=lapse: capture(k, at), lambda at=lapse: points.expire(at=at, limit=10)
        )
        while points.expire(at=lapse, limit=10):
            pass
        assert (spent.points, remaining(customer), account(customer)) == (-60, [0], (0, 0, 3))


def test_all_verbs_on_one_customer_leave_the_books_right(customer, now):
    returned = award(customer, 100, now, "first")
    spent = redeem(customer, 50, now)
    kept = hold(customer, 10, now)
    results = at_once(
        lambda: capture(kept, now),
        lambda: hold(customer, 20, now, "another"),
        lambda: award(customer, 30, now, "second"),
        lambda: redeem(customer, 40, now, "third"),
        lambda: claw_back(returned, 100, now),
        lambda: reimburse(spent, now),
        lambda: adjust(customer, 20, now),
        lambda: adjust(customer, -10, now, "down"),
        lambda: points.expire(at=now + 900 * DAY, limit=10),
    )
    allowed = {"InsufficientPoints", "HoldExpired", "HoldReleased", "PointsHold", "int"}
    assert {name for name in kinds(results) if not name.isdigit()} <= allowed
    assert list(ledger.differences()) == []
