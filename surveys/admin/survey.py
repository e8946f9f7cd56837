"""Questionnaires: written here, published, and read with their results."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldBooleanSwitchWidget

from loyalty_site.lib.admin import (
    ModelAdmin,
    RowsInline,
    States,
    act,
    act_page,
    acting,
    badge,
    posted,
    row_url,
    state_filter,
)
from loyalty_site.lib.texts import joined, localized
from surveys.admin import question, results, skip_rules
from surveys.domain import drafts, missing_texts, skips, surveys
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


def _languages(survey: Survey) -> dict[str, Any]:
    """For the table of what is missing."""
    return {"missing_texts": missing_texts.of(survey), "languages": settings.LANGUAGES}


def _is_draft(survey: Any) -> bool:
    return survey is None or survey.published_at is None


class PublishForm(forms.Form):
    """Asks whether texts that are missing may be missing."""

    although = forms.BooleanField(
        label=gettext_lazy("Publish it although texts are missing"), widget=UnfoldBooleanSwitchWidget
    )


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
    actions_detail = ("results", "publish", "copy", "close")
    change_form_outer_before_template = "admin/surveys/survey/above.html"
    fieldsets = (
        (None, {"fields": ("name", "reward_points", "follow_up_hours")}),
        (gettext_lazy("What the customer reads"), {"fields": ("title", "introduction", "thanks")}),
    )

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return () if _is_draft(obj) else ("reward_points",)

    def is_disposable(self, row: Survey) -> bool:
        return row.published_at is None and not row.campaigns.exists()

    def offers(self, act: str, row: Survey) -> bool:
        if act == "copy":
            return True
        if act == "publish":
            return row.published_at is None
        return row.published_at is not None and (act == "results" or row.closed_at is None)

    def get_urls(self) -> list[Any]:
        return [
            path("begin/", self.admin_site.admin_view(self.begin), name="surveys_survey_begin"),
            *super().get_urls(),
        ]

    def begin(self, request: HttpRequest) -> HttpResponse:
        """Makes the draft that an example says, and opens it."""
        if request.method != "POST" or not self.has_add_permission(request):
            raise PermissionDenied
        chosen = request.POST.get("example", "")
        if chosen not in drafts.EXAMPLES:
            raise Http404(_("There is no such example."))
        draft = drafts.begin(example=chosen, by=acting(request), at=timezone.now())
        messages.success(request, _("“%s” is a draft now. Look it over, then publish it.") % draft)
        return HttpResponseRedirect(row_url(self, draft))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        examples = [{**row, "name": localized(row["name"])} for row in drafts.EXAMPLES.values()]
        return super().add_view(request, form_url, {"examples": examples, **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        survey = self.get_object(request, object_id)
        context = _languages(survey) if survey else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

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
        languages = _languages(survey)

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
            form=PublishForm(posted(request)) if languages["missing_texts"] else None,
            template="admin/surveys/survey/publish.html",
            context=languages,
        )

    @act(title=gettext_lazy("Copy"), permission="surveys.add_survey", icon="content_copy")
    def copy(self, request: HttpRequest, object_id: int) -> HttpResponse:
        survey: Survey = self.row(request, object_id)

        def do(_data: Any) -> str:
            draft = drafts.copy(survey=survey, by=acting(request), at=timezone.now())
            return _("The copy is “%s”: it stands first in this list.") % draft

        return act_page(
            self,
            request,
            None,
            title=_("Copy “%s”?") % survey,
            explanation=_(
                "The copy is a draft that asks the same and can be changed, the next version of a published survey. "
                "Answers stay with the one they were given to."
            ),
            button=_("Copy"),
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
