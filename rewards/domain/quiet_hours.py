"""When customers are not written to: hours of the day on the clock of their store, or of the programme."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rewards.models import Program


def end(*, program: Program, timezone: str, at: datetime) -> datetime | None:
    """When the quiet hours that `at` falls into are over; None where it falls into none.

    Where clocks jump over the end, it is as much later as they jump; where they show it twice, the first time.
    """
    quiet_from, quiet_until = program.quiet_from, program.quiet_until
    if quiet_from is None or quiet_until is None:
        return None
    local = at.astimezone(ZoneInfo(timezone))
    now, over_midnight = local.time(), quiet_until < quiet_from
    begun, over = now >= quiet_from, now >= quiet_until
    if not (begun or not over if over_midnight else begun and not over):
        return None
    day = local.date() + timedelta(days=over_midnight and begun)
    end = datetime.combine(day, quiet_until, tzinfo=local.tzinfo).astimezone(at.tzinfo)
    return end if at < end else None
