"""Taking back awarded points and giving back spent ones."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from rewards.domain import points
from rewards.models import (
    EntryKind,
    ExpiryPolicy,
    PointsEntry,
    ShortfallPolicy,
)
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.steps import account, adjust, allocations, award, claw_back, redeem, reimburse, remaining

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


# --- claw_back


def test_claw_back_takes_from_the_awards_own_lot_first(customer, now):
    award(customer, 30, now, "older")
    returned = award(customer, 40, now, "returned")
    entry = claw_back(returned, 25, now)
    assert (entry.kind, entry.points, entry.corrects_id) == (EntryKind.CLAW_BACK, -25, returned.pk)
    assert entry.breakdown == {"asked": 25, "lapsed": 0, "forgiven": 0}
    assert remaining(customer) == [30, 15]


def test_claw_back_goes_on_with_other_lots_even_pending_ones(customer, now):
    program = ProgramFactory()
    returned = award(customer, 40, now, "returned")
    redeem(customer, 40, now)
    program.pending_days = 14
    program.save()
    award(customer, 30, now, "pending")
    assert claw_back(returned, 25, now).balance_after == 5
    assert remaining(customer) == [0, 5]


def test_claw_back_of_spent_points_leaves_a_debt_that_the_next_award_repays(customer, now):
    returned = award(customer, 40, now)
    redeem(customer, 30, now)
    assert claw_back(returned, 40, now).points == -40
    assert account(customer) == (-30, 30, 3)
    entry = award(customer, 50, now, "next")
    assert account(customer) == (20, 0, 4)
    assert (entry.lots.get().points, entry.lots.get().remaining, allocations(entry)) == (50, 20, [(4, 30)])


def test_award_smaller_than_the_debt_repays_a_part(customer, now):
    returned = award(customer, 40, now)
    redeem(customer, 40, now)
    claw_back(returned, 40, now)
    award(customer, 15, now, "next")
    assert account(customer) == (-25, 25, 4)
    with pytest.raises(points.InsufficientPoints):
        redeem(customer, 1, now, "another")


def test_claw_back_within_balance_forgives_the_rest(customer, now):
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    returned = award(customer, 40, now)
    redeem(customer, 30, now)
    entry = claw_back(returned, 35, now)
    assert (entry.points, entry.breakdown) == (-10, {"asked": 35, "lapsed": 0, "forgiven": 25})
    assert account(customer) == (0, 0, 3)
    nothing = claw_back(returned, 5, now, "return:2")
    assert (nothing.points, nothing.breakdown) == (0, {"asked": 5, "lapsed": 0, "forgiven": 5})
    assert claw_back(returned, 5, now, "return:2").pk == nothing.pk


@pytest.mark.parametrize("job_was_on_time", [True, False])
def test_claw_back_never_takes_again_what_lapsed(customer, now, job_was_on_time):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    returned = award(customer, 100, now)
    redeem(customer, 30, now)
    award(customer, 50, now + 70 * DAY, "later")
    if job_was_on_time:
        points.expire(at=now + 80 * DAY, limit=10)
    entry = claw_back(returned, 100, now + 80 * DAY)
    assert (entry.points, entry.breakdown) == (-30, {"asked": 100, "lapsed": 70, "forgiven": 0})
    assert account(customer) == (20, 0, 5)


def test_returns_in_parts_take_as_much_as_one_return(customer, now):
    """As if the goods had never been bought: 30 of 100 were used, 70 lapsed, so the first halves cost nothing."""
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    returned = award(customer, 100, now)
    redeem(customer, 30, now)
    award(customer, 50, now + 70 * DAY, "later")
    parts = [claw_back(returned, number, now + 80 * DAY, f"return:{number}") for number in (49, 31, 20)]
    assert [entry.points for entry in parts] == [0, -10, -20]
    assert [entry.breakdown["lapsed"] for entry in parts] == [49, 21, 0]
    assert account(customer) == (20, 0, 7)
    assert allocations(parts[0]) == []


@pytest.mark.parametrize("job_was_on_time", [True, False])
def test_claw_back_never_takes_again_what_was_renewed_and_lapsed_again(customer, now, job_was_on_time):
    """60 of 100 lapsed where they were, 40 after they had been given back with days of grace: nothing was ever used."""
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    returned = award(customer, 100, now)
    spent = redeem(customer, 40, now)
    reimburse(spent, now + 80 * DAY)
    award(customer, 50, now + 90 * DAY, "later")
    if job_was_on_time:
        points.expire(at=now + 115 * DAY, limit=10)
    entry = claw_back(returned, 100, now + 115 * DAY)
    assert (entry.points, entry.breakdown) == (0, {"asked": 100, "lapsed": 100, "forgiven": 0})
    assert account(customer)[:2] == (50, 0)


def test_claw_back_takes_first_what_was_renewed_of_the_award(customer, now):
    """Both awards' points came back with the same day of lapse; each return takes its own."""
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(customer, 100, now, "kept")
    returned = award(customer, 60, now, "returned")
    reimburse(redeem(customer, 150, now), now + 80 * DAY)
    assert claw_back(returned, 60, now + 80 * DAY).breakdown["lapsed"] == 10
    assert remaining(customer) == [0, 0, 100, 0]


