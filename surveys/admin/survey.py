"""Questionnaires: written here, published, and read with their results."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty_site.lib.admin import ModelAdmin, RowForm, RowsInline, States, act, act_page, acting, badge, state_filter
from loyalty_site.lib.texts import LocalizedText, LocalizedTextFormField
from surveys.admin import results
from surveys.domain import scoring, surveys
from surveys.models import CHOOSING, Question, Survey


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
    position = forms.IntegerField(required=False, min_value=1, max_value=999, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
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


class Questions(RowsInline):
    model = Question
    form = QuestionForm
    fields = ("position", "kind", "text", "choice_lines", "is_required", "follow_up_at_most")
    ordering = ("position",)
    ordering_field = "position"
    hide_ordering_field = True
    hide_title = False
    can_delete = True

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Where questions are only read, the text heads each row already, in the reader's language."""
        may_edit = self.has_change_permission(request, obj)
        return [name for name in self.fields if may_edit or name != "text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Question]:
        return super().get_queryset(request).prefetch_related("choices")

    @admin.display(description=gettext_lazy("choices"))
    def choice_lines(self, question: Question) -> str:
        """Where they are only read."""
        return " · ".join(str(choice) for choice in sorted(question.choices.all(), key=lambda choice: choice.position))

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return _is_draft(obj) and request.user.has_perm("surveys.add_question")

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return _is_draft(obj) and request.user.has_perm("surveys.change_question")

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return _is_draft(obj) and request.user.has_perm("surveys.delete_question")


def _is_draft(survey: Any) -> bool:
    return survey is None or survey.published_at is None


def states(_now: datetime) -> States:
    return {
        "draft": (_("draft"), Q(published_at__isnull=True)),
        "published": (_("published"), Q(published_at__isnull=False, closed_at__isnull=True)),
        "closed": (_("closed"), Q(closed_at__isnull=False)),
    }


@admin.register(Survey)
class SurveyAdmin(ModelAdmin):
    list_display = ("name", "state", "reward_points", "published_at", "closed_at")
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states),)
    search_fields = ("name",)
    ordering = ("-pk",)
    inlines = (Questions,)
    actions_detail = ("results", "publish", "close")
    fieldsets = (
        (None, {"fields": ("name", "reward_points", "follow_up_hours")}),
        (gettext_lazy("What the customer reads"), {"fields": ("title", "introduction", "thanks")}),
    )

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return () if _is_draft(obj) else ("reward_points",)

    def is_disposable(self, row: Survey) -> bool:
        return row.published_at is None and not row.campaigns.exists()

    def offers(self, act: str, row: Survey) -> bool:
        if act == "publish":
            return row.published_at is None
        return row.published_at is not None and (act == "results" or row.closed_at is None)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Numbers the questions from 1 in the order in which they stand, and writes what can be chosen."""
        rows = [
            row
            for row in formset.forms
            if row not in formset.deleted_forms and row.has_changed() | bool(row.instance.pk)
        ]
        for number, row in enumerate(sorted(rows, key=lambda row: row.cleaned_data.get("position") or 1000), start=1):
            if row.instance.position != number:
                row.instance.position = number
                row.changed_data.append("position")
        super().save_formset(request, form, formset, change)
        for row in rows:
            if row.has_changed() and {"choice_lines", "kind"} & set(row.changed_data):
                surveys.set_choices(question=row.instance, texts=row.choices())

    @act(title=gettext_lazy("Results"), permission="surveys.view_surveyresponse", icon="monitoring")
    def results(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        return results.page(self, request, self.row(request, object_id))

    @act(title=gettext_lazy("Publish"), permission="surveys.change_survey", icon="publish", variant="primary")
    def publish(self, request: HttpRequest, object_id: int) -> HttpResponse:
        survey: Survey = self.row(request, object_id)

        def do(_data: Any) -> str:
            surveys.publish(survey=survey, by=acting(request), at=timezone.now())
            return _("“%s” is published.") % survey

        return act_page(
            self,
            request,
            survey,
            title=_("Publish “%s”?") % survey,
            explanation=_("Campaigns can send it from then on, and its questions no longer change."),
            button=_("Publish"),
            do=do,
        )

    @act(title=gettext_lazy("Close"), permission="surveys.change_survey", icon="block", variant="danger")
    def close(self, request: HttpRequest, object_id: int) -> HttpResponse:
        survey: Survey = self.row(request, object_id)

        def do(_data: Any) -> str:
            surveys.close(survey=survey, by=acting(request), at=timezone.now())
            return _("“%s” is closed.") % survey

        return act_page(
            self,
            request,
            survey,
            title=_("Close “%s”?") % survey,
            explanation=_("No more answers are taken, and campaigns that still send it stop. This cannot be undone."),
            button=_("Close the survey"),
            do=do,
            danger=True,
        )

    @badge(gettext_lazy("state"), {"published": "success", "closed": "danger", "draft": "info"})
    def state(self, survey: Survey) -> tuple[str, str]:
        if survey.closed_at:
            return "closed", _("closed")
        return ("published", _("published")) if survey.published_at else ("draft", _("draft"))
