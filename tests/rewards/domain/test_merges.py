"""Points, coupons and rewards of two who are one person; the customers' part: tests/customers/domain/test_merges.py."""

from datetime import timedelta

import pytest
from django.db import transaction

from customers.domain import customers
from rewards.domain import coupon_redemptions, coupons, explanations, import_lock, ledger, merges, points, redemptions
from rewards.models import (
    Coupon,
    EntryKind,
    ExpiryPolicy,
    HoldState,
    OfferKind,
    PointsEntry,
    PointsLot,
)
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory, RewardFactory
from tests.rewards.domain.merging import STAFF, lots, merge, undo
from tests.rewards.domain.steps import (
    account,
    adjust,
    allocations,
    award,
    cancel,
    claw_back,
    redeem,
    request,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def told(customer):
    return [
        entry.explanation
        for entry in explanations.explained(PointsEntry.objects.filter(customer=customer.pk).order_by("seq"))
    ]


def owing(customer, debt, at):
    """Makes the customer owe that many points."""
    earned = award(customer, debt, at, "owing")
    redeem(customer, debt, at, "owing")
    claw_back(earned, debt, at, f"owing:{customer.pk}")
    assert account(customer)[:2] == (-debt, debt)


def test_lots_go_over_with_their_dates(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1, pending_days=3)
    award(old, 100, now - 40 * DAY)
    award(old, 50, now)
    redeem(old, 30, now)
    award(kept, 7, now)
    before = lots(old)
    merge(old, kept, now)
    carried = PointsLot.objects.filter(customer=kept.pk, origin__customer=old.pk).order_by("pk")
    assert [(lot.remaining, lot.available_at, lot.expires_at) for lot in carried] == [row[1:] for row in before]
    assert lots(old) == []
    assert (account(old)[0], account(kept)[0]) == (0, 127)


def test_both_read_what_happened(old, kept, now):
    award(old, 100, now)
    record = merge(old, kept, now)
    undo(record, now + DAY)
    assert told(old)[1:] == ["100 points went over to card HTG2-MWWK.", "100 points came over from card HTG2-MWWK."]
    assert told(kept) == ["100 points came over from card C7K2-94QX.", "100 points went over to card C7K2-94QX."]


def test_both_read_of_a_debt(old, kept, now):
    owing(old, 100, now)
    undo(merge(old, kept, now), now + DAY)
    assert told(old)[3:] == [
        "100 points that were owed here are owed on card HTG2-MWWK now.",
        "100 points that were owed on card HTG2-MWWK are owed here now.",
    ]
    assert told(kept) == [
        "100 points that were owed on card C7K2-94QX are owed here now.",
        "100 points that were owed here are owed on card C7K2-94QX now.",
    ]


def test_nothing_is_booked_for_who_has_nothing(old, kept, now):
    undo(merge(old, kept, now), now)
    assert (account(old), account(kept)) == ((0, 0, 0), (0, 0, 0))


def test_what_lapsed_by_then_lapses_where_it_was(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(old, 100, now - 90 * DAY)
    merge(old, kept, now)
    assert list(PointsEntry.objects.values_list("customer", "kind", "points")) == [
        (old.pk, EntryKind.AWARD, 100),
        (old.pk, EntryKind.EXPIRE, -100),
    ]


@pytest.mark.parametrize(
    ("has", "owes", "left"), [(100, 30, (70, 0)), (30, 100, (-70, 70)), (50, 50, (0, 0)), (0, 40, (-40, 40))]
)
def test_a_debt_of_the_source_is_paid_by_the_target(old, kept, now, has, owes, left):
    owing(old, owes, now)
    if has:
        award(kept, has, now, "kept")
    before = account(kept)[:2] if has else (0, 0)
    record = merge(old, kept, now)
    assert (account(old)[:2], account(kept)[:2]) == ((0, 0), left)
    undo(record, now)
    assert (account(old)[:2], account(kept)[:2]) == ((-owes, owes), before)


@pytest.mark.parametrize(("brings", "owes", "left"), [(100, 30, (70, 0)), (30, 100, (-70, 70)), (50, 50, (0, 0))])
def test_a_debt_of_the_target_is_repaid_by_what_comes_over(old, kept, now, brings, owes, left):
    owing(kept, owes, now)
    award(old, brings, now, "old")
    record = merge(old, kept, now)
    assert (account(old)[:2], account(kept)[:2]) == ((0, 0), left)
    undo(record, now)
    assert (account(old)[:2], account(kept)[:2]) == ((brings, 0), (-owes, owes))


def test_two_debts_are_one(old, kept, now):
    owing(old, 10, now)
    owing(kept, 20, now)
    record = merge(old, kept, now)
    assert account(kept)[:2] == (-30, 30)
    undo(record, now)
    assert (account(old)[:2], account(kept)[:2]) == ((-10, 10), (-20, 20))


def test_a_debt_that_later_awards_repaid_is_given_back_when_undone(old, kept, now):
    owing(old, 50, now)
    record = merge(old, kept, now)
    award(kept, 80, now, "later")
    assert account(kept)[:2] == (30, 0)
    undo(record, now)
    assert (account(old)[:2], account(kept)[:2]) == ((-50, 50), (80, 0))


def test_what_soonest_lapses_repays_the_debt_first(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    owing(kept, 60, now)
    later, sooner = award(old, 100, now, "later"), award(old, 50, now - 20 * DAY, "sooner")
    record = merge(old, kept, now)
    came = PointsEntry.objects.get(customer=kept.pk, kind=EntryKind.MERGE)
    assert [(lot.origin.entry, lot.remaining) for lot in came.lots.order_by("expires_at")] == [(sooner, 0), (later, 90)]
    assert sum(taken for _, taken in allocations(came)) == 60
    undo(record, now)
    assert [row[1] for row in lots(old)] == [50, 90, 10]


def test_open_holds_of_the_source_are_released(old, kept, now):
    award(old, 100, now)
    award(kept, 50, now)
    mine, theirs = (
        points.hold(customer=customer, points=40, ttl=DAY, reference="hold", by=STAFF, at=now)
        for customer in (old, kept)
    )
    merge(old, kept, now)
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.state, theirs.state) == (HoldState.RELEASED, HoldState.OPEN)
    assert points.summary(customer=kept, at=now).available == 110
    with pytest.raises(points.HoldReleased):
        points.capture(hold=mine, by=STAFF, at=now)


def test_a_hold_captured_before_is_captured_still(old, kept, now):
    award(old, 100, now)
    mine = points.hold(customer=old, points=40, ttl=DAY, reference="hold", by=STAFF, at=now)
    taken = points.capture(hold=mine, by=STAFF, at=now)
    merge(old, kept, now)
    assert points.capture(hold=mine, by=STAFF, at=now) == taken
    assert account(kept)[0] == 60


def test_a_debt_that_comes_over_is_paid_although_points_are_held(old, kept, now):
    owing(old, 80, now)
    award(kept, 100, now)
    held = points.hold(customer=kept, points=40, ttl=DAY, reference="hold", by=STAFF, at=now)
    merge(old, kept, now)
    held.refresh_from_db()
    assert (held.state, account(kept)[:2]) == (HoldState.RELEASED, (20, 0))


@pytest.mark.parametrize("verb", [award, redeem, adjust])
def test_nobody_books_for_the_source_any_more(old, kept, now, verb):
    award(old, 100, now)
    merge(old, kept, now)
    with pytest.raises(customers.CustomerMerged), transaction.atomic():
        verb(old, 10, now, "late")
    with pytest.raises(customers.CustomerMerged), transaction.atomic():
        points.hold(customer=old, points=10, ttl=DAY, reference="late", by=STAFF, at=now)
    assert account(kept)[0] == 100


def test_undo_gives_back_what_is_left_and_leaves_what_came_since(old, kept, now):
    award(old, 100, now)
    award(kept, 10, now)
    gift = OfferFactory(kind=OfferKind.GIFT, amount_minor=None)
    coupon, used = CouponFactory(customer=old), CouponFactory(customer=old, offer=gift)
    taken = request(old, RewardFactory(cost_points=20), now)
    record = merge(old, kept, now)
    award(kept, 5, now, "since")
    redeem(kept, 40, now, "since")
    coupon_redemptions.redeem(coupon=coupons.find(text=used.code), customer=kept, by=STAFF, at=now)
    undo(record, now)
    owners = dict(Coupon.objects.values_list("pk", "customer"))
    taken.refresh_from_db()
    assert (account(old)[:2], account(kept)[:2]) == ((50, 0), (5, 0))
    assert (owners[coupon.pk], owners[used.pk], taken.customer) == (old.pk, kept.pk, old)


def test_undo_gives_back_what_a_cancelled_reward_of_the_source_brought(old, kept, now):
    award(old, 100, now)
    taken = request(old, RewardFactory(cost_points=60), now)
    record = merge(old, kept, now)
    cancel(taken, now)
    undo(record, now)
    assert (account(old)[:2], account(kept)[:2]) == ((100, 0), (0, 0))


def test_undo_twice_books_once(old, kept, now):
    award(old, 100, now)
    record = merge(old, kept, now)
    undo(record, now)
    undo(record, now)
    assert (account(old), account(kept)) == ((100, 0, 3), (0, 0, 2))


def test_back_and_forth_leaves_everybody_theirs(old, kept, now):
    award(old, 100, now)
    award(kept, 10, now)
    for source, target in ((old, kept), (kept, old), (old, kept)):
        undo(merge(source, target, now), now)
        assert (account(old)[:2], account(kept)[:2]) == ((100, 0), (10, 0))


def test_a_merge_waits_for_no_import_and_no_import_for_it(old, kept, now):
    with import_lock.one_at_a_time():
        merge(old, kept, now)  # on the import's own connection


def test_check_ledger_sees_points_left_with_who_was_merged(old, kept, now):
    award(old, 100, now)
    merge(old, kept, now)
    with transaction.atomic():
        type(old).objects.filter(pk=kept.pk).update(merged_into=CustomerFactory(), closed_at=now)
        found = [(difference.customer_id, list(difference.findings)) for difference in ledger.differences()]
        transaction.set_rollback(True)
    assert found == [(kept.pk, ["merged"])]


def test_check_ledger_sees_a_merge_that_brought_other_dates(old, kept, now):
    award(old, 100, now)
    merge(old, kept, now)
    with transaction.atomic():
        PointsLot.objects.filter(customer=kept.pk).update(available_at=now - DAY)
        found = [(difference.customer_id, list(difference.findings)) for difference in ledger.differences()]
        transaction.set_rollback(True)
    assert found == [(kept.pk, ["merges"])]


def test_relatives_are_all_whom_a_merge_ever_joined(old, kept, now):
    third, _stranger = CustomerFactory(), CustomerFactory()
    undo(merge(old, kept, now), now)
    merge(kept, third, now)
    for customer in (old, kept, third):
        assert sorted(merges.relatives(customer=customer)) == sorted([old.pk, kept.pk, third.pk])


def test_a_redemption_waits_for_its_customer_under_the_new_name(old, kept, now):
    award(old, 100, now)
    taken = request(old, RewardFactory(cost_points=60), now)
    merge(old, kept, now)
    redemptions.fulfil(redemption=taken, by=STAFF, at=now)
    taken.refresh_from_db()
    assert (taken.customer, taken.state) == (kept, "FULFILLED")
