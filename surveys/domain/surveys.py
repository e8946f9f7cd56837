"""Questionnaires."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.texts import LocalizedText, localized
from surveys.domain import campaigns, paths, skips
from surveys.models import CHOOSING, Campaign, Question, QuestionChoice, SkipRule, Survey


@dataclass(frozen=True, slots=True)
class Skip:
    """Scores, or the positions of choices, from `first` to `last` lead to the question `goes_to`; None: to the end."""

    first: int
    last: int
    goes_to: Question | None


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


class QuestionLeadsAstray(SurveyIncomplete):
    """`fault` is one of paths.Fault."""

    code = "survey_leads_astray"

    def __init__(self, *, number: int, fault: paths.Fault) -> None:
        super().__init__(number=number, fault=fault)
        self.message = FAULTS[fault]


FAULTS = {
    paths.Fault.LEADS_NOWHERE: _("Question %(number)s leads to a question that is not in this survey."),
    paths.Fault.LEADS_BACK: _("Question %(number)s leads back; answers can only lead to a later question."),
    paths.Fault.NEVER_FITS: _("Question %(number)s has a skip rule that no answer ever comes to."),
    paths.Fault.UNREACHABLE: _("Question %(number)s is never asked: all answers skip it."),
}


class SurveyAlreadyPublished(DomainError):
    code = "survey_already_published"
    message = _("This survey is published; its questions no longer change.")


@transaction.atomic
def publish(*, survey: Survey, by: Actor, at: datetime) -> Survey:
    """From here on the questions stay as they are, numbered from 1. Raises SurveyIncomplete, SurveyAlreadyPublished."""
    survey = Survey.objects.select_for_update().get(pk=survey.pk)
    if survey.published_at is not None:
        raise SurveyAlreadyPublished
    questions = skips.questions(survey)
    _refuse_incomplete(survey, questions)
    for position, question in enumerate(questions, start=1):
        question.position = position
    Question.objects.bulk_update(questions, ["position"])
    survey.published_at = at
    survey.save(update_fields=["published_at"])
    audit.record(actor=by, action="survey.publish", subject=f"survey:{survey.pk}", at=at)
    return survey


def keep_draft(*, survey: Survey) -> None:
    """Nobody publishes the survey until the caller's transaction ends. Raises SurveyAlreadyPublished."""
    if not Survey.objects.select_for_update(no_key=True).filter(pk=survey.pk, published_at__isnull=True):
        raise SurveyAlreadyPublished


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
def set_skips(*, question: Question, rules: Sequence[Skip]) -> None:
    """Where answers lead from now on; publishing looks whether that can be walked. A choice that is not there is
    passed over.

    Raises SurveyAlreadyPublished.
    """
    if Survey.objects.select_for_update().get(pk=question.survey_id).published_at is not None:
        raise SurveyAlreadyPublished
    SkipRule.objects.filter(question=question).delete()
    choices = {choice.position: choice for choice in QuestionChoice.objects.filter(question=question)}
    for rule in rules:
        if question.kind not in CHOOSING:
            SkipRule.objects.create(question=question, at_least=rule.first, at_most=rule.last, goes_to=rule.goes_to)
            continue
        for position in range(rule.first, rule.last + 1):
            if choice := choices.get(position):
                SkipRule.objects.create(question=question, choice=choice, goes_to=rule.goes_to)


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
    numbers = {question.pk: number for number, question in enumerate(questions, start=1)}
    for problem in paths.problems(skips.steps(questions)):
        raise QuestionLeadsAstray(number=numbers[problem.pk], fault=problem.fault)


def _refuse_bad_choices(number: int, texts: Sequence[str]) -> None:
    if len(texts) < 2:
        raise QuestionHasFewChoices(number=number)
    if not all(texts):
        raise ChoiceHasNoText(number=number)
