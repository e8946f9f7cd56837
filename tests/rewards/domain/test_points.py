"""Awarding, redeeming, adjusting, and what the database itself refuses."""

from datetime import timedelta

import pytest
from django.db import transaction

from loyalty_site.lib.actors import user
from rewards.domain import points
from rewards.models import (
    EntryKind,
    ExpiryPolicy,
    PointsAllocation,
    PointsEntry,
)
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.steps import account, adjust, allocations, award, claw_back, redeem, remaining

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


# --- award


def test_award_writes_entry_lot_and_balance(customer, now):
    ProgramFactory()
    entry = points.award(
        customer=customer, points=40, reference="purchase:1", by=user(7), at=now, reason="why", breakdown={"é": 1}
    )
    stored = PointsEntry.objects.get(pk=entry.pk)
    fields = ("customer_id", "seq", "kind", "points", "balance_after", "reference", "happened_at", "actor", "reason")
    expected = (customer.pk, 1, EntryKind.AWARD, 40, 40, "purchase:1", now, "user:7", "why")
    assert tuple(getattr(entry, field) for field in fields) == expected
    assert tuple(getattr(stored, field) for field in fields) == expected
    assert stored.breakdown == entry.breakdown == {"é": 1}
    lot = entry.lots.get()
    assert (lot.points, lot.remaining, lot.available_at, lot.expires_at) == (40, 40, now, None)
    assert account(customer) == (40, 0, 1)


def test_entries_are_numbered_and_carry_the_running_balance(customer, now):
    award(customer, 40, now, "a")
    award(customer, 2, now, "b")
    redeem(customer, 12, now)
    assert list(PointsEntry.objects.order_by("seq").values_list("seq", "points", "balance_after")) == [
        (1, 40, 40),
        (2, 2, 42),
        (3, -12, 30),
    ]


def test_award_with_known_reference_returns_the_first_entry(customer, now):
    first = award(customer, 40, now, "purchase:1")
    again = award(customer, 40, now + DAY, "purchase:1")
    assert again.pk == first.pk
    assert account(customer) == (40, 0, 1)


def test_award_with_known_reference_and_other_points_is_refused(customer, now):
    award(customer, 40, now, "purchase:1")
    with pytest.raises(points.ReferenceReused):
        award(customer, 41, now, "purchase:1")
    assert account(customer) == (40, 0, 1)


def test_same_reference_of_another_customer_or_kind_is_another_fact(customer, now):
    award(customer, 40, now, "x:1")
    award(CustomerFactory(), 50, now, "x:1")
    redeem(customer, 10, now, "x:1")
    assert account(customer) == (30, 0, 2)


@pytest.mark.parametrize("number", [0, -1])
def test_points_that_are_not_positive_are_a_programming_error(customer, now, number):
    with pytest.raises(ValueError, match="positive"):
        award(customer, number, now)
    with pytest.raises(ValueError, match="positive"):
        redeem(customer, number, now)
    assert not PointsEntry.objects.exists()


def test_award_is_spendable_after_pending_days_only(customer, now):
    ProgramFactory(pending_days=14, timezone="Europe/Berlin")
    award(customer, 40, now)
    with pytest.raises(points.InsufficientPoints) as refusal:
        redeem(customer, 1, now + 14 * DAY - timedelta(seconds=1))
    assert refusal.value.details == {"points": 1, "available": 0}
    assert redeem(customer, 40, now + 14 * DAY).balance_after == 0


# --- redeem


def test_redeem_takes_soonest_lapse_first_then_oldest(customer, now):
    program = ProgramFactory()
    award(customer, 10, now, "never lapses")
    program.expiry_policy = ExpiryPolicy.ROLLING
    program.save()
    award(customer, 10, now + 40 * DAY, "lapses later")
    award(customer, 10, now, "lapses first")
    award(customer, 10, now, "lapses first, younger")
    entry = redeem(customer, 35, now + 40 * DAY)
    assert remaining(customer) == [5, 0, 0, 0]
    assert allocations(entry) == [(1, 5), (2, 10), (3, 10), (4, 10)]


def test_redeem_of_more_than_spendable_is_refused_and_changes_nothing(customer, now):
    award(customer, 40, now)
    with transaction.atomic():
        with pytest.raises(points.InsufficientPoints) as refusal:
            redeem(customer, 41, now)
        assert refusal.value.details == {"points": 41, "available": 40}
        award(customer, 1, now, "the transaction is still usable")
    assert account(customer) == (41, 0, 2)
    assert str(refusal.value) == "Not enough points: 41 wanted, 40 can be spent."


