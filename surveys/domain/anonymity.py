"""What keeps the answers to an anonymous survey apart from who gave them.

The response has no customer, no delivery, no language and no reward; the delivery knows the day of its answer. What
both rows would still share is blurred: the time to a week, and ids that would count up to chance. Rows are written anew
each night, because PostgreSQL itself remembers in which transaction and in which order they were written.
"""

import secrets
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from rewards.models import Program
from surveys.models import SurveyResponse

# Beyond all ids that count up, and exact in whatever reads them as a number with 53 bits.
_FIRST = 2**52
_RESPONSES = "id >= %s AND submitted_at >= %s"
_OF_RESPONSES = f"response_id IN (SELECT id FROM surveys_surveyresponse WHERE {_RESPONSES})"  # noqa: S608
_TABLES = {
    "surveys_surveyresponse": _RESPONSES,
    "surveys_answer": _OF_RESPONSES,
    "surveys_answerchoice": f"answer_id IN (SELECT id FROM surveys_answer WHERE {_OF_RESPONSES})",  # noqa: S608
}


def blur(*, response: SurveyResponse, at: datetime) -> None:
    """Of a response that is not written yet."""
    response.pk = row_id()
    response.language = ""
    response.submitted_at = week(at=at)


@transaction.atomic
def mix(*, at: datetime) -> None:
    """Writes the anonymous answers of this week and the last anew, in one transaction and in the order of their ids."""
    since = week(at=at) - timedelta(weeks=1)
    for table, which in _TABLES.items():
        taken = f"DELETE FROM {table} WHERE {which} RETURNING *"  # noqa: S608 - names of our own
        statement = f"WITH taken AS ({taken}) INSERT INTO {table} SELECT * FROM taken ORDER BY id"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(statement, [_FIRST, since])


def row_id() -> int:
    """By chance, so that ids do not tell in which order people answered."""
    return _FIRST + secrets.randbelow(_FIRST)


def week(*, at: datetime) -> datetime:
    """Its first moment, on Monday, in the programme's time zone."""
    zone = ZoneInfo(Program.objects.current().timezone)
    day = at.astimezone(zone).date()
    return datetime.combine(day - timedelta(days=day.weekday()), time(), tzinfo=zone)
