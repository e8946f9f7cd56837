"""What an answer calls for: a low score opens a case, in the transaction of the response."""

from datetime import datetime, timedelta

from loyalty_site.lib import actors
from loyalty_site.lib.texts import localized
from surveys.domain import cases
from surveys.models import Answer, Case, CaseChannel, SurveyResponse


def open_for(*, response: SurveyResponse, at: datetime) -> Case | None:
    """The case of a response with a score at or below what one of its questions calls low; None where there is none.

    Due in the survey's `follow_up_hours` by the clock, nights and Sundays too. The store is the response's. A response
    has one case at most, and none if it names no customer: there is nobody to call back.
    """
    hours, customer = response.survey.follow_up_hours, response.customer
    if hours is None or customer is None:
        return None
    answers = list(response.answers.select_related("question").order_by("question__position"))
    low = next((answer for answer in answers if _is_low(answer)), None)
    if low is None:
        return None
    return cases.begin(
        channel=CaseChannel.SURVEY,
        words=_words(low, answers),
        store=response.store,
        customer=customer,
        response=response,
        due_at=at + timedelta(hours=hours),
        by=actors.customer(customer.pk),
        at=at,
    )


def _is_low(answer: Answer) -> bool:
    limit = answer.question.follow_up_at_most
    return limit is not None and answer.number is not None and answer.number <= limit


def _words(low: Answer, answers: list[Answer]) -> str:
    """What they wrote, or else what they scored."""
    written = " / ".join(answer.text for answer in answers if answer.text)
    return f"{low.number} · {written or localized(low.question.text)}"
