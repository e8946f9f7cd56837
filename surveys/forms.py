"""The questionnaire as a form."""

from collections.abc import Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Field, Layout
from django import forms
from django.utils.translation import gettext as _

from loyalty_site.lib.texts import localized
from surveys.domain import responses, scoring
from surveys.models import Question, QuestionKind, Survey


class ResponseForm(forms.Form):
    """One field a question. `score` is chosen beforehand in the first scale and counts only when it is sent."""

    def __init__(self, survey: Survey, *, data: Mapping[str, Any] | None = None, score: int | None = None) -> None:
        super().__init__(data)
        self.questions = {f"q{question.pk}": question for question in survey.questions.order_by("position")}
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout()
        for name, question in self.questions.items():
            self.fields[name] = _field(question)
            self.helper.layout.append(_layout(name, question))
        scales = (name for name, question in self.questions.items() if question.kind == QuestionKind.NPS)
        if first_scale := next(scales, None):
            self.initial[first_scale] = score

    def answers(self) -> dict[int, responses.AnswerValue]:
        """What was answered, by the ids of the questions; a skipped one is left out."""
        given = {question.pk: self.cleaned_data[name] for name, question in self.questions.items()}
        return {pk: value for pk, value in given.items() if value not in (None, "")}


class ScaleField(forms.TypedChoiceField):
    """The scores of a kind of question, with what the `low` and the `high` end mean."""

    def __init__(self, kind: str, *, error_messages: dict[str, str], **options: Any) -> None:
        scores = scoring.SCALES[kind].scores
        self.low, self.high = _ends(kind)
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


def _field(question: Question) -> forms.Field:
    label, required = localized(question.text), {"required": _("Please answer this question.")}
    if question.kind in scoring.SCALES:
        return ScaleField(question.kind, label=label, required=question.is_required, error_messages=required)
    return TextField(
        label=label,
        required=question.is_required,
        max_length=responses.TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages=required,
    )


def _ends(kind: str) -> tuple[str, str]:
    """What the least and the most score mean; empty where the component's own words fit."""
    if kind == QuestionKind.CSAT:
        return _("Very dissatisfied"), _("Very satisfied")
    return (_("Very difficult"), _("Very easy")) if kind == QuestionKind.CES else ("", "")


def _layout(name: str, question: Question) -> Field | Div:
    if question.kind in scoring.SCALES:
        return Field(name, template="components/nps_scale.html")
    return Div(name, css_class="question")
