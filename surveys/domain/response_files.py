"""All answers of a report as lines of a file, for other programs."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from surveys.domain import reports, statements
from surveys.domain.reports import Scope

HEADINGS = ("response", "submitted_at", "campaign", "store", "customer", "language")


def headings(scope: Scope) -> list[str]:
    """Behind the fixed ones one a question: `q1` is the survey's first."""
    return [*HEADINGS, *(f"q{number}" for number, _pk in enumerate(_questions(scope), start=1))]


def lines(scope: Scope) -> Iterator[Sequence[Any]]:
    """One a response, in the order of their ids; times are UTC. Read from the database while it is consumed."""
    questions = [str(pk) for pk in _questions(scope)]
    chosen = reports.responses(scope).values_list(
        "pk", "submitted_at", "customer__home_store", "customer", "language", "delivery__campaign"
    )
    for pk, submitted_at, *about, answers in statements.stream("responses_export", chosen):
        given = json.loads(answers or "{}")
        yield [pk, submitted_at.isoformat(), *about, *(given.get(question) for question in questions)]


def _questions(scope: Scope) -> list[int]:
    return list(scope.survey.questions.order_by("position").values_list("pk", flat=True))
