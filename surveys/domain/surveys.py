"""Questionnaires."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.texts import LocalizedText, localized
from surveys.domain import campaigns
from surveys.models import CHOOSING, Campaign, Question, QuestionChoice, Survey


class SurveyIncomplete(DomainError):
    code = "survey_incomplete"


class SurveyHasNoTitle(SurveyIncomplete):
    message = _("The survey has no title yet.")


class SurveyHasNoQuestion(SurveyIncomplete):
    message = _("The survey has no question yet.")


class QuestionHasNoText(SurveyIncomplete):
    message = _("Question %(number)s has no text yet.")


class QuestionHasFewChoices(SurveyIncomplete):
    message = _("Question %(number)s needs two choices or more.")


class ChoiceHasNoText(SurveyIncomplete):
    message = _("A choice of question %(number)s has no text yet.")


class SurveyAlreadyPublished(DomainError):
    code = "survey_already_published"
    message = _("This survey is published; its questions no longer change.")


@transaction.atomic
def publish(*, survey: Survey, by: Actor, at: datetime) -> Survey:
    """From here on the questions stay as they are, numbered from 1. Raises SurveyIncomplete, SurveyAlreadyPublished."""
    survey = Survey.objects.select_for_update().get(pk=survey.pk)
    if survey.published_at is not None:
        raise SurveyAlreadyPublished
    questions = list(survey.questions.prefetch_related("choices").order_by("position"))
    _refuse_incomplete(survey, questions)
    for position, question in enumerate(questions, start=1):
        question.position = position
    Question.objects.bulk_update(questions, ["position"])
    survey.published_at = at
    survey.save(update_fields=["published_at"])
    audit.record(actor=by, action="survey.publish", subject=f"survey:{survey.pk}", at=at)
    return survey


@transaction.atomic
def set_choices(*, question: Question, texts: Sequence[LocalizedText]) -> None:
    """What can be chosen from now on, in this order; a choice that stays at its place stays the same row.

    Raises SurveyAlreadyPublished.
    """
    if Survey.objects.select_for_update().get(pk=question.survey_id).published_at is not None:
        raise SurveyAlreadyPublished
    for position, text in enumerate(texts, start=1):
        QuestionChoice.objects.update_or_create(question=question, position=position, defaults={"text": dict(text)})
    question.choices.filter(position__gt=len(texts)).delete()


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
        if question.kind in CHOOSING:
            _refuse_bad_choices(number, [localized(choice.text) for choice in question.choices.all()])


def _refuse_bad_choices(number: int, texts: Sequence[str]) -> None:
    if len(texts) < 2:
        raise QuestionHasFewChoices(number=number)
    if not all(texts):
        raise ChoiceHasNoText(number=number)
