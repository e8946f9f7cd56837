"""How often each choice was chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from surveys.domain import reports
from surveys.domain.reports import Scope
from surveys.models import CHOOSING, Answer, AnswerChoice, Question, QuestionChoice


@dataclass(frozen=True, slots=True)
class ChoiceResult:
    """`answers` chose at least one; `chosen` is how many chose each, in the order of the survey. Where several may be
    chosen they add up to more."""

    question: Question
    answers: int
    chosen: Sequence[tuple[QuestionChoice, int]]


def of(scope: Scope) -> list[ChoiceResult]:
    """Each question with choices, in order. Two reads whatever the number of answers."""
    questions = scope.survey.questions.filter(kind__in=CHOOSING).order_by("position").prefetch_related("choices")
    answers = reports.answers(scope).filter(question__in=[question.pk for question in questions])
    answered = _counts(answers, "question")
    chosen = _counts(_chosen(scope), "choice")
    return [
        ChoiceResult(
            question,
            answered.get(question.pk, 0),
            [
                (choice, chosen.get(choice.pk, 0))
                for choice in sorted(question.choices.all(), key=lambda choice: choice.position)
            ],
        )
        for question in questions
    ]


def _chosen(scope: Scope) -> QuerySet[AnswerChoice]:
    if scope == Scope(scope.survey):
        return AnswerChoice.objects.filter(choice__question__survey=scope.survey)
    return AnswerChoice.objects.filter(answer__response__in=reports.responses(scope).values("pk"))


def _counts(rows: QuerySet[Answer] | QuerySet[AnswerChoice], by: str) -> Mapping[int, int]:
    return dict(rows.values_list(by).annotate(Count("pk")).order_by())