def test_redeem_without_an_account_is_refused(customer, now):
    with pytest.raises(points.InsufficientPoints):
        redeem(customer, 1, now)


def test_redeem_never_takes_what_lapsed_though_the_job_is_late(customer, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(customer, 40, now)
    with pytest.raises(points.InsufficientPoints):
        redeem(customer, 1, now + 90 * DAY)
    assert account(customer) == (40, 0, 1)


def test_redeem_with_known_reference_returns_the_first_entry(customer, now):
    award(customer, 40, now)
    first = redeem(customer, 30, now, "redemption:1")
    assert redeem(customer, 30, now, "redemption:1").pk == first.pk
    with pytest.raises(points.ReferenceReused):
        redeem(customer, 5, now, "redemption:1")
    assert account(customer) == (10, 0, 2)


# --- adjust


def test_adjust_upwards_is_spendable_at_once(customer, now):
    ProgramFactory(pending_days=14)
    entry = adjust(customer, 25, now)
    assert (entry.kind, entry.points, entry.reason) == (EntryKind.ADJUST, 25, "forgotten receipt")
    assert redeem(customer, 25, now).balance_after == 0


def test_adjust_downwards_takes_from_lots_and_never_more_than_spendable(customer, now):
    award(customer, 40, now)
    entry = adjust(customer, -15, now)
    assert (entry.points, remaining(customer)) == (-15, [25])
    with pytest.raises(points.InsufficientPoints):
        adjust(customer, -26, now, "adjustment:2")


def test_adjust_with_known_reference_and_other_sign_is_refused(customer, now):
    award(customer, 40, now)
    assert adjust(customer, 5, now).pk == adjust(customer, 5, now).pk
    with pytest.raises(points.ReferenceReused):
        adjust(customer, -5, now)


# --- summary


def test_summary_of_a_customer_without_account_is_zero(customer, now):
    assert points.summary(customer=customer, at=now) == points.PointsSummary(0, 0, 0, 0, 0, ())


def test_summary_tells_available_pending_and_what_lapses(customer, now, django_assert_num_queries):
    program = ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(customer, 40, now - 100 * DAY, "lapsed")
    award(customer, 10, now, "a")
    award(customer, 5, now - DAY, "b")
    award(customer, 7, now - 30 * DAY, "c")
    program.expiry_policy = ExpiryPolicy.NEVER
    program.pending_days = 3
    program.save()
    award(customer, 3, now, "pending")
    with django_assert_num_queries(1):
        summary = points.summary(customer=customer, at=now)
    assert (summary.balance, summary.available, summary.pending, summary.debt) == (65, 22, 3, 0)
    assert [(number, at.isoformat()) for number, at in summary.expiring] == [
        (7, "2026-06-01T00:00:00+00:00"),
        (15, "2026-07-01T00:00:00+00:00"),
    ]


def test_summary_tells_a_debt(customer, now):
    returned = award(customer, 40, now)
    redeem(customer, 40, now)
    claw_back(returned, 40, now)
    assert points.summary(customer=customer, at=now) == points.PointsSummary(-40, 0, 0, 0, 40, ())


# --- what the database itself refuses


@pytest.mark.parametrize("model", [PointsEntry, PointsAllocation])
@pytest.mark.parametrize("change", ["update", "delete"])
def test_ledger_rows_cannot_be_changed(customer, now, model, change):
    award(customer, 40, now)
    redeem(customer, 10, now)
    rows = model.objects.all()
    with pytest.raises(Exception, match="Cannot (update|delete)"), transaction.atomic():
        rows.update(points=1) if change == "update" else rows.delete()


def test_exception_in_the_callers_transaction_leaves_nothing(customer, now):
    award(customer, 40, now)

    @transaction.atomic
    def killed_between_two_lines():
        redeem(customer, 10, now)
        award(customer, 3, now, "b")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        killed_between_two_lines()
    assert account(customer) == (40, 0, 1)
    assert (PointsEntry.objects.count(), PointsAllocation.objects.count(), remaining(customer)) == (1, 0, [40])


def test_one_call_is_one_query(customer, now, django_assert_num_queries):
    with django_assert_num_queries(1):
        award(customer, 40, now)
    with django_assert_num_queries(1):
        redeem(customer, 40, now)
