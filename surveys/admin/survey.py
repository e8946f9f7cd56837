"""Questionnaires: written here, published, and read with their results."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.forms import all_valid
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from unfold.widgets import UnfoldBooleanSwitchWidget

from loyalty_site.lib.admin import (
    ModelAdmin,
    RowForm,
    States,
    act,
    act_page,
    acting,
    badge,
    posted,
    row_url,
    state_filter,
)
from loyalty_site.lib.texts import localized
from surveys.admin import preview, question, results, skip_rules
from surveys.domain import drafts, missing_texts, surveys
from surveys.models import Survey


def _languages(survey: Survey) -> dict[str, Any]:
    """For the table of what is missing."""
    return {"missing_texts": missing_texts.of(survey), "languages": settings.LANGUAGES}


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


class SurveyForm(RowForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("is_anonymous", self.instance.is_anonymous) and cleaned.get("follow_up_hours"):
            self.add_error("follow_up_hours", _("Anonymous answers open no cases: nobody knows whom to call."))
        if self.instance.published_at and "reward_points" in self.data:  # it was shown as a draft
            self.add_error(None, str(surveys.SurveyAlreadyPublished()))
        return cleaned


@admin.register(Survey)
class SurveyAdmin(ModelAdmin):
    form = SurveyForm
    list_display = ("name", "state", "reward_points", "published_at", "closed_at")
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states),)
    search_fields = ("name",)
    ordering = ("-pk",)
    inlines = (question.Questions,)
    actions_detail = ("preview", "trial_mail", "publish", "send", "results", "copy", "close")
    change_form_outer_before_template = "admin/surveys/survey/above.html"
    change_form_after_template = "admin/surveys/survey/typed.html"
    fieldsets = (
        (None, {"fields": ("name", "reward_points", "is_anonymous", "follow_up_hours")}),
        (gettext_lazy("What the customer reads"), {"fields": ("title", "introduction", "thanks")}),
    )

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return () if question.is_draft(obj) else ("reward_points", "is_anonymous")

    def is_disposable(self, row: Survey) -> bool:
        return row.published_at is None and not row.campaigns.exists()

    def offers(self, act: str, row: Survey) -> bool:
        if act in {"preview", "copy"}:
            return True
        if act == "trial_mail":
            return row.closed_at is None
        if act == "publish":
            return row.published_at is None
        return row.published_at is not None and (act == "results" or row.closed_at is None)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("begin/", view(self.begin), name="surveys_survey_begin"),
            path("<int:survey_id>/typed/", view(self.typed), name="surveys_survey_typed"),
            # Takes what a customer's form sends, which has no token of a session, and writes nothing.
            path("<int:survey_id>/phone/<str:language>/", view(csrf_exempt(self.phone)), name="surveys_survey_phone"),
            *super().get_urls(),
        ]

    def phone(self, request: HttpRequest, survey_id: int, language: str) -> HttpResponse:
        return preview.phone(request, self.row(request, survey_id), language)

    def typed(self, request: HttpRequest, survey_id: int) -> HttpResponse:
        """The page as the form would leave it: saved, shown, and taken back at once. 0 is a survey not saved yet."""
        survey: Survey | None = self.row(request, survey_id) if survey_id else None
        may = self.has_change_permission(request, survey) if survey else self.has_add_permission(request)
        if request.method != "POST" or not may or not question.is_draft(survey):
            raise PermissionDenied
        try:
            with transaction.atomic():
                saved = self._save(request, survey)
                pages = preview.typed(request, saved) if saved else {}
                transaction.set_rollback(True)
        except surveys.SurveyAlreadyPublished as refusal:  # at this moment
            return JsonResponse({"mails": {}, "problem": str(refusal)})
        return JsonResponse({"mails": pages, "problem": "" if saved else _("What is typed is not complete yet.")})

    def _save(self, request: HttpRequest, survey: Survey | None) -> Survey | None:
        """What is sent, as the page of the form does; a name, which no customer reads, may be missing. None when
        something is wrong."""
        data = request.POST.copy()
        data["name"] = data.get("name") or "–"
        request.POST = data  # type: ignore[assignment]
        form = self.get_form(request, survey, change=survey is not None)(data, instance=survey)
        is_valid = form.is_valid()
        draft: Survey = self.save_form(request, form, change=survey is not None) if is_valid else form.instance
        made = self._create_formsets(request, draft, change=survey is not None)  # type: ignore[attr-defined]
        formsets, _inlines = made
        if not all_valid(formsets) or not is_valid:
            return None
        self.save_model(request, draft, form, change=survey is not None)
        self.save_related(request, form, formsets, change=survey is not None)
        return Survey.objects.get(pk=draft.pk)

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
        return super().add_view(
            request, form_url, {"examples": examples, "languages": settings.LANGUAGES, **(extra_context or {})}
        )

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        survey = self.get_object(request, object_id)
        context = _languages(survey) if survey else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Survey, form: Any, change: bool) -> None:
        """A draft is saved, with its questions, only while it is one."""
        if change and question.is_draft(obj):
            surveys.keep_draft(survey=obj)
        super().save_model(request, obj, form, change)

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

    @act(title=gettext_lazy("Preview"), permission="surveys.view_survey", icon="smartphone")
    def preview(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return preview.page(self, request, self.row(request, object_id))

    @act(title=gettext_lazy("Test mail to me"), permission="surveys.change_survey", icon="forward_to_inbox")
    def trial_mail(self, request: HttpRequest, object_id: int) -> HttpResponse:
        survey: Survey = self.row(request, object_id)
        return preview.trial_mail(self, request, survey, survey)

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

    @act(title=gettext_lazy("New campaign"), permission="surveys.add_campaign", icon="send", variant="primary")
    def send(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The form of a campaign that sends it."""
        survey = self.row(request, object_id)
        return HttpResponseRedirect(f"{reverse('admin:surveys_campaign_add')}?survey={survey.pk}")

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
