"""Several at the same moment, on connections of their own."""

from datetime import timedelta

import pytest

from rewards.domain import ledger, points
from rewards.models import EntryKind, ExpiryPolicy, PointsEntry
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.races import at_once
from tests.rewards.domain.steps import account, adjust, award, claw_back, redeem, reimburse

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


def test_all_verbs_on_one_customer_leave_the_books_right(customer, now):
    returned = award(customer, 100, now, "first")
    spent = redeem(customer, 50, now)
    results = at_once(
        lambda: award(customer, 30, now, "second"),
        lambda: redeem(customer, 40, now, "third"),
        lambda: claw_back(returned, 100, now),
        lambda: reimburse(spent, now),
        lambda: adjust(customer, 20, now),
        lambda: adjust(customer, -10, now, "down"),
        lambda: points.expire(at=now + 900 * DAY, limit=10),
    )
    assert {name for name in kinds(results) if not name.isdigit()} <= {"InsufficientPoints", "int"}
    assert list(ledger.differences()) == []
