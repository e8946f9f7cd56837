"""All answers of a report as lines of a file, for other programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loyalty_site.lib.texts import localized
from surveys.domain import reports, statements
from surveys.domain.reports import Scope
from surveys.models import QuestionChoice

HEADINGS = ("response", "submitted_at", "campaign", "store", "customer", "language", "source")


def headings(scope: Scope) -> list[str]:
    """Behind the fixed ones one a question: `q1` is the survey's first."""
    return [*HEADINGS, *(f"q{number}" for number, _pk in enumerate(_questions(scope), start=1))]


def lines(scope: Scope) -> Iterator[Sequence[Any]]:
    """One a response, in the order of their ids; times are UTC. Choices are words, one below the other.

    Read from the database while it is consumed.
    """
    choices = _choices(scope)
    questions = [str(pk) for pk in _questions(scope)]
    chosen = reports.responses(scope).values_list(
        "pk", "submitted_at", "store", "customer", "language", "delivery__campaign", "open_link"
    )
    for pk, submitted_at, *about, answers in statements.stream("responses_export", chosen):
        given = json.loads(answers or "{}")
        yield [pk, submitted_at.isoformat(), *about, *(_cell(given.get(question), choices) for question in questions)]


def _choices(scope: Scope) -> dict[int, str]:
    """The words of all choices of the survey by their ids, in the order in which they are offered."""
    offered = QuestionChoice.objects.filter(question__survey=scope.survey).order_by("position")
    return {choice.pk: localized(choice.text) for choice in offered}


def _cell(answer: str | list[int] | None, choices: Mapping[int, str]) -> str | None:
    if isinstance(answer, list):
        return "\n".join(text for pk, text in choices.items() if pk in answer)
    return answer


def _questions(scope: Scope) -> list[int]:
    return list(scope.survey.questions.order_by("position").values_list("pk", flat=True))
