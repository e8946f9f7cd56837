"""Points kept for somebody: held, then captured or released, or expired."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from rewards.domain import ledger, points
from rewards.models import EntryKind, ExpiryPolicy, HoldState, PointsEntry, PointsHold, ShortfallPolicy
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.steps import (
    account,
    adjust,
    allocations,
    available,
    award,
    capture,
    claw_back,
    hold,
    parts,
    redeem,
    reimburse,
    release,
    remaining,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def monthly():
    """What is earned in May lapses at MIDNIGHT."""
    return ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)


# --- hold


def test_hold_keeps_particular_lots_and_moves_nothing(customer, now, monthly):
    award(customer, 10, now + 40 * DAY, "lapses later")
    award(customer, 20, now, "lapses first")
    kept = hold(customer, 25, now + 40 * DAY)
    fields = (kept.state, kept.points, kept.held_at, kept.expires_at, kept.actor, kept.closed_at, kept.entry_id)
    until = now + 40 * DAY + 15 * MINUTE
    assert fields == (HoldState.OPEN, 25, now + 40 * DAY, until, "till:3", None, None)
    assert parts(kept) == [(1, 5), (2, 20)]
    assert (account(customer), remaining(customer)) == ((30, 0, 2), [10, 20])


def test_held_points_cannot_be_spent_adjusted_or_held_again(customer, now):
    award(customer, 40, now)
    hold(customer, 30, now)
    for refused in (
        lambda: redeem(customer, 11, now),
        lambda: adjust(customer, -11, now),
        lambda: hold(customer, 11, now, "second"),
    ):
        with pytest.raises(points.InsufficientPoints) as refusal:
            refused()
        assert refusal.value.details == {"points": 11, "available": 10}
    assert PointsHold.objects.count() == 1
    assert redeem(customer, 10, now).balance_after == 30


def test_redeem_takes_the_lot_that_no_hold_keeps(customer, now, monthly):
    award(customer, 10, now, "first")
    award(customer, 10, now + 40 * DAY, "second")
    hold(customer, 8, now + 30 * DAY, ttl=20 * DAY)
    assert allocations(redeem(customer, 12, now + 40 * DAY)) == [(1, 2), (2, 10)]


def test_hold_of_points_that_are_not_there_leaves_nothing(customer, now):
    award(customer, 40, now)
    with transaction.atomic():
        with pytest.raises(points.InsufficientPoints):
            hold(customer, 41, now)
        award(customer, 1, now, "the transaction is still usable")
    assert not PointsHold.objects.exists()


def test_hold_takes_no_pending_points(customer, now):
    ProgramFactory(pending_days=14)
    award(customer, 40, now)
    with pytest.raises(points.InsufficientPoints):
        hold(customer, 1, now)
    assert parts(hold(customer, 40, now + 14 * DAY)) == [(1, 40)]


def test_hold_with_known_reference_is_the_first_one(customer, now):
    award(customer, 40, now)
    first = hold(customer, 30, now)
    assert hold(customer, 30, now + MINUTE).pk == first.pk
    with pytest.raises(points.ReferenceReused):
        hold(customer, 29, now)
    release(first, now)
    again = hold(customer, 30, now + DAY)
    assert (again.pk, again.state) == (first.pk, HoldState.RELEASED)
    other = CustomerFactory()
    award(other, 40, now)
    assert hold(other, 30, now).pk != first.pk


@pytest.mark.parametrize(("number", "ttl"), [(0, MINUTE), (-1, MINUTE), (1, timedelta()), (1, -MINUTE)])
def test_hold_of_nothing_or_for_no_time_is_a_programming_error(customer, now, number, ttl):
    award(customer, 40, now)
    with pytest.raises(ValueError, match="positive"):
        hold(customer, number, now, ttl=ttl)


def test_summary_tells_what_is_held(customer, now, monthly, django_assert_num_queries):
    award(customer, 40, now)
    hold(customer, 30, now)
    with django_assert_num_queries(1):
        summary = points.summary(customer=customer, at=now + 14 * MINUTE)
    assert summary == points.PointsSummary(
        balance=40, available=10, pending=0, held=30, debt=0, expiring=((10, MIDNIGHT),)
    )
    after = points.summary(customer=customer, at=now + 15 * MINUTE)
    assert (after.available, after.held, after.expiring) == (40, 0, ((40, MIDNIGHT),))


def test_one_call_is_one_query(customer, now, django_assert_num_queries):
    award(customer, 40, now)
    with django_assert_num_queries(1):
        kept = hold(customer, 30, now)
    with django_assert_num_queries(1):
        capture(kept, now)
    second = hold(customer, 10, now, "second")
    with django_assert_num_queries(1):
        release(second, now)


# --- capture


def test_capture_redeems_exactly_the_parts(customer, now, monthly):
    award(customer, 10, now, "a")
    award(customer, 20, now, "b")
    kept = hold(customer, 15, now)
    award(customer, 5, now - 20 * DAY, "lapses before them")
    entry = capture(kept, now + 14 * MINUTE)
    assert (entry.kind, entry.points, entry.reference, entry.actor) == (
        EntryKind.REDEEM,
        -15,
        f"hold:{kept.pk}",
        "till:3",
    )
    assert (entry.happened_at, entry.balance_after, allocations(entry)) == (now + 14 * MINUTE, 20, [(1, 10), (2, 5)])
    kept.refresh_from_db()
    assert (kept.state, kept.closed_at, kept.closed_by, kept.entry) == (
        HoldState.CAPTURED,
        now + 14 * MINUTE,
        "till:3",
        entry,
    )
    assert available(customer, now) == 20


def test_capture_twice_books_once(customer, now):
    award(customer, 40, now)
    kept = hold(customer, 30, now)
    assert capture(kept, now).pk == capture(kept, now + DAY).pk
    assert account(customer) == (10, 0, 2)


def test_capture_after_its_time_is_refused(customer, now):
    award(customer, 40, now)
    kept = hold(customer, 30, now)
    with pytest.raises(points.HoldExpired) as refusal:
        capture(kept, now + 15 * MINUTE)
    assert refusal.value.code == "hold_expired"
    assert account(customer) == (40, 0, 1)


def test_capture_of_a_released_hold_is_refused(customer, now):
    award(customer, 40, now)
    kept = hold(customer, 30, now)
    release(kept, now)
    with pytest.raises(points.HoldReleased) as refusal:
        capture(kept, now)
    assert refusal.value.code == "hold_released"
    assert account(customer) == (40, 0, 1)


def test_capture_is_reimbursed_like_any_redemption(customer, now):
    award(customer, 40, now)
    entry = reimburse(capture(hold(customer, 30, now), now), now + DAY)
    assert (entry.points, remaining(customer), account(customer)) == (30, [40], (40, 0, 3))


def test_clock_behind_the_one_that_saw_it_expired_takes_nothing_twice(customer, now):
    """Two servers' clocks: for one the hold is over and its points are spent, or held by another."""
    award(customer, 40, now)
    first = hold(customer, 30, now, "first")
    second = hold(customer, 25, now + 15 * MINUTE, "second")
    with pytest.raises(points.HoldExpired):
        capture(first, now + 14 * MINUTE)
    capture(second, now + 15 * MINUTE)
    with pytest.raises(points.HoldExpired):
        capture(first, now + 14 * MINUTE)
    assert points.summary(customer=customer, at=now + 14 * MINUTE).available == 0
    assert account(customer) == (15, 0, 2)


