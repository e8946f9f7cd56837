"""Answers that were begun and not sent: kept with the delivery, so that its link goes on with them on any device."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from surveys.domain import responses, skips
from surveys.domain.responses import AnswerValue
from surveys.models import Delivery, PartialResponse, Question


def of(delivery: Delivery) -> PartialResponse | None:
    """What is kept, as `responses.read_token` found it."""
    partial: PartialResponse | None = getattr(delivery, "partial", None)
    return partial


def answers(partial: PartialResponse | None) -> dict[int, AnswerValue]:
    """By the ids of the questions; empty where nothing is kept."""
    kept = partial.answers if partial else {}
    return {int(pk): frozenset(value) if isinstance(value, list) else value for pk, value in kept.items()}


@transaction.atomic
def keep(*, delivery: Delivery, answers: Mapping[int, AnswerValue], at: datetime) -> None:
    """Keeps those of `answers` (by the ids of questions) that fit, in place of what was kept before; the others are
    passed over, so that nothing typed by halves stands in the way.

    Changes nothing once the response is there, however late a page sends. An anonymous survey keeps nothing: what is
    kept belongs to a delivery, and so to a customer. Raises responses.SurveyClosed; CustomerMerged when that happens at
    this moment. Locks as `responses.submit` does.
    """
    if delivery.campaign.survey.is_anonymous:
        return
    responses.lock(delivery=delivery, customer=responses.respondent(delivery))
    if responses.of(delivery):
        return
    if not responses.is_open(delivery):
        raise responses.SurveyClosed
    fitting = _fitting(skips.questions(delivery.campaign.survey), answers)
    if not fitting:
        PartialResponse.objects.filter(delivery=delivery).delete()
        return
    PartialResponse.objects.update_or_create(
        delivery=delivery,
        defaults={"answers": fitting, "kept_at": at},
        create_defaults={"answers": fitting, "began_at": at, "kept_at": at},
    )


def _fitting(questions: list[Question], answers: Mapping[int, AnswerValue]) -> dict[str, int | str | list[int]]:
    return {
        str(question.pk): sorted(value) if isinstance(value := answers[question.pk], frozenset) else value
        for question in questions
        if question.pk in answers and responses.fits(question, answers[question.pk])
    }