def test_claw_back_with_known_reference_returns_the_first_entry(customer, now):
    returned = award(customer, 40, now)
    first = claw_back(returned, 25, now)
    assert claw_back(returned, 25, now).pk == first.pk
    with pytest.raises(points.ReferenceReused):
        claw_back(returned, 24, now)
    with pytest.raises(points.ReferenceReused):
        claw_back(award(customer, 60, now, "other"), 25, now)
    assert remaining(customer) == [15, 60]


def test_claw_back_of_more_than_the_award_is_refused_by_the_database(customer, now):
    returned = award(customer, 40, now)
    claw_back(returned, 25, now)
    with pytest.raises(IntegrityError, match="15 points left"), transaction.atomic():
        claw_back(returned, 16, now, "return:2")


def test_claw_back_corrects_awards_only(customer, now):
    entry = adjust(customer, 40, now)
    with pytest.raises(ValueError, match="corrected"):
        claw_back(entry, 25, now)


# --- reimburse


def test_reimburse_gives_back_to_the_very_lots(customer, now):
    award(customer, 10, now, "a")
    award(customer, 10, now, "b")
    award(customer, 10, now, "c")
    spent = redeem(customer, 25, now)
    entry = reimburse(spent, now)
    assert (entry.points, entry.corrects_id, entry.balance_after) == (25, spent.pk, 30)
    assert remaining(customer) == [10, 10, 10]
    assert allocations(entry) == [(1, -10), (2, -10), (3, -5)]


def test_reimburse_twice_gives_back_once(customer, now):
    award(customer, 40, now)
    spent = redeem(customer, 25, now)
    assert reimburse(spent, now).pk == reimburse(spent, now + DAY).pk
    assert account(customer) == (40, 0, 3)


def test_reimburse_after_the_lot_lapsed_makes_a_lot_of_grace(customer, now):
    program = ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1, timezone="Asia/Shanghai")
    award(customer, 40, now)
    program.expiry_months = 12
    program.save()
    award(customer, 5, now, "lapses next year")
    spent = redeem(customer, 42, now)
    entry = reimburse(spent, now + 90 * DAY)
    assert remaining(customer) == [0, 5, 40]
    assert (entry.lots.get().points, allocations(entry)) == (40, [(2, -2)])
    # 18 August 18:30 in Shanghai: 30 full days and the rest of this one
    assert entry.lots.get().expires_at.isoformat() == "2026-09-17T16:00:00+00:00"


def test_reimburse_renews_each_lapsed_lot_as_one_that_carries_it_on(customer, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    first, second = award(customer, 40, now, "first"), award(customer, 30, now, "second")
    entry = reimburse(redeem(customer, 60, now), now + 80 * DAY)
    fresh = entry.lots.order_by("pk")
    assert [(lot.origin.entry, lot.remaining, lot.available_at) for lot in fresh] == [
        (first, 40, now + 80 * DAY),
        (second, 20, now + 80 * DAY),
    ]
    assert len({lot.expires_at for lot in fresh}) == 1


def test_reimburse_repays_a_debt_first_and_restores_what_lapses_last(customer, now):
    program = ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING)
    award(customer, 10, now, "lapses")
    program.expiry_policy = ExpiryPolicy.NEVER
    program.save()
    award(customer, 10, now, "stays")
    spent = redeem(customer, 20, now)
    claw_back(PointsEntry.objects.get(seq=1), 6, now)
    entry = reimburse(spent, now)
    assert account(customer) == (14, 0, 5)
    assert (remaining(customer), allocations(entry)) == ([4, 10], [(1, -4), (2, -10)])


def test_reimburse_corrects_redemptions_only(customer, now):
    with pytest.raises(ValueError, match="corrected"):
        reimburse(award(customer, 40, now), now)