# --- release


def test_release_lets_others_spend(customer, now):
    award(customer, 40, now)
    kept = hold(customer, 30, now)
    ended = release(kept, now + MINUTE)
    assert (ended.state, ended.closed_at, ended.closed_by) == (HoldState.RELEASED, now + MINUTE, "till:4")
    assert release(kept, now + DAY).closed_at == now + MINUTE
    assert redeem(customer, 40, now + MINUTE).balance_after == 0


def test_release_of_an_expired_hold_is_fine(customer, now):
    award(customer, 40, now)
    assert release(hold(customer, 30, now), now + DAY).state == HoldState.RELEASED


def test_release_after_the_capture_is_refused(customer, now):
    award(customer, 40, now)
    kept = hold(customer, 30, now)
    capture(kept, now)
    with pytest.raises(points.HoldCaptured) as refusal:
        release(kept, now)
    assert refusal.value.code == "hold_captured"
    assert PointsHold.objects.get().state == HoldState.CAPTURED


# --- a lot that lapses while it is held


@pytest.fixture
def across(customer, now, monthly):
    """30 of 40 points are held from ten minutes before they lapse to five minutes after."""
    award(customer, 40, now)
    return hold(customer, 30, MIDNIGHT - 10 * MINUTE)


def test_lapse_leaves_what_is_held_until_the_hold_ends(customer, across):
    assert points.expire(at=MIDNIGHT, limit=10) == 1
    assert points.expire(at=MIDNIGHT, limit=10) == 0
    assert (account(customer), remaining(customer)) == ((30, 0, 2), [30])
    summary = points.summary(customer=customer, at=MIDNIGHT)
    assert (summary.available, summary.held) == (0, 30)
    assert points.expire(at=MIDNIGHT + 5 * MINUTE, limit=10) == 1
    lapses = PointsEntry.objects.filter(kind=EntryKind.EXPIRE).order_by("seq")
    assert [(entry.points, entry.happened_at) for entry in lapses] == [(-10, MIDNIGHT), (-30, MIDNIGHT)]
    assert account(customer) == (0, 0, 3)


@pytest.mark.parametrize("job_ran", [True, False])
def test_capture_takes_what_lapsed_meanwhile(customer, across, job_ran):
    if job_ran:
        points.expire(at=MIDNIGHT, limit=10)
    entry = capture(across, MIDNIGHT + 4 * MINUTE)
    assert (entry.points, allocations(entry)) == (-30, [(1, 30)])
    points.expire(at=MIDNIGHT + DAY, limit=10)
    assert account(customer) == (0, 0, 3)


