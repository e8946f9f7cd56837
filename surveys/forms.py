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
    if question.kind == QuestionKind.NPS:
        return forms.TypedChoiceField(
            label=label,
            required=question.is_required,
            choices=[(score, str(score)) for score in scoring.SCORES],
            coerce=int,
            empty_value=None,
            widget=forms.RadioSelect,
            error_messages={**required, "invalid_choice": _("Please choose a number from 0 to 10.")},
        )
    return TextField(
        label=label,
        required=question.is_required,
        max_length=responses.TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages=required,
    )


def _layout(name: str, question: Question) -> Field | Div:
    if question.kind == QuestionKind.NPS:
        return Field(name, template="components/nps_scale.html")
    return Div(name, css_class="question")
