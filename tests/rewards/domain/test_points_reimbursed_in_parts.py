"""Spent points given back in parts, and what a return forgave made good when the spending is undone."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from rewards.domain import points
from rewards.models import ExpiryPolicy, PointsLot, ShortfallPolicy
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.steps import account, adjust, allocations, award, claw_back, redeem, reimburse, remaining

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


@pytest.fixture
def spent(customer, now):
    """25 points of three lots: 10 that lapse first, 10 that lapse later, 5 of 10 that never do."""
    program = ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(customer, 10, now, "first")
    award(customer, 10, now + 40 * DAY, "later")
    program.expiry_policy = ExpiryPolicy.NEVER
    program.save()
    award(customer, 10, now, "never")
    return redeem(customer, 25, now + 40 * DAY)


# --- in parts


def test_parts_go_back_to_what_lapses_last_first(customer, now, spent):
    at = now + 40 * DAY
    parts = [reimburse(spent, at, number, f"return:{number}") for number in (3, 9, 13)]
    assert [entry.points for entry in parts] == [3, 9, 13]
    assert [allocations(entry) for entry in parts] == [[(3, -3)], [(2, -7), (3, -2)], [(1, -10), (2, -3)]]
    assert (remaining(customer), account(customer)) == ([10, 10, 10], (30, 0, 7))
    assert parts[0].breakdown == {"asked": 3, "recouped": {}, "renewed": {}}


def test_nothing_said_is_all_that_is_left(customer, now, spent):
    reimburse(spent, now + 40 * DAY, 20, "return:1")
    entry = reimburse(spent, now + 40 * DAY)
    assert (entry.points, entry.reference) == (5, f"entry:{spent.pk}")
    nothing = reimburse(spent, now + 40 * DAY, reference="return:2")
    assert (nothing.points, nothing.breakdown["asked"], account(customer)) == (0, 0, (30, 0, 7))


def test_more_than_is_left_is_refused_by_the_database(customer, now, spent):
    reimburse(spent, now + 40 * DAY, 20, "return:1")
    with pytest.raises(IntegrityError, match="5 points left to give back, not 6"), transaction.atomic():
        reimburse(spent, now + 40 * DAY, 6, "return:2")
    assert account(customer) == (25, 0, 5)


def test_part_with_known_reference_returns_the_first_entry(customer, now, spent):
    first = reimburse(spent, now + 40 * DAY, 20, "return:1")
    assert reimburse(spent, now + 41 * DAY, 20, "return:1").pk == first.pk
    with pytest.raises(points.ReferenceReused):
        reimburse(spent, now + 40 * DAY, 4, "return:1")
    other = redeem(customer, 1, now + 40 * DAY, "other")
    with pytest.raises(points.ReferenceReused):
        reimburse(other, now + 40 * DAY, reference="return:1")
    assert account(customer) == (24, 0, 6)


@pytest.mark.parametrize("number", [0, -1])
def test_part_of_nothing_is_a_programming_error(now, spent, number):
    with pytest.raises(ValueError, match="positive"):
        reimburse(spent, now, number)


@pytest.mark.parametrize("numbers", [[25], [1] * 25, [12, 13], [20, 5]])
@pytest.mark.parametrize("debt", [0, 7])
@pytest.mark.parametrize("days", [40, 60])
def test_parts_together_equal_the_whole(customer, now, spent, numbers, debt, days):
    """Also when a debt takes a share, and when the first lot has lapsed by then (60 days)."""
    if debt:
        adjust(customer, -5, now + 40 * DAY)
        claw_back(spent.customer.entries.get(reference="never"), debt, now + 40 * DAY)
    assert account(customer)[:2] == (-debt, debt) if debt else (5, 0)
    for number, part in enumerate(numbers):
        reimburse(spent, now + days * DAY, part, f"return:{number}")
    lots = PointsLot.objects.filter(customer=customer.pk).order_by("expires_at", "pk")
    by_date = {}
    for lot in lots:
        by_date[lot.expires_at] = by_date.get(lot.expires_at, 0) + lot.remaining
    first, later, never = (lot.expires_at for lot in PointsLot.objects.order_by("pk")[:3])
    left = {first: 10 - debt, later: 10, never: 5 if debt else 10}
    if days == 60:
        (grace,) = {lot.expires_at for lot in lots} - {first, later, never}
        left = {first: 0, grace: 10 - debt, later: 10, never: 5 if debt else 10}
    assert by_date == left


def test_part_given_back_and_spent_again_is_given_back_by_its_own_redemption(customer, now, spent):
    reimburse(spent, now + 40 * DAY, 5, "return:1")
    again = redeem(customer, 10, now + 40 * DAY, "again")
    reimburse(spent, now + 40 * DAY)
    reimburse(again, now + 40 * DAY)
    assert (remaining(customer), account(customer)[0]) == ([10, 10, 10], 30)


def test_renewed_part_is_counted_once_though_its_lot_lapsed(customer, now, spent):
    later = now + 60 * DAY
    reimburse(spent, later, 20, "return:1")
    entry = reimburse(spent, later, 5, "return:2")
    lots = PointsLot.objects.filter(customer=customer.pk).order_by("pk").values_list("points", "remaining")
    assert list(lots) == [(10, 0), (10, 10), (10, 10), (5, 5), (5, 5)]
    assert list(entry.breakdown["renewed"].values()) == [5]


# --- what was forgiven is made good


@pytest.fixture
def forgiving():
    return ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)


def test_spending_undone_after_a_return_forgave_it_gives_nothing(customer, now, forgiving):
    returned = award(customer, 100, now)
    spent = redeem(customer, 100, now)
    forgave = claw_back(returned, 100, now)
    assert (forgave.points, forgave.breakdown["forgiven"]) == (0, 100)
    entry = reimburse(spent, now)
    assert (entry.points, entry.breakdown) == (
        0,
        {"asked": 100, "recouped": {str(forgave.pk): 100}, "renewed": {}},
    )
    assert (account(customer), remaining(customer)) == ((0, 0, 4), [0])


def test_what_exceeds_the_forgiven_points_is_given_back(customer, now, forgiving):
    returned = award(customer, 100, now)
    award(customer, 50, now, "kept")
    spent = redeem(customer, 150, now)
    claw_back(returned, 100, now)
    assert reimburse(spent, now).points == 50
    assert account(customer) == (50, 0, 5)


def test_redemption_after_the_return_is_given_back_in_full(customer, now, forgiving):
    returned = award(customer, 100, now)
    spent = redeem(customer, 100, now)
    claw_back(returned, 100, now)
    award(customer, 30, now, "next")
    assert reimburse(redeem(customer, 30, now, "after"), now).points == 30
    assert reimburse(spent, now).points == 0
    assert account(customer)[0] == 30


def test_forgiven_points_are_made_good_once_the_oldest_first(customer, now, forgiving):
    returned = award(customer, 100, now)
    first, second = redeem(customer, 60, now, "first"), redeem(customer, 40, now, "second")
    forgave = [claw_back(returned, 30, now, f"return:{n}") for n in range(2)]
    assert reimburse(second, now).breakdown["recouped"] == {str(forgave[0].pk): 30, str(forgave[1].pk): 10}
    entry = reimburse(first, now)
    assert (entry.points, entry.breakdown["recouped"]) == (40, {str(forgave[1].pk): 20})
    assert account(customer)[0] == 40


@pytest.mark.parametrize("numbers", [[100], [10] * 10, [30, 70]])
def test_parts_make_good_as_much_as_the_whole(customer, now, forgiving, numbers):
    returned = award(customer, 60, now)
    award(customer, 40, now, "kept")
    spent = redeem(customer, 100, now)
    claw_back(returned, 60, now)
    given = [reimburse(spent, now, part, f"return:{number}").points for number, part in enumerate(numbers)]
    assert (sum(given), account(customer)[0]) == (40, 40)


def test_what_was_forgiven_is_made_good_under_a_later_policy_as_well(customer, now, forgiving):
    returned = award(customer, 100, now)
    spent = redeem(customer, 100, now)
    claw_back(returned, 60, now)
    forgiving.shortfall_policy = ShortfallPolicy.DEBT
    forgiving.save()
    claw_back(returned, 40, now, "return:2")
    assert account(customer)[:2] == (-40, 40)
    entry = reimburse(spent, now)
    assert (entry.points, account(customer)[:2]) == (40, (0, 0))
