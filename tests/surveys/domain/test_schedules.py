"""When campaigns ask: clocks that jump, months of different lengths, and four years of many zones."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from surveys.domain import schedules
from surveys.models import Campaign, CampaignTrigger, Interval


@pytest.mark.parametrize(
    ("clock", "instant"),
    [
        ("2026-06-01 09:00 Asia/Shanghai", "2026-06-01 01:00"),
        ("2026-06-01 09:00 UTC", "2026-06-01 09:00"),
        ("2026-03-29 01:59 Europe/Berlin", "2026-03-29 00:59"),
        ("2026-03-29 02:30 Europe/Berlin", "2026-03-29 01:30"),  # jumped over: shown as 03:30
        ("2026-03-29 03:00 Europe/Berlin", "2026-03-29 01:00"),
        ("2026-10-25 02:30 Europe/Berlin", "2026-10-25 00:30"),  # shown twice: the first time
        ("2026-10-25 03:00 Europe/Berlin", "2026-10-25 02:00"),
        ("2026-03-08 02:00 America/New_York", "2026-03-08 07:00"),
        ("2026-11-01 01:15 America/New_York", "2026-11-01 05:15"),
        ("2026-04-05 01:45 Australia/Lord_Howe", "2026-04-04 14:45"),  # half an hour twice
        ("2026-10-04 02:15 Australia/Lord_Howe", "2026-10-03 15:45"),  # half an hour never
    ],
)
def test_instant_follows_the_clocks_of_the_zone(clock, instant):
    on, clock_time, timezone = clock.split()
    found = schedules.instant(on=date.fromisoformat(on), clock_time=time.fromisoformat(clock_time), timezone=timezone)
    assert found == datetime.fromisoformat(instant).replace(tzinfo=UTC)


def test_instant_takes_the_first_of_two_even_when_told_the_second():
    second = time(2, 30, fold=1)
    found = schedules.instant(on=date(2026, 10, 25), clock_time=second, timezone="Europe/Berlin")
    assert found == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("timezone", ["", "Moon/Base", "../../etc/passwd", "America"])
def test_instant_refuses_what_is_no_zone(timezone):
    with pytest.raises(schedules.TimezoneUnknown):
        schedules.instant(on=date(2026, 6, 1), clock_time=time(9), timezone=timezone)


@pytest.mark.parametrize(("on", "timezone"), [(date.max, "America/New_York"), (date.min, "Asia/Shanghai")])
def test_instant_refuses_days_beyond_the_calendar(on, timezone):
    with pytest.raises(schedules.StartOutOfRange):
        schedules.instant(on=on, clock_time=time(0) if on == date.min else time(23), timezone=timezone)


def recurring(start="2026-01-31", clock="09:00", timezone="UTC", every=1, interval=Interval.MONTH, end=None):
    return Campaign(
        trigger=CampaignTrigger.RECURRING,
        every=every,
        interval=interval,
        start_date=date.fromisoformat(start),
        start_time=time.fromisoformat(clock),
        timezone=timezone,
        end_date=date.fromisoformat(end) if end else None,
    )


def days(campaign, until, known=0):
    at = datetime.fromisoformat(until).replace(tzinfo=UTC)
    return [str(day) for day, _due_at in schedules.due(campaign=campaign, known=known, until=at)]


@pytest.mark.parametrize(
    ("campaign", "expected"),
    [
        (recurring(), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        (recurring(every=2), ["2026-01-31", "2026-03-31"]),
        (recurring(start="2026-04-01", every=2, interval=Interval.WEEK), ["2026-04-01", "2026-04-15", "2026-04-29"]),
        (recurring(start="2026-04-27", every=3, interval=Interval.DAY), ["2026-04-27", "2026-04-30"]),
        (recurring(end="2026-03-30"), ["2026-01-31", "2026-02-28"]),
        (recurring(end="2026-03-31"), ["2026-01-31", "2026-02-28", "2026-03-31"]),
    ],
)
def test_days_of_a_recurring_campaign(campaign, expected):
    assert days(campaign, "2026-04-30 09:00") == expected


def test_day_has_not_come_before_its_time_on_the_clock():
    campaign = recurring(timezone="Asia/Shanghai")
    assert days(campaign, "2026-01-31 00:59") == []
    assert days(campaign, "2026-01-31 01:00") == ["2026-01-31"]
    assert days(campaign, "2026-03-31 01:00", known=1) == ["2026-02-28", "2026-03-31"]


def test_days_end_with_the_calendar():
    assert days(recurring(start="9999-12-30", interval=Interval.MONTH), "9999-12-31 23:59") == ["9999-12-30"]


def test_end_of_a_day_is_the_next_midnight_of_the_zone():
    found = schedules.end_of(day=date(2026, 3, 28), timezone="Europe/Berlin")
    assert found == datetime(2026, 3, 28, 23, tzinfo=UTC)
    with pytest.raises(schedules.StartOutOfRange):
        schedules.end_of(day=date.max, timezone="UTC")


# Clocks go by an hour, by half an hour, at midnight, in spring of the south, in Ramadan, or never.
ZONES = [
    "Africa/Cairo", "Africa/Casablanca", "Africa/Lagos", "America/Asuncion", "America/Bogota",
    "America/Chicago", "America/Havana", "America/Los_Angeles", "America/New_York", "America/Nuuk",
    "America/Phoenix", "America/Santiago", "America/Sao_Paulo", "America/St_Johns", "Asia/Beirut",
    "Asia/Jerusalem", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tehran",
    "Asia/Tokyo", "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin",
    "Europe/Dublin", "Europe/London", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati",
]  # fmt: skip
FIRST, LAST = date(2022, 1, 1), date(2025, 12, 31)
QUARTER = timedelta(minutes=15)


def seen_on_the_clock(zone: str, clock: time) -> dict[date, datetime]:
    """By looking at the clock each quarter of an hour, around where it may show it: the first time it does on a day,
    else how much later it jumps over it."""
    info, found, day = ZoneInfo(zone), {}, FIRST
    while day <= LAST:
        wanted = datetime.combine(day, clock)
        about = (wanted - (wanted.replace(tzinfo=UTC).astimezone(info).utcoffset() or timedelta())).replace(tzinfo=UTC)
        before, moment = about - 13 * QUARTER, about - 12 * QUARTER
        while day not in found:
            shown, shown_before = (m.astimezone(info).replace(tzinfo=None) for m in (moment, before))
            if shown_before < wanted <= shown:
                found[day] = moment if shown == wanted else before + (wanted - shown_before)
            before, moment = moment, moment + QUARTER
        day += timedelta(days=1)
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_four_years_of_a_zone_miss_no_day_and_double_none(zone):
    """The timetable ticks at random, now within the hour, now after days; each asks for what it does not know yet."""
    for clock in (time(0, 0), time(2, 30)):
        seen = seen_on_the_clock(zone, clock)
        for every, interval in ((1, Interval.DAY), (2, Interval.WEEK), (1, Interval.MONTH)):
            campaign = recurring(str(FIRST), str(clock), zone, every, interval, end=str(LAST))
            drawn, known, at = random.Random(f"{zone} {clock} {interval}"), [], datetime(2021, 12, 30, tzinfo=UTC)
            while at < datetime(2026, 1, 3, tzinfo=UTC):
                at += timedelta(hours=drawn.choice([0.1, 1, 7, 26, 90]))
                new = list(schedules.due(campaign=campaign, known=len(known), until=at))
                assert all(due_at <= at for _day, due_at in new)
                known += new
            expected = {
                Interval.DAY: list(seen),
                Interval.WEEK: list(seen)[::14],
                Interval.MONTH: [day for day in seen if day.day == 1],
            }[interval]
            assert known == [(day, seen[day]) for day in expected]
