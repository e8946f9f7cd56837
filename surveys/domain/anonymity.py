"""What keeps the answers to an anonymous survey apart from who gave them.

The response has no customer, no delivery, no language and no reward; the delivery knows the day of its answer. What
both rows would still share is blurred: the time to a week, and ids that would count up to chance.
"""

import secrets
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from rewards.models import Program
from surveys.models import SurveyResponse

# Beyond all ids that count up, and exact in whatever reads them as a number with 53 bits.
_FIRST = 2**52


def blur(*, response: SurveyResponse, at: datetime) -> None:
    """Of a response that is not written yet."""
    response.pk = row_id()
    response.language = ""
    response.submitted_at = week(at=at)


def row_id() -> int:
    """By chance, so that ids do not tell in which order people answered."""
    return _FIRST + secrets.randbelow(_FIRST)


def week(*, at: datetime) -> datetime:
    """Its first moment, on Monday, in the programme's time zone."""
    zone = ZoneInfo(Program.objects.current().timezone)
    day = at.astimezone(zone).date()
    return datetime.combine(day - timedelta(days=day.weekday()), time(), tzinfo=zone)
