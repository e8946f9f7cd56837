from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from rewards.domain import quiet_hours
from rewards.models import Program

NIGHT = (time(21), time(8))
NOON = (time(12), time(14))


@pytest.mark.parametrize(
    ("hours", "local", "ends"),
    [
        (NIGHT, "2026-05-20 20:59:59", None),
        (NIGHT, "2026-05-20 21:00", "2026-05-21 08:00"),
        (NIGHT, "2026-05-20 23:59:59", "2026-05-21 08:00"),
        (NIGHT, "2026-05-21 00:00", "2026-05-21 08:00"),
        (NIGHT, "2026-05-21 07:59:59", "2026-05-21 08:00"),
        (NIGHT, "2026-05-21 08:00", None),
        (NIGHT, "2026-12-31 22:00", "2027-01-01 08:00"),
        (NIGHT, "2028-02-28 22:00", "2028-02-29 08:00"),
        (NOON, "2026-05-20 11:59", None),
        (NOON, "2026-05-20 12:00", "2026-05-20 14:00"),
        (NOON, "2026-05-20 14:00", None),
        ((None, None), "2026-05-20 03:00", None),
        # The night in which clocks go forward, and the one in which they go back.
        (NIGHT, "2026-03-28 22:00", "2026-03-29 08:00"),
        (NIGHT, "2026-10-24 22:00", "2026-10-25 08:00"),
        ((time(1), time(2, 30)), "2026-03-29 01:30", "2026-03-29 03:30"),
    ],
)
def test_end(hours, local, ends):
    zone = ZoneInfo("Europe/Berlin")
    program = Program(quiet_from=hours[0], quiet_until=hours[1])
    at = datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC)
    found = quiet_hours.end(program=program, timezone="Europe/Berlin", at=at)
    assert found == (datetime.fromisoformat(ends).replace(tzinfo=zone) if ends else None)


@pytest.mark.parametrize("minutes", range(-180, 180, 5))
@pytest.mark.parametrize("until", [time(2), time(2, 30), time(3)])
def test_end_is_later_and_awake_in_the_night_that_shows_an_hour_twice(minutes, until):
    program = Program(quiet_from=time(22), quiet_until=until)
    at = datetime(2026, 10, 25, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    if end := quiet_hours.end(program=program, timezone="Europe/Berlin", at=at):
        assert at < end
        assert quiet_hours.end(program=program, timezone="Europe/Berlin", at=end) is None


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])
def test_end_is_always_later_and_awake(zone):
    program = Program(quiet_from=time(21), quiet_until=time(8))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(4 * 366):
        end = quiet_hours.end(program=program, timezone=zone, at=at)
        if end:
            assert at < end <= at + timedelta(hours=12)
            assert quiet_hours.end(program=program, timezone=zone, at=end) is None
        at += timedelta(hours=5, minutes=59)
