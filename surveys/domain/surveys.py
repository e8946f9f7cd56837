"""Questionnaires."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.texts import localized
from surveys.domain import campaigns
from surveys.models import Campaign, Question, Survey


class SurveyIncomplete(DomainError):
    code = "survey_incomplete"


class SurveyHasNoTitle(SurveyIncomplete):
    message = _("The survey has no title yet.")


class SurveyHasNoQuestion(SurveyIncomplete):
    message = _("The survey has no question yet.")


class QuestionHasNoText(SurveyIncomplete):
    message = _("Question %(number)s has no text yet.")


class SurveyAlreadyPublished(DomainError):
    code = "survey_already_published"
    message = _("This survey is published; its questions no longer change.")


@transaction.atomic
def publish(*, survey: Survey, by: Actor, at: datetime) -> Survey:
    """From here on the questions stay as they are, numbered from 1. Raises SurveyIncomplete, SurveyAlreadyPublished."""
    survey = Survey.objects.select_for_update().get(pk=survey.pk)
    if survey.published_at is not None:
        raise SurveyAlreadyPublished
    questions = list(survey.questions.order_by("position"))
    _refuse_incomplete(survey, questions)
    for position, question in enumerate(questions, start=1):
        question.position = position
    Question.objects.bulk_update(questions, ["position"])
    survey.published_at = at
    survey.save(update_fields=["published_at"])
    audit.record(actor=by, action="survey.publish", subject=f"survey:{survey.pk}", at=at)
    return survey


@transaction.atomic
def close(*, survey: Survey, by: Actor, at: datetime) -> Survey:
    """No more answers are taken, and campaigns that still send stop. Raises campaigns.SurveyNotOpen."""
    survey = Survey.objects.select_for_update().get(pk=survey.pk)
    if survey.published_at is None or survey.closed_at is not None:
        raise campaigns.SurveyNotOpen
    survey.closed_at = at
    survey.save(update_fields=["closed_at"])
    audit.record(actor=by, action="survey.close", subject=f"survey:{survey.pk}", at=at)
    for campaign in Campaign.objects.filter(survey=survey, state__in=campaigns.CANCELLABLE).order_by("pk"):
        campaigns.cancel(campaign=campaign, by=by, at=at)
    return survey


def _refuse_incomplete(survey: Survey, questions: list[Question]) -> None:
    if not localized(survey.title):
        raise SurveyHasNoTitle
    if not questions:
        raise SurveyHasNoQuestion
    for number, question in enumerate(questions, start=1):
        if not localized(question.text):
            raise QuestionHasNoText(number=number)
