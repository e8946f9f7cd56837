"""The questionnaire as a form."""

import json
from collections.abc import Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Field, Layout
from django import forms
from django.utils.translation import gettext as _

from loyalty_site.lib.texts import joined, localized
from surveys.domain import responses, scales, scoring, skips
from surveys.models import CHOOSING, Question, QuestionKind, Survey


class ResponseForm(forms.Form):
    """One field a question. `kept` is what was answered before; `score` is chosen in a scale that comes first, in place
    of what was kept. Both count only when sent."""

    def __init__(
        self,
        survey: Survey,
        *,
        data: Mapping[str, Any] | None = None,
        kept: Mapping[int, responses.AnswerValue] | None = None,
        score: int | None = None,
    ) -> None:
        super().__init__(data)
        self.questions = {f"q{question.pk}": question for question in skips.questions(survey)}
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout()
        for name, question in self.questions.items():
            self.fields[name] = field = _field(question)
            field.skips = joined(skips.sentences(question))  # type: ignore[attr-defined]
            self.helper.layout.append(_layout(name, question))
            if kept and question.pk in kept:
                self.initial[name] = _shown(question, kept[question.pk])
        name, first = next(iter(self.questions.items()), ("", None))
        if first and (scale := scoring.SCALES.get(first.kind)) and score in scale.scores:
            self.initial[name] = score

    def path(self) -> str:
        """Each question with its rules, for the script that shows only what is asked; empty without rules."""
        steps = skips.steps(list(self.questions.values()))
        told = [
            [f"q{step.pk}", [[sorted(rule.answers), rule.goes_to and f"q{rule.goes_to}"] for rule in step.rules]]
            for step in steps
        ]
        return json.dumps(told) if any(step.rules for step in steps) else ""

    def clean(self) -> dict[str, Any]:
        """Forgets what was said, and not said, to questions that the other answers skip."""
        asked = skips.asked(list(self.questions.values()), self.answers())
        for name, question in self.questions.items():
            if question.pk not in asked:
                self.errors.pop(name, None)
                self.cleaned_data.pop(name, None)
        return self.cleaned_data

    def answers(self) -> dict[int, responses.AnswerValue]:
        """What was answered, by the ids of the questions; a skipped one is left out."""
        given = {
            question.pk: _value(question, self.cleaned_data.get(name)) for name, question in self.questions.items()
        }
        return {pk: value for pk, value in given.items() if value not in (None, "", frozenset())}


class ScaleField(forms.TypedChoiceField):
    """The scores of a kind of question, with what the `low` and the `high` end mean."""

    def __init__(self, kind: str, *, error_messages: dict[str, str], **options: Any) -> None:
        scores = scoring.SCALES[kind].scores
        self.low, self.high = scales.ends(kind)
        unknown = _("Please choose a number from %(low)s to %(high)s.") % {"low": scores[0], "high": scores[-1]}
        super().__init__(
            choices=[(score, str(score)) for score in scores],
            coerce=int,
            empty_value=None,
            widget=forms.RadioSelect,
            error_messages={**error_messages, "invalid_choice": unknown},
            **options,
        )


class TextField(forms.CharField):
    """Counts a line break as one character, as the browser does, which sends two."""

    def to_python(self, value: str | None) -> str | None:
        text = super().to_python(value)
        return text and text.replace("\r\n", "\n")


def chosen_score(text: str) -> int | None:
    """The score that a link in the mail carries; anything else is nothing."""
    return next((score for score in scoring.SCORES if text == str(score)), None)


def _value(question: Question, cleaned: Any) -> responses.AnswerValue | None:
    """The choices as the ids of those that were chosen, be it one or many."""
    if question.kind == QuestionKind.SINGLE:
        return frozenset() if cleaned is None else frozenset([cleaned])
    value: responses.AnswerValue | None = (
        frozenset(cleaned or ()) if question.kind == QuestionKind.MULTIPLE else cleaned
    )
    return value


def _shown(question: Question, value: responses.AnswerValue) -> Any:
    """The way back: what the field shows for an answer."""
    if not isinstance(value, frozenset):
        return value
    return next(iter(value)) if question.kind == QuestionKind.SINGLE else sorted(value)


def _field(question: Question) -> forms.Field:
    label, required = localized(question.text), {"required": _("Please answer this question.")}
    if question.kind in scoring.SCALES:
        return ScaleField(question.kind, label=label, required=question.is_required, error_messages=required)
    if question.kind in CHOOSING:
        return _choice_field(question, label=label, required=question.is_required, error_messages=required)
    return TextField(
        label=label,
        required=question.is_required,
        max_length=responses.TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages=required,
    )


def _choice_field(question: Question, *, error_messages: dict[str, str], **options: Any) -> forms.Field:
    """Radio buttons for one, boxes to tick for any; both give the ids of choices."""
    choices = [
        (choice.pk, localized(choice.text))
        for choice in sorted(question.choices.all(), key=lambda choice: choice.position)
    ]
    messages = {**error_messages, "invalid_choice": _("Please choose from the list.")}
    if question.kind == QuestionKind.SINGLE:
        return forms.TypedChoiceField(
            choices=choices,
            coerce=int,
            empty_value=None,
            widget=forms.RadioSelect,
            error_messages=messages,
            **options,
        )
    return forms.TypedMultipleChoiceField(
        choices=choices,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose as many as you like."),
        error_messages=messages,
        **options,
    )


def _layout(name: str, question: Question) -> Field | Div:
    if question.kind in scoring.SCALES:
        return Field(name, template="components/nps_scale.html")
    if question.kind in CHOOSING:
        return Field(name, template="components/choices.html")
    return Div(name, css_class="question")
