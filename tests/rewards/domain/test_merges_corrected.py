"""What was booked before a merge, put right after it in one account."""

from datetime import timedelta

import pytest

from rewards.domain import points
from rewards.models import (
    ExpiryPolicy,
    ShortfallPolicy,
)
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.merging import STAFF, lots, merge, undo
from tests.rewards.domain.steps import (
    account,
    award,
    claw_back,
    redeem,
    reimburse,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def test_a_return_takes_back_from_what_came_of_the_awards_own_lot(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    earned = award(old, 100, now)
    award(kept, 30, now - 20 * DAY)
    merge(old, kept, now)
    taken = claw_back(earned, 60, now)
    assert (taken.customer_id, taken.points, taken.breakdown) == (
        kept.pk,
        -60,
        {"asked": 60, "lapsed": 0, "forgiven": 0},
    )
    assert [row[:2] for row in lots(kept)] == [(30, 30), (100, 40)]
    assert claw_back(earned, 60, now) == taken
    assert claw_back(earned, 40, now, "return:2").points == -40
    assert account(kept)[:2] == (30, 0)


def test_a_return_told_before_the_merge_is_not_booked_again(old, kept, now):
    earned = award(old, 100, now)
    first = claw_back(earned, 60, now)
    record = merge(old, kept, now)
    assert claw_back(earned, 60, now) == first
    undo(record, now)
    assert claw_back(earned, 60, now) == first
    assert claw_back(earned, 40, now, "return:2").customer_id == old.pk


def test_what_lapsed_after_the_merge_counts_for_a_return(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    earned = award(old, 100, now)
    award(kept, 500, now + 60 * DAY)
    merge(old, kept, now)
    taken = claw_back(earned, 100, now + 70 * DAY)
    assert (taken.points, taken.breakdown["lapsed"]) == (0, 100)


def test_a_chain_of_merges_answers_for_the_first(old, kept, now):
    last = CustomerFactory()
    earned = award(old, 100, now)
    spent = redeem(old, 30, now)
    first = merge(old, kept, now)
    second = merge(kept, last, now)
    assert claw_back(earned, 20, now).customer_id == last.pk
    assert reimburse(spent, now).customer_id == last.pk
    assert account(last)[:2] == (80, 0)
    undo(second, now)
    assert (account(last)[:2], account(kept)[:2]) == ((0, 0), (80, 0))
    undo(first, now)
    assert (account(kept)[:2], account(old)[:2]) == ((0, 0), (80, 0))


def test_what_the_source_spent_comes_back_to_the_target_with_its_dates(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(old, 100, now)
    spent = redeem(old, 70, now)
    merge(old, kept, now)
    given = points.reimburse(entry=spent, points=50, reference="part", by=STAFF, at=now)
    fresh, original = given.lots.get(), spent.allocations.get().lot
    assert (given.customer_id, given.points) == (kept.pk, 50)
    assert (fresh.remaining, fresh.origin, fresh.expires_at) == (50, original, original.expires_at)
    assert reimburse(spent, now).points == 20
    assert account(kept)[:2] == (100, 0)


def test_what_comes_back_after_its_lapse_is_good_for_a_while(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(old, 100, now)
    spent = redeem(old, 70, now)
    merge(old, kept, now)
    given = reimburse(spent, now + 60 * DAY)
    fresh, original = given.lots.get(), spent.allocations.get().lot
    assert (given.customer_id, given.points, fresh.origin) == (kept.pk, 70, original)
    assert points.summary(customer=kept, at=now + 60 * DAY).available == 70


def test_what_was_renewed_goes_back_when_the_merge_is_undone(old, kept, now):
    """What the source had spent before, and what the target spent of that which had come over."""
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(old, 100, now)
    before = redeem(old, 40, now)
    record = merge(old, kept, now + 30 * DAY)
    since = redeem(kept, 60, now + 30 * DAY)
    award(kept, 7, now + 45 * DAY, "kept")
    for spent in (before, since):
        assert reimburse(spent, now + 45 * DAY).lots.exists()
    undo(record, now + 50 * DAY)
    assert (account(old)[0], account(kept)[0]) == (100, 7)


def test_what_was_renewed_and_lapsed_after_the_merge_is_not_asked_for(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    earned = award(old, 100, now)
    spent = redeem(old, 70, now)
    merge(old, kept, now)
    reimburse(spent, now + 60 * DAY)
    taken = claw_back(earned, 100, now + 95 * DAY)
    assert (taken.points, taken.breakdown["lapsed"], account(kept)[:2]) == (0, 100, (0, 0))


def test_what_was_forgiven_after_the_merge_is_made_good_first(old, kept, now):
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    earned = award(old, 100, now)
    spent = redeem(old, 100, now)
    merge(old, kept, now)
    assert claw_back(earned, 100, now).breakdown["forgiven"] == 100
    given = reimburse(spent, now)
    assert (given.points, account(kept)[:2]) == (0, (0, 0))


def test_what_came_over_and_was_spent_by_the_target_is_made_good_first(old, kept, now):
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    earned = award(old, 100, now)
    award(kept, 30, now)
    before = redeem(kept, 30, now, "before")
    merge(old, kept, now)
    spent = redeem(kept, 100, now)
    assert claw_back(earned, 100, now).breakdown["forgiven"] == 100
    assert reimburse(before, now).breakdown["recouped"] == {}
    assert (reimburse(spent, now).points, account(kept)[:2]) == (0, (30, 0))


def test_what_was_forgiven_of_the_targets_own_is_not(old, kept, now):
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    award(old, 100, now)
    spent = redeem(old, 100, now)
    earned = award(kept, 40, now)
    redeem(kept, 40, now)
    claw_back(earned, 40, now)
    merge(old, kept, now)
    assert reimburse(spent, now).points == 100


def test_points_that_move_with_activity_move_with_the_targets(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.INACTIVITY, expiry_months=1)
    award(old, 100, now)
    spent = redeem(old, 40, now)
    merge(old, kept, now)
    later = now + 30 * DAY
    lapse = award(kept, 1, later, "purchase:1").lots.get().expires_at
    given = reimburse(spent, later)
    assert {row[3] for row in lots(kept)} == {lapse}
    assert given.lots.get().remaining == 40
