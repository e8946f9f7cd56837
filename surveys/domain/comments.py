"""What customers wrote, to be read, searched and looked over by its words."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from surveys.domain import reports, scoring, themes
from surveys.domain.reports import Scope
from surveys.domain.themes import Theme
from surveys.models import Answer, Question, QuestionKind

# Of each mood as many of the newest are looked over: enough for its words, and done while somebody waits.
LOOKED_OVER = 3000


def comments(scope: Scope, *, search: str = "") -> QuerySet[Any]:
    """Answers, the newest first, each with the `score` of its response on the survey's first scale (None without one).

    All words of `search` are in them, in any order, as parts of words too; so Chinese, which has no spaces, is found.
    """
    said = reports.answers(scope).filter(question__kind=QuestionKind.TEXT)
    for word in search.split():
        said = said.filter(text__icontains=word)
    scale = _first_scale(scope)
    given = Answer.objects.filter(response=OuterRef("response"), question=scale.pk if scale else None)
    return said.annotate(score=Subquery(given.values("number")[:1])).order_by("-response__submitted_at", "-pk")


def looked_over(scope: Scope) -> list[Theme]:
    """Words that stand out in comments beside low scores, or beside high ones. Empty without a scale."""
    scale = _first_scale(scope)
    if scale is None:
        return []
    said, kind = comments(scope), scoring.SCALES[scale.kind]
    low, high = (
        list(said.filter(score__in=list(scores)).values_list("pk", "text")[:LOOKED_OVER])
        for scores in (kind.low, kind.high)
    )
    return themes.themes(low, high)


def _first_scale(scope: Scope) -> Question | None:
    return scope.survey.questions.filter(kind__in=scoring.SCALES).order_by("position").first()
