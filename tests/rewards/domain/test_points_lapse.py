"""When points can be spent, when they lapse, and how the lapse is booked."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils.dateparse import parse_datetime

from rewards.domain import points
from rewards.models import EntryKind, ExpiryPolicy, PointsEntry, Program
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.steps import account, allocations, award, redeem, reimburse, remaining

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def ask(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}", values)
        return cursor.fetchone()[0]


@pytest.mark.parametrize("program", [None, {"timezone": "Asia/Shanghai", "pending_days": 3, "expiry_months": 6}])
def test_terms_are_the_programs_or_the_models_defaults(program):
    if program is not None:
        ProgramFactory(**program)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM points_terms()")
        terms = dict(zip((column.name for column in cursor.description), cursor.fetchone(), strict=True))
    current = Program.objects.current()
    assert terms == {name: getattr(current, name) for name in terms}


@pytest.mark.parametrize(
    ("available_at", "months", "period_end", "timezone", "lapses"),
    [
        ("2026-05-20T10:30:00Z", 12, "MONTH", "UTC", "2027-06-01T00:00:00+00:00"),
        ("2026-05-20T10:30:00Z", 12, "QUARTER", "UTC", "2027-07-01T00:00:00+00:00"),
        ("2026-05-20T10:30:00Z", 12, "YEAR", "UTC", "2028-01-01T00:00:00+00:00"),
        ("2026-12-31T23:59:59Z", 12, "YEAR", "UTC", "2028-01-01T00:00:00+00:00"),
        # month ends are clamped: February has 28 days, or 29
        ("2026-01-31T12:00:00Z", 1, "MONTH", "UTC", "2026-03-01T00:00:00+00:00"),
        ("2028-01-31T12:00:00Z", 1, "MONTH", "UTC", "2028-03-01T00:00:00+00:00"),
        ("2028-02-29T12:00:00Z", 12, "MONTH", "UTC", "2029-03-01T00:00:00+00:00"),
        ("2026-05-31T12:00:00Z", 1, "MONTH", "UTC", "2026-07-01T00:00:00+00:00"),
        # the month is the one on the programme's calendar
        ("2026-05-31T16:30:00Z", 1, "MONTH", "Asia/Shanghai", "2026-07-31T16:00:00+00:00"),
        ("2026-05-31T15:30:00Z", 1, "MONTH", "Asia/Shanghai", "2026-06-30T16:00:00+00:00"),
        # midnight in winter and in summer
        ("2026-05-20T10:30:00Z", 5, "MONTH", "Europe/Berlin", "2026-10-31T23:00:00+00:00"),
        ("2026-05-20T10:30:00Z", 2, "MONTH", "America/New_York", "2026-08-01T04:00:00+00:00"),
        # Paraguay put its clocks forward at midnight of 1 October 2023: the day began at one o'clock
        ("2023-08-20T10:30:00Z", 1, "MONTH", "America/Asuncion", "2023-10-01T04:00:00+00:00"),
    ],
)
def test_points_lapse_at_local_midnight(available_at, months, period_end, timezone, lapses):
    found = ask(
        "points_lapse_at(%s, 'ROLLING', %s, %s, '', %s)", parse_datetime(available_at), months, period_end, timezone
    )
    assert found.isoformat() == lapses


def test_points_never_lapse_when_the_program_says_so(now):
    assert ask("points_lapse_at(%s, 'NEVER', 12, 'MONTH', '12-31', 'UTC')", now) is None


@pytest.mark.parametrize(
    ("earned_at", "days", "available"),
    [
        ("2026-05-20T10:30:00Z", 0, "2026-05-20T10:30:00+00:00"),
        ("2026-05-20T10:30:00Z", 14, "2026-06-03T10:30:00+00:00"),
        # 25 October 2026 has 25 hours in Berlin, 29 March has 23: the time of day stays
        ("2026-10-24T10:30:00Z", 1, "2026-10-25T11:30:00+00:00"),
        ("2026-03-28T11:30:00Z", 1, "2026-03-29T10:30:00+00:00"),
        ("2026-03-28T01:30:00Z", 1, "2026-03-29T01:30:00+00:00"),  # 2:30 does not exist that day
        # both half past two of the long night are what they are
        ("2026-10-25T00:30:00Z", 0, "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T01:30:00Z", 0, "2026-10-25T01:30:00+00:00"),
    ],
)
def test_points_are_available_after_days_of_the_programs_zone(earned_at, days, available):
    found = ask("points_available_at(%s, %s, 'Europe/Berlin')", parse_datetime(earned_at), days)
    assert found.isoformat() == available


def test_clock_of_the_lapse_starts_when_the_points_are_available(customer):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1, pending_days=365)
    entry = award(customer, 40, datetime(2026, 1, 31, 12, tzinfo=UTC))
    assert entry.lots.get().available_at.isoformat() == "2027-01-31T12:00:00+00:00"
    assert entry.lots.get().expires_at.isoformat() == "2027-03-01T00:00:00+00:00"


# --- expire


@pytest.fixture
def monthly():
    return ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)


def test_expire_books_one_entry_for_each_moment_of_lapse(customer, now, monthly):
    award(customer, 10, now, "a")
    award(customer, 20, now, "b")
    award(customer, 30, now + 31 * DAY, "c")
    award(customer, 40, now + 62 * DAY, "d")
    redeem(customer, 5, now)
    assert points.expire(at=now + 80 * DAY, limit=10) == 1
    entries = PointsEntry.objects.filter(kind=EntryKind.EXPIRE).order_by("seq")
    assert [(e.seq, e.points, e.balance_after, e.happened_at.isoformat(), e.actor) for e in entries] == [
        (6, -25, 70, "2026-07-01T00:00:00+00:00", "system"),
        (7, -30, 40, "2026-08-01T00:00:00+00:00", "system"),
    ]
    assert [allocations(entry) for entry in entries] == [[(1, 5), (2, 20)], [(3, 30)]]
    assert (remaining(customer), account(customer)) == ([0, 0, 0, 40], (40, 0, 7))


def test_expire_twice_books_once(customer, now, monthly):
    award(customer, 10, now)
    assert [points.expire(at=now + 80 * DAY, limit=10) for _ in range(2)] == [1, 0]
    assert account(customer) == (0, 0, 2)


def test_expire_takes_lots_up_to_the_moment_itself(customer, now, monthly):
    entry = award(customer, 10, now)
    assert points.expire(at=entry.lots.get().expires_at - timedelta(microseconds=1), limit=10) == 0
    assert points.summary(customer=customer, at=entry.lots.get().expires_at).available == 0
    assert points.expire(at=entry.lots.get().expires_at, limit=10) == 1


def test_expire_goes_on_by_the_limit(now, monthly):
    for _ in range(5):
        award(CustomerFactory(), 10, now)
    done = [points.expire(at=now + 80 * DAY, limit=2) for _ in range(4)]
    assert done == [2, 2, 1, 0]


def test_lot_that_got_points_back_before_its_lapse_lapses_again(customer, now, monthly):
    """The web server's clock may be behind the one that called expire."""
    award(customer, 10, now)
    spent = redeem(customer, 10, now)
    award(customer, 1, now, "b")
    lapse = datetime(2026, 7, 1, tzinfo=UTC)
    points.expire(at=lapse, limit=10)
    reimburse(spent, lapse - timedelta(seconds=1))
    assert points.expire(at=lapse, limit=10) == 1
    assert (remaining(customer), account(customer)) == ([0, 0], (0, 0, 6))
