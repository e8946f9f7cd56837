"""When a campaign asks, on the clocks of its time zone."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from loyalty_site.lib import timezones
from loyalty_site.lib.errors import DomainError
from surveys.models import Campaign, Interval

_DAYS = {Interval.DAY: 1, Interval.WEEK: 7}


class TimezoneUnknown(DomainError):
    code = "timezone_unknown"
    message = _("“%(timezone)s” is not a time zone; write for example Asia/Shanghai.")


class StartOutOfRange(DomainError):
    code = "start_out_of_range"
    message = _("The start is beyond the calendar.")


def instant(*, on: date, clock_time: time, timezone: str) -> datetime:
    """The moment when clocks in `timezone` show this.

    Shown never (clocks jump over it): as much later as they jump. Shown twice (clocks go back): the first time.
    Raises TimezoneUnknown, StartOutOfRange.
    """
    if timezone not in timezones.names():
        raise TimezoneUnknown(timezone=timezone)
    try:
        return datetime.combine(on, clock_time.replace(fold=0), tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    except OverflowError as error:
        raise StartOutOfRange from error


def end_of(*, day: date, timezone: str) -> datetime:
    """The moment when `day` is over in `timezone`. Raises TimezoneUnknown, StartOutOfRange."""
    try:
        return instant(on=day + timedelta(days=1), clock_time=time(), timezone=timezone)
    except OverflowError as error:
        raise StartOutOfRange from error


def due(*, campaign: Campaign, known: int, until: datetime) -> Iterator[tuple[date, datetime]]:
    """The days on which a recurring campaign asks and the moment on each that have come by `until`, without the first
    `known` ones.

    Months count from the first day: of one on the 31st a shorter month has its last day, the next one the 31st again.
    """
    assert campaign.start_date is not None
    assert campaign.start_time is not None
    for number in count(known):
        day = _day(campaign.start_date, number * (campaign.every or 1), campaign.interval)
        if day is None or campaign.end_date and day > campaign.end_date:
            return
        due_at = instant(on=day, clock_time=campaign.start_time, timezone=campaign.timezone)
        if due_at > until:
            return
        yield day, due_at


def _day(first: date, distance: int, interval: str) -> date | None:
    """None beyond the calendar."""
    try:
        if interval in _DAYS:
            return first + timedelta(days=distance * _DAYS[Interval(interval)])
        months = first.month - 1 + distance
        year, month = first.year + months // 12, months % 12 + 1
        return date(year, month, min(first.day, monthrange(year, month)[1]))
    except (OverflowError, ValueError):
        return None
