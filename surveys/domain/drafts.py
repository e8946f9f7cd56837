"""Drafts that do not begin empty: an example that is worth sending as it is, or a copy of another survey."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from customers.domain import audit
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.texts import localized
from surveys.domain import skips, surveys
from surveys.models import Question, QuestionChoice, SkipRule, Survey

# By key, in the order in which they are offered. `skips` are (first, last, number of the question or null).
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    row["key"]: row for row in json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))
}

_NUMBER = re.compile(r" \([0-9]+\)$")
_SAID = ("title", "introduction", "thanks", "reward_points", "is_anonymous", "follow_up_hours")
_ASKED = ("position", "kind", "text", "is_required", "follow_up_at_most")


@transaction.atomic
def begin(*, example: str, by: Actor, at: datetime) -> Survey:
    """A draft with all that one of EXAMPLES says, named in the active language. Raises KeyError."""
    told = EXAMPLES[example]
    survey = Survey.objects.create(
        name=_free_name(localized(told["name"])), **{name: told[name] for name in _SAID if name in told}
    )
    numbered = {
        number: Question.objects.create(
            survey=survey, position=number, **{name: row[name] for name in _ASKED if name in row}
        )
        for number, row in enumerate(told["questions"], start=1)
    }
    for question, row in zip(numbered.values(), told["questions"], strict=True):
        surveys.set_choices(question=question, texts=row.get("choices", ()))
        rules = [surveys.Skip(first, last, numbered.get(goes_to)) for first, last, goes_to in row.get("skips", ())]
        surveys.set_skips(question=question, rules=rules)
    audit.record(actor=by, action="survey.begin", subject=f"survey:{survey.pk}", data={"example": example}, at=at)
    return survey


@transaction.atomic
def copy(*, survey: Survey, by: Actor, at: datetime) -> Survey:
    """A draft that asks the same: the next version of a published one. Answers stay with the one they were given to."""
    draft = Survey.objects.create(name=_free_name(survey.name), **{name: getattr(survey, name) for name in _SAID})
    asked = skips.questions(survey)
    questions = {
        question.pk: Question.objects.create(survey=draft, **{name: getattr(question, name) for name in _ASKED})
        for question in asked
    }
    choices = {
        choice.pk: QuestionChoice.objects.create(
            question=questions[question.pk], position=choice.position, text=choice.text
        )
        for question in asked
        for choice in question.choices.all()
    }
    for question in asked:
        for rule in skips.rules(question):
            SkipRule.objects.create(
                question=questions[question.pk],
                at_least=rule.at_least,
                at_most=rule.at_most,
                choice=None if rule.choice_id is None else choices[rule.choice_id],
                goes_to=None if rule.goes_to_id is None else questions[rule.goes_to_id],
            )
    audit.record(actor=by, action="survey.copy", subject=f"survey:{draft.pk}", data={"from": survey.pk}, at=at)
    return draft


def _free_name(name: str) -> str:
    """Autumn, Autumn (2), Autumn (3): which is which can be seen wherever a survey is chosen."""
    plain = _NUMBER.sub("", name)[:190]
    taken = set(Survey.objects.filter(name__startswith=plain).values_list("name", flat=True))
    names = (plain, *(f"{plain} ({number})" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
