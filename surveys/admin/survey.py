"""Questionnaires: written here, published, and read with their results."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty_site.lib.admin import ModelAdmin, RowsInline, States, act, act_page, acting, badge, state_filter
from loyalty_site.lib.texts import joined
from surveys.admin import question, results, skip_rules
from surveys.domain import skips, surveys
from surveys.models import Question, Survey


class Questions(RowsInline):
    model = Question
    formset = question.QuestionFormSet
    form = question.QuestionForm
    fields = ("position", "kind", "text", "choice_lines", "skip_lines", "is_required", "follow_up_at_most")
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
        return super().get_queryset(request).prefetch_related("choices", "skip_rules__choice", "skip_rules__goes_to")

    @admin.display(description=gettext_lazy("choices"))
    def choice_lines(self, question: Question) -> str:
        """Where they are only read."""
        return " · ".join(str(choice) for choice in sorted(question.choices.all(), key=lambda choice: choice.position))

    @admin.display(description=gettext_lazy("skip rules"))
    def skip_lines(self, question: Question) -> str:
        return joined(skips.sentences(question))

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
        """Numbers the questions from 1 as they stand; writes what can be chosen and where answers lead."""
        rows = formset.in_order()
        for number, row in enumerate(rows, start=1):
            if row.instance.position != number:
                row.instance.position = number
                row.changed_data.append("position")
        super().save_formset(request, form, formset, change)
        for row in rows:
            if row.has_changed() and {"choice_lines", "kind"} & set(row.changed_data):
                surveys.set_choices(question=row.instance, texts=row.choices())
        numbered = {number: row.instance for number, row in enumerate(rows, start=1)}
        for row in rows:
            if row.has_changed() and {"skip_lines", "kind"} & set(row.changed_data):
                rules = skip_rules.resolved(row.cleaned_data["skip_lines"], numbered)
                surveys.set_skips(question=row.instance, rules=rules)

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
