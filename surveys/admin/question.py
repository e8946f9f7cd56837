"""The rows of questions on a survey's page."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty_site.lib.admin import RowForm, RowsInline
from loyalty_site.lib.admin.forms import dress
from loyalty_site.lib.texts import LocalizedText, LocalizedTextFormField, joined
from surveys.admin import skip_rules
from surveys.domain import scoring, skips
from surveys.models import CHOOSING, Question, QuestionKind

# What a row asks besides, by the kind of its question; a script hides the others while they are empty.
_HAS = {
    str(kind): [
        *(["choice_lines"] if kind in CHOOSING else []),
        *(["skip_lines"] if kind != QuestionKind.TEXT else []),
        *(["follow_up_at_most"] if kind in scoring.SCALES else []),
    ]
    for kind in QuestionKind
}


class ChoicesField(LocalizedTextFormField):
    """One choice a line, the same in each language."""

    def has_changed(self, initial: LocalizedText | None, data: list[str] | None) -> bool:
        """Counts a line break as one character, as it is stored; browsers send two."""
        return super().has_changed(initial, [text and text.replace("\r\n", "\n") for text in data or []])


class QuestionForm(RowForm):
    """New questions come last; the order is put right when all rows are known."""

    choice_lines = ChoicesField(
        required=False,
        widget=forms.Textarea,
        label=gettext_lazy("choices"),
        help_text=gettext_lazy("One a line, in the same order in each language. For the kinds with choices."),
    )
    position = forms.IntegerField(required=False, min_value=0, max_value=999, widget=forms.HiddenInput)

    skip_lines = skip_rules.SkipLinesField(
        required=False,
        label=gettext_lazy("skip rules"),
        help_text=gettext_lazy(
            "One a line: “0-6 > 3” leads whoever answers 0 to 6 to question 3, “2 > end” ends the survey. "
            "A choice is told by the number of its line."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("text", "choice_lines"):
            if isinstance(localized := self.fields.get(name), LocalizedTextFormField):
                dress(localized)
        for field in self.fields.values():  # the heads of the columns name nothing for who cannot see them
            if not isinstance(field, LocalizedTextFormField):
                field.widget.attrs["aria-label"] = field.label
        if kind := self.fields.get("kind"):
            kind.widget.attrs["data-has"] = json.dumps(_HAS)
        if self.instance.pk:
            self.initial["skip_lines"] = skip_rules.written(self.instance)
            choices = sorted(self.instance.choices.all(), key=lambda choice: choice.position)
            written = {code for choice in choices for code in choice.text}
            self.initial["choice_lines"] = {
                code: "\n".join(choice.text.get(code, "") for choice in choices) for code in written
            }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        kind, limit = cleaned.get("kind"), cleaned.get("follow_up_at_most")
        if kind is not None and limit is not None:
            self._refuse_limit(kind, limit)
        if kind is not None:
            self._refuse_choices(kind, cleaned.get("choice_lines") or {})
            if kind == QuestionKind.TEXT and cleaned.get("skip_lines"):
                self.add_error("skip_lines", _("Words lead nowhere else."))
        return cleaned

    def choices(self) -> list[LocalizedText]:
        """What can be chosen, from the first line on."""
        lines = _lines(self.cleaned_data["choice_lines"])
        return [dict(zip(lines, texts, strict=True)) for texts in zip(*lines.values(), strict=True)]

    def _refuse_choices(self, kind: str, told: LocalizedText) -> None:
        lines = _lines(told)
        if lines and kind not in CHOOSING:
            self.add_error("choice_lines", _("This kind of question has no choices."))
        elif len({len(texts) for texts in lines.values()}) > 1:
            self.add_error("choice_lines", _("Each language needs the same number of lines."))
        elif any(len(set(texts)) < len(texts) for texts in lines.values()):
            self.add_error("choice_lines", _("A choice stands here twice."))

    def _refuse_limit(self, kind: str, limit: int) -> None:
        if kind in CHOOSING:
            self.add_error("follow_up_at_most", _("Choices have no score that could be low."))
        elif kind not in scoring.SCALES:
            self.add_error("follow_up_at_most", _("Words have no score that could be low."))
        elif limit not in scoring.SCALES[kind].scores:
            self.add_error("follow_up_at_most", _("This kind of question has no such score."))

    def validate_constraints(self) -> None:
        """Two rows may swap places: the database looks at the end of the transaction."""


def _lines(told: LocalizedText) -> dict[str, list[str]]:
    """By language; empty lines are passed over."""
    split = {code: [line.strip() for line in text.splitlines() if line.strip()] for code, text in told.items()}
    return {code: lines for code, lines in split.items() if lines}


def _place(position: int | None) -> int:
    return 1000 if position is None else position


class QuestionFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    def in_order(self) -> list[Any]:
        """The rows that stay, as they stand on the page; new ones come last."""
        rows = [
            row for row in self.forms if row not in self.deleted_forms and row.has_changed() | bool(row.instance.pk)
        ]
        return sorted(rows, key=lambda row: _place(row.cleaned_data.get("position")))

    def clean(self) -> None:
        """Answers lead to later questions that are there."""
        super().clean()
        if any(self.errors):
            return
        rows = self.in_order()
        for own, row in enumerate(rows, start=1):
            if "skip_lines" not in row.changed_data:
                continue
            targets = [number for _first, _last, number in skip_rules.read(row.cleaned_data["skip_lines"]) if number]
            if wrong := next((number for number in targets if not own < number <= len(rows)), None):
                row.add_error("skip_lines", _("There is no later question %s.") % wrong)


class Questions(RowsInline):
    model = Question
    formset = QuestionFormSet
    form = QuestionForm
    # The theme draws its handle in the first field, so that must be one that is seen.
    fields = ("kind", "text", "choice_lines", "skip_lines", "is_required", "follow_up_at_most", "position")
    ordering = ("position",)
    ordering_field = "position"
    hide_ordering_field = True
    hide_title = False
    can_delete = True

    class Media:
        js = ("js/order-rows.js", "js/fields-of-kinds.js", "js/mail-preview.js")

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Where questions are only read, the text heads each row already, in the reader's language."""
        may_edit = self.has_change_permission(request, obj)
        return [name for name in self.fields if may_edit or name != "text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Question]:
        return super().get_queryset(request).prefetch_related("choices", "skip_rules__choice", "skip_rules__goes_to")

    @admin.display(description=gettext_lazy("choices"))
    def choice_lines(self, question: Question) -> str:
        """Where they are only read."""
        return " · ".join(str(choice) for choice in sorted(question.choices.all(), key=lambda choice: choice.position))

    @admin.display(description=gettext_lazy("skip rules"))
    def skip_lines(self, question: Question) -> str:
        return joined(skips.sentences(question))

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return is_draft(obj) and request.user.has_perm("surveys.add_question")

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return is_draft(obj) and request.user.has_perm("surveys.change_question")

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return is_draft(obj) and request.user.has_perm("surveys.delete_question")


def is_draft(survey: Any) -> bool:
    return survey is None or survey.published_at is None