def test_release_lets_lapse_what_lapsed_meanwhile(customer, across):
    points.expire(at=MIDNIGHT, limit=10)
    release(across, MIDNIGHT + MINUTE)
    assert available(customer, MIDNIGHT + MINUTE) == 0
    assert points.expire(at=MIDNIGHT + MINUTE, limit=10) == 1
    assert account(customer) == (0, 0, 3)


def test_reimbursed_capture_of_lapsed_points_is_a_lot_of_grace(customer, across):
    entry = reimburse(capture(across, MIDNIGHT + MINUTE), MIDNIGHT + 2 * MINUTE)
    lot = entry.lots.get()
    assert (lot.points, lot.expires_at) == (30, datetime(2026, 8, 1, tzinfo=UTC))
    assert entry.breakdown["renewed"] == {str(across.parts.get().lot_id): 30}


# --- claw_back against holds


def test_claw_back_takes_what_is_free_and_leaves_the_holds(customer, now):
    returned = award(customer, 40, now, "returned")
    kept = hold(customer, 30, now)
    award(customer, 20, now, "other")
    assert allocations(claw_back(returned, 30, now)) == [(1, 10), (2, 20)]
    assert capture(kept, now).balance_after == 0


def test_claw_back_releases_the_newest_holds_that_are_in_the_way(customer, now):
    returned = award(customer, 100, now)
    holds = [hold(customer, 30, now, f"h{n}") for n in range(3)]
    entry = claw_back(returned, 40, now)
    assert (entry.points, account(customer)) == (-40, (60, 0, 2))
    assert [(kept.state, kept.closed_by) for kept in PointsHold.objects.order_by("pk")] == [
        (HoldState.OPEN, ""),
        (HoldState.OPEN, ""),
        (HoldState.RELEASED, "system"),
    ]
    with pytest.raises(points.HoldReleased):
        capture(holds[2], now)
    assert capture(holds[0], now).balance_after == 30


@pytest.mark.parametrize(
    ("policy", "balance", "forgiven"), [(ShortfallPolicy.DEBT, -20, 0), (ShortfallPolicy.WITHIN_BALANCE, 0, 20)]
)
def test_claw_back_releases_all_holds_before_it_owes_or_forgives(customer, now, policy, balance, forgiven):
    ProgramFactory(shortfall_policy=policy)
    returned = award(customer, 50, now)
    redeem(customer, 20, now)
    hold(customer, 10, now, "first")
    hold(customer, 10, now, "second")
    entry = claw_back(returned, 50, now)
    assert (entry.balance_after, entry.breakdown) == (balance, {"asked": 50, "lapsed": 0, "forgiven": forgiven})
    assert set(PointsHold.objects.values_list("state", flat=True)) == {HoldState.RELEASED}


def test_claw_back_leaves_expired_holds_as_they_are(customer, now):
    returned = award(customer, 40, now)
    kept = hold(customer, 30, now)
    assert claw_back(returned, 40, now + DAY).balance_after == 0
    kept.refresh_from_db()
    assert kept.state == HoldState.OPEN
    with pytest.raises(points.HoldExpired):
        capture(kept, now)  # by a clock a day behind


def test_hold_that_a_claw_back_releases_lapses_and_that_counts_first(customer, across):
    """40 earned, all unused, all lapsed by then: the return costs nothing, as if the hold had never been."""
    award(customer, 5, MIDNIGHT, "other")
    entry = claw_back(PointsEntry.objects.get(seq=1), 40, MIDNIGHT + MINUTE)
    assert (entry.points, entry.breakdown) == (0, {"asked": 40, "lapsed": 40, "forgiven": 0})
    assert (account(customer)[:2], remaining(customer)) == ((5, 0), [0, 5])


# --- what the books prove


def corrupt(sql):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql)
        assert cursor.rowcount == 1
        cursor.execute("SET session_replication_role = origin")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE rewards_pointshold SET points = points + 1 WHERE reference = 'open'",
        "UPDATE rewards_pointshold SET points = points + 1 WHERE reference = 'captured'",
        "DELETE FROM rewards_pointsholdpart WHERE points = 7",
        "UPDATE rewards_pointshold SET entry_id = (SELECT min(id) FROM rewards_pointsentry) WHERE entry_id IS NOT NULL",
        "UPDATE rewards_pointsholdpart SET lot_id = (SELECT max(id) FROM rewards_pointslot) WHERE points = 7",
    ],
)
def test_holds_that_do_not_keep_what_they_say_are_found(now, sql):
    customer, other = CustomerFactory(), CustomerFactory()
    award(customer, 40, now)
    award(other, 1, now)
    hold(customer, 7, now, "open")
    capture(hold(customer, 8, now, "captured"), now)
    release(hold(customer, 9, now, "released"), now)
    assert list(ledger.differences()) == []
    with transaction.atomic():
        corrupt(sql)
        (difference,) = ledger.differences()
        assert dict(difference.findings) == {"holds": "holds that do not keep or took what they say: 1"}
        transaction.set_rollback(True)
