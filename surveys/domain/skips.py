"""Which questions of a survey are asked of whom: its rows, as `paths` reads them."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from django.utils.translation import gettext as _

from loyalty_site.lib.texts import localized
from surveys.domain import paths, scoring
from surveys.models import CHOOSING, Question, SkipRule, Survey


def questions(survey: Survey) -> list[Question]:
    """In order, with their choices and the rules that skip."""
    found = survey.questions.prefetch_related("choices", "skip_rules__choice", "skip_rules__goes_to")
    return list(found.order_by("position"))


def steps(asked: Sequence[Question]) -> list[paths.Step]:
    """Of questions as `questions` reads them."""
    return [
        paths.Step(question.pk, _answers(question), question.is_required, tuple(map(_rule, rules(question))))
        for question in asked
    ]


def rules(question: Question) -> list[SkipRule]:
    """In the order in which they are looked at."""
    return sorted(question.skip_rules.all(), key=lambda rule: rule.pk)


def asked(survey_questions: Sequence[Question], answers: Mapping[int, object]) -> set[int]:
    """The ids of the questions that whoever gave `answers` (by the ids of questions) is asked."""
    given = {pk: _given(value) for pk, value in answers.items()}
    return set(paths.asked(steps(survey_questions), given))


def sentences(question: Question) -> list[str]:
    """Where answers lead, for whoever sees all questions at once; neighbors that lead to the same are one sentence."""
    together = groupby(rules(question), key=lambda rule: rule.goes_to)
    return [_sentence(list(alike), goes_to) for goes_to, alike in together]


def _answers(question: Question) -> frozenset[int]:
    if scale := scoring.SCALES.get(question.kind):
        return frozenset(scale.scores)
    return frozenset(choice.pk for choice in question.choices.all()) if question.kind in CHOOSING else frozenset()


def _rule(rule: SkipRule) -> paths.Rule:
    if rule.choice_id is not None:
        return paths.Rule(frozenset([rule.choice_id]), rule.goes_to_id)
    return paths.Rule(frozenset(range(rule.at_least or 0, (rule.at_most or 0) + 1)), rule.goes_to_id)


def _given(value: object) -> frozenset[int]:
    if isinstance(value, frozenset):
        return value
    return frozenset([value]) if isinstance(value, int) else frozenset()


def _sentence(alike: Sequence[SkipRule], goes_to: Question | None) -> str:
    told = {"answer": " · ".join(map(_answer, alike))}
    if goes_to is None:
        return _("%(answer)s: nothing more is asked.") % told
    return _("%(answer)s: go on with “%(question)s”") % {**told, "question": localized(goes_to.text)}


def _answer(rule: SkipRule) -> str:
    if rule.choice is not None:
        return localized(rule.choice.text)
    return f"{rule.at_least}" if rule.at_least == rule.at_most else f"{rule.at_least}–{rule.at_most}"
