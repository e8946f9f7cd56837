"""When points lapse: on fixed days, or some months after the last activity; clock changes and month ends."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.dateparse import parse_datetime

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import backfill, points
from rewards.models import EntryKind, ExpiryPolicy, PeriodEnd, PointsEntry, PointsLot, Program
from tests.factories.customers import CustomerFactory, PurchaseFactory
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import (
    account,
    adjust,
    available,
    award,
    capture,
    hold,
    redeem,
    reimburse,
    release,
    remaining,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def lapse_at(since, policy, months, period_end, days, timezone):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT points_lapse_at(%s, %s, %s, %s, %s, %s)",
            [parse_datetime(since), policy, months, period_end, days, timezone],
        )
        return cursor.fetchone()[0].isoformat().replace("+00:00", "Z")


def lapses(customer):
    """When each lot lapses, oldest lot first."""
    dates = PointsLot.objects.filter(customer=customer.pk).order_by("pk").values_list("expires_at", flat=True)
    return [f"{date:%Y-%m-%d}" for date in dates]


def buy(customer, number, at):
    """An award that is an activity."""
    return award(customer, number, at, f"purchase:{at:%y%m%d%H%M%S}{number}")


# --- fixed days


@pytest.mark.parametrize(
    ("since", "months", "days", "timezone", "lapses"),
    [
        ("2026-05-20T10:30:00Z", 12, "12-31", "UTC", "2028-01-01T00:00:00Z"),
        ("2026-05-20T10:30:00Z", 0, "12-31", "UTC", "2027-01-01T00:00:00Z"),
        ("2026-05-20T10:30:00Z", 0, "12-31,06-30", "UTC", "2026-07-01T00:00:00Z"),
        ("2026-05-20T10:30:00Z", 3, "06-30, 12-31", "UTC", "2027-01-01T00:00:00Z"),
        # the day itself counts until its midnight
        ("2026-06-30T23:59:59Z", 0, "06-30", "UTC", "2026-07-01T00:00:00Z"),
        ("2026-07-01T00:00:00Z", 0, "06-30", "UTC", "2027-07-01T00:00:00Z"),
        ("2025-06-30T00:00:00Z", 12, "06-30", "UTC", "2026-07-01T00:00:00Z"),
        # 29 February is the last day of that month; 28 February is what it says
        ("2026-01-31T12:00:00Z", 0, "02-29", "UTC", "2026-03-01T00:00:00Z"),
        ("2028-02-28T12:00:00Z", 0, "02-29", "UTC", "2028-03-01T00:00:00Z"),
        ("2028-02-29T12:00:00Z", 0, "02-29", "UTC", "2028-03-01T00:00:00Z"),
        ("2028-02-29T12:00:00Z", 12, "02-29", "UTC", "2029-03-01T00:00:00Z"),
        ("2028-02-29T12:00:00Z", 0, "02-28", "UTC", "2029-03-01T00:00:00Z"),
        ("2028-02-28T12:00:00Z", 0, "02-28", "UTC", "2028-02-29T00:00:00Z"),
        # 31 January + 1 month is the end of February
        ("2027-01-31T12:00:00Z", 1, "02-28", "UTC", "2027-03-01T00:00:00Z"),
        # the day is the one on the programme's calendar
        ("2026-12-31T15:59:59Z", 0, "12-31", "Asia/Shanghai", "2026-12-31T16:00:00Z"),
        ("2026-12-31T16:00:00Z", 0, "12-31", "Asia/Shanghai", "2027-12-31T16:00:00Z"),
        # New York: 1 November 2026 has 25 hours, 8 March 2026 has 23
        ("2026-05-20T10:30:00Z", 0, "10-31", "America/New_York", "2026-11-01T04:00:00Z"),
        ("2026-05-20T10:30:00Z", 0, "11-01", "America/New_York", "2026-11-02T05:00:00Z"),
        ("2026-01-20T10:30:00Z", 0, "03-07", "America/New_York", "2026-03-08T05:00:00Z"),
        ("2026-01-20T10:30:00Z", 0, "03-08", "America/New_York", "2026-03-09T04:00:00Z"),
        # Santiago changes at midnight: 6 September 2026 began at one o'clock, 4 April 2026 has its last hour twice
        ("2026-05-20T10:30:00Z", 0, "09-05", "America/Santiago", "2026-09-06T04:00:00Z"),
        ("2026-04-05T02:30:00Z", 0, "04-04", "America/Santiago", "2026-04-05T04:00:00Z"),
        ("2026-04-05T03:30:00Z", 0, "04-04", "America/Santiago", "2026-04-05T04:00:00Z"),
        ("2026-04-05T04:00:00Z", 0, "04-04", "America/Santiago", "2027-04-05T04:00:00Z"),
        # Lord Howe's clocks move by half an hour
        ("2026-01-20T10:30:00Z", 0, "04-04", "Australia/Lord_Howe", "2026-04-04T13:00:00Z"),
        ("2026-01-20T10:30:00Z", 0, "04-05", "Australia/Lord_Howe", "2026-04-05T13:30:00Z"),
        ("2026-05-20T10:30:00Z", 0, "10-03", "Australia/Lord_Howe", "2026-10-03T13:30:00Z"),
        ("2026-05-20T10:30:00Z", 0, "10-04", "Australia/Lord_Howe", "2026-10-04T13:00:00Z"),
    ],
)
def test_points_lapse_when_a_fixed_day_ends(since, months, days, timezone, lapses):
    assert lapse_at(since, "FIXED", months, "YEAR", days, timezone) == lapses


@pytest.mark.parametrize(
    ("since", "months", "period_end", "timezone", "lapses"),
    [
        ("2026-02-28T05:00:00Z", 1, "MONTH", "America/New_York", "2026-04-01T04:00:00Z"),
        ("2026-01-31T05:00:00Z", 1, "MONTH", "America/New_York", "2026-03-01T05:00:00Z"),
        ("2026-01-31T04:59:59Z", 9, "MONTH", "America/New_York", "2026-11-01T04:00:00Z"),
        ("2026-08-31T03:59:59Z", 3, "QUARTER", "America/Santiago", "2027-01-01T03:00:00Z"),
        ("2026-03-31T03:00:00Z", 0, "MONTH", "America/Santiago", "2026-04-01T03:00:00Z"),
        ("2026-03-31T13:00:00Z", 0, "MONTH", "Australia/Lord_Howe", "2026-04-30T13:30:00Z"),
        ("2026-03-31T12:59:59Z", 0, "MONTH", "Australia/Lord_Howe", "2026-03-31T13:00:00Z"),
        ("2027-12-31T13:00:00Z", 1, "MONTH", "Australia/Lord_Howe", "2028-02-29T13:00:00Z"),
        ("2028-02-29T12:00:00Z", 12, "MONTH", "Asia/Shanghai", "2029-02-28T16:00:00Z"),
        ("2027-02-28T16:00:00Z", 12, "MONTH", "Asia/Shanghai", "2028-03-31T16:00:00Z"),
    ],
)
@pytest.mark.parametrize("policy", ["ROLLING", "INACTIVITY"])
def test_months_end_at_midnight_of_the_zone(since, policy, months, period_end, timezone, lapses):
    assert lapse_at(since, policy, months, period_end, "12-31", timezone) == lapses


@pytest.mark.parametrize(
    ("earned_at", "days", "timezone", "available_at"),
    [
        ("2026-03-07T07:30:00Z", 1, "America/New_York", "2026-03-08T07:30:00Z"),  # 2:30 does not exist that day
        ("2026-10-31T05:30:00Z", 1, "America/New_York", "2026-11-01T06:30:00Z"),  # 1:30 comes twice: the second
        ("2026-09-05T04:30:00Z", 1, "America/Santiago", "2026-09-06T04:30:00Z"),  # 0:30 does not exist that day
        ("2026-04-03T15:30:00Z", 1, "Australia/Lord_Howe", "2026-04-04T16:00:00Z"),
        ("2028-02-28T16:00:00Z", 1, "Asia/Shanghai", "2028-02-29T16:00:00Z"),
    ],
)
def test_pending_days_keep_the_time_of_day(earned_at, days, timezone, available_at):
    with connection.cursor() as cursor:
        cursor.execute("SELECT points_available_at(%s, %s, %s)", [parse_datetime(earned_at), days, timezone])
        assert cursor.fetchone()[0] == parse_datetime(available_at)


def test_points_earned_under_fixed_days_lapse_at_that_midnight(customer):
    ProgramFactory(expiry_policy=ExpiryPolicy.FIXED, expiry_months=0, expiry_days="06-30", timezone="Asia/Shanghai")
    award(customer, 40, datetime(2026, 6, 30, 15, tzinfo=UTC), "the last hour of 30 June")
    award(customer, 2, datetime(2026, 6, 30, 17, tzinfo=UTC), "the first hours of 1 July")
    midnight = datetime(2026, 6, 30, 16, tzinfo=UTC)
    assert points.summary(customer=customer, at=midnight - timedelta(seconds=1)).available == 40
    assert points.summary(customer=customer, at=midnight).available == 0
    assert points.expire(at=midnight, limit=10) == 1
    assert available(customer, datetime(2027, 6, 30, 15, tzinfo=UTC)) == 2
    assert PointsEntry.objects.get(kind=EntryKind.EXPIRE).points == -40


@pytest.mark.parametrize(
    "days", ["", "12-32", "13-01", "02-30", "04-31", "1-1", "12-31;06-30", "12-31,", "12-31\n", "31-12", "12-31,,06-30"]
)
def test_days_that_are_none_are_refused_by_the_database(days):
    with pytest.raises(IntegrityError, match="program_expiry_days_are_days"), transaction.atomic():
        ProgramFactory(expiry_days=days)


@pytest.mark.parametrize("policy", [ExpiryPolicy.NEVER, ExpiryPolicy.ROLLING, ExpiryPolicy.INACTIVITY])
def test_only_fixed_days_may_come_at_once(policy):
    with pytest.raises(IntegrityError, match="program_expiry_months_fit"), transaction.atomic():
        ProgramFactory(expiry_policy=policy, expiry_months=0)
    ProgramFactory(expiry_policy=ExpiryPolicy.FIXED, expiry_months=0)


# --- inactivity


@pytest.fixture
def idle():
    """What a customer has lapses at the end of the sixth month after the last activity."""
    return ProgramFactory(expiry_policy=ExpiryPolicy.INACTIVITY, expiry_months=6)


def test_purchase_keeps_all_points_alive(customer, now, idle):
    buy(customer, 10, now)
    assert lapses(customer) == ["2026-12-01"]
    buy(customer, 5, now + 100 * DAY)
    assert lapses(customer) == ["2027-03-01", "2027-03-01"]
    assert available(customer, datetime(2027, 2, 28, 23, tzinfo=UTC)) == 15
    assert available(customer, datetime(2027, 3, 1, tzinfo=UTC)) == 0


def test_redemption_and_capture_keep_points_alive(customer, now, idle):
    buy(customer, 30, now)
    redeem(customer, 5, now + 31 * DAY)
    assert lapses(customer) == ["2027-01-01"]
    kept = hold(customer, 5, now + 62 * DAY)
    release(hold(customer, 5, now + 93 * DAY, "other"), now + 93 * DAY)
    assert lapses(customer) == ["2027-01-01"]
    capture(kept, now + 62 * DAY)
    assert lapses(customer) == ["2027-02-01"]


def test_other_bookings_keep_nothing_alive_and_start_by_themselves(customer, now, idle):
    buy(customer, 30, now)
    award(customer, 5, now + 40 * DAY, "survey-response:1")
    adjust(customer, 5, now + 80 * DAY)
    adjust(customer, -1, now + 120 * DAY, "down")
    assert lapses(customer) == ["2026-12-01", "2027-01-01", "2027-03-01"]


def test_activity_moves_points_that_had_another_start_as_well(customer, now, idle):
    award(customer, 5, now, "survey-response:1")
    buy(customer, 30, now + 100 * DAY)
    assert lapses(customer) == ["2027-03-01", "2027-03-01"]


@pytest.mark.parametrize("job_ran", [True, False])
def test_activity_brings_nothing_back_that_has_lapsed(customer, now, idle, job_ran):
    buy(customer, 30, now)
    later = datetime(2026, 12, 1, tzinfo=UTC)
    if job_ran:
        points.expire(at=later, limit=10)
    buy(customer, 5, later)
    assert lapses(customer) == ["2026-12-01", "2027-07-01"]
    assert available(customer, later) == 5
    points.expire(at=later, limit=10)
    assert account(customer) == (5, 0, 3)


@pytest.mark.parametrize("job_ran", [True, False])
def test_purchase_that_is_told_late_brings_nothing_back_that_has_lapsed(settle, customer, now, idle, job_ran):
    """Dated back to a day when the points were good, it neither makes them good again nor moves what comes back."""
    buy(customer, 30, now)
    spent = redeem(customer, 10, now)
    later = datetime(2026, 12, 1, tzinfo=UTC)
    if job_ran:
        points.expire(at=later, limit=10)
    settle(basket(500, customer=customer, now=now + 100 * DAY), at=later)
    assert lapses(customer) == ["2026-12-01", "2027-03-01"]
    assert available(customer, later) == 5
    reimburse(spent, later)
    points.expire(at=later, limit=10)
    assert remaining(customer) == [0, 5, 10]
    assert lapses(customer)[2] == "2027-01-01"  # given back with the days of grace


@pytest.mark.parametrize("job_ran", [True, False])
def test_file_that_tells_late_brings_nothing_back_that_has_lapsed(store, customer, now, idle, job_ran):
    buy(customer, 30, now)
    later = datetime(2027, 2, 1, tzinfo=UTC)
    if job_ran:
        points.expire(at=later, limit=10)
    told = [
        PurchaseFactory(store=store, customer=customer, purchased_at=now + days * DAY, total_minor=500, paid_minor=500)
        for days in (100, 200)
    ]
    backfill.award_purchases(purchases=[purchase.pk for purchase in told], by=SYSTEM, at=later)
    assert available(customer, later) == 10
    points.expire(at=later, limit=10)
    assert account(customer)[:2] == (10, 0)


def test_order_in_which_purchases_are_told_makes_no_difference(now, idle):
    """Up to the one that comes after everything before has lapsed."""
    days = [0, 100, 160, 300, 600]
    for told in (days, days[::-1], [160, 600, 0, 300, 100]):
        customer = CustomerFactory()
        for day in told:
            buy(customer, 1 + day, now + day * DAY)
        lots = PointsLot.objects.filter(customer=customer.pk).order_by("available_at")
        assert [f"{lot.expires_at:%Y-%m-%d}" for lot in lots] == ["2027-10-01"] * 4 + ["2028-08-01"]


def test_points_that_were_told_late_live_by_what_was_spent_since(customer, now, idle):
    buy(customer, 30, now)
    redeem(customer, 5, now + 100 * DAY)
    buy(customer, 5, now + DAY)
    assert lapses(customer) == ["2027-03-01", "2027-03-01"]


def test_points_keep_the_policy_they_were_earned_under(customer, now, idle):
    buy(customer, 1, now)
    policies = [
        (ExpiryPolicy.ROLLING, 3),
        (ExpiryPolicy.FIXED, 0),
        (ExpiryPolicy.NEVER, 12),
        (ExpiryPolicy.INACTIVITY, 2),
    ]
    for number, (policy, months) in enumerate(policies, start=1):
        Program.objects.update(expiry_policy=policy, expiry_months=months)
        buy(customer, number, now + 31 * DAY)
    dates = PointsLot.objects.order_by("pk").values_list("expires_at", "idle_months")
    assert [(date and f"{date:%Y-%m-%d}", months) for date, months in dates] == [
        ("2027-01-01", 6),
        ("2026-10-01", None),
        ("2027-01-01", None),
        (None, None),
        ("2026-09-01", 2),
    ]
    redeem(customer, 1, now + 62 * DAY)
    moved = PointsLot.objects.order_by("pk").values_list("expires_at", flat=True)
    assert [date and f"{date:%Y-%m}" for date in moved] == ["2027-02", "2026-10", "2027-01", None, "2026-10"]


def test_spent_points_come_back_as_alive_as_the_others(customer, now, idle):
    buy(customer, 30, now)
    spent = redeem(customer, 30, now)
    buy(customer, 5, now + 100 * DAY)
    reimburse(spent, datetime(2027, 1, 1, tzinfo=UTC))
    assert (remaining(customer), lapses(customer)) == ([30, 5], ["2027-03-01", "2027-03-01"])


def test_redeem_takes_in_the_order_before_it_keeps_alive(customer, now, idle):
    Program.objects.update(expiry_months=7)
    buy(customer, 30, now)
    Program.objects.update(expiry_months=6)
    buy(customer, 5, now)
    redeem(customer, 5, now + 100 * DAY)
    assert (remaining(customer), lapses(customer)) == ([30, 0], ["2027-04-01", "2027-03-01"])


def test_pending_points_start_when_they_can_be_spent(customer, now):
    ProgramFactory(
        expiry_policy=ExpiryPolicy.INACTIVITY, expiry_months=1, pending_days=20, expiry_period_end=PeriodEnd.MONTH
    )
    buy(customer, 30, now)
    assert lapses(customer) == ["2026-08-01"]
    buy(customer, 5, now + 20 * DAY)
    assert lapses(customer) == ["2026-08-01", "2026-08-01"]
    redeem(customer, 5, now + 60 * DAY)
    assert lapses(customer) == ["2026-09-01", "2026-09-01"]


def test_who_has_no_moving_lots_is_booked_for_as_ever(customer, now, django_assert_num_queries):
    ProgramFactory()
    buy(customer, 30, now)
    with django_assert_num_queries(1):
        redeem(customer, 5, now)
    assert PointsLot.objects.get().idle_months is None
