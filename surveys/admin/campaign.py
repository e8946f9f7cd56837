"""Sending a survey: who will get it, when, and how far it is."""

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty_site.lib.admin import ModelAdmin, act, act_page, acting, badge, only_for, posted
from rewards.domain import experiments
from rewards.domain.mail_texts import Text
from rewards.models import ExperimentKind
from surveys.admin import campaign_pages, preview
from surveys.admin.campaign_form import LATER, NOW, PREVIEW, CampaignForm, ScheduleForm
from surveys.domain import campaigns, schedules
from surveys.models import STANDING, Campaign, CampaignState, CampaignTrigger


def _without(names: set[str], lines: Sequence[Any]) -> list[tuple[str, ...]]:
    """The lines of a fieldset, each a name or several side by side."""
    split = [line if isinstance(line, tuple) else (line,) for line in lines]
    return [left for line in split if (left := tuple(name for name in line if name not in names))]


@admin.register(Campaign)
class CampaignAdmin(ModelAdmin):
    form = CampaignForm
    conditional_fields = {
        **only_for("trigger", CampaignTrigger.AFTER_PURCHASE, "delay_hours"),
        **only_for("trigger", CampaignTrigger.RECURRING, "every", "interval"),
        **only_for("trigger", STANDING, "end_date"),
        **only_for("trigger", [CampaignTrigger.DATE, CampaignTrigger.RECURRING], "bought_within_days"),
        **only_for("reminders", ["1", "2"], "reminder_days"),
    }
    when = ("trigger", "delay_hours", "every", "interval", "end_date", "reminders", "reminder_days")
    who = ("segment", "stores", "languages", "bought_within_days")
    list_display = ("name", "survey", "stage", "trigger", "starts_at", "finished_at")
    list_select_related = ("survey",)
    list_filter = ("state", "trigger")
    search_fields = ("name",)
    autocomplete_fields = ("survey", "segment", "stores")
    ordering = ("-pk",)
    sortable_by = ("name", "starts_at")
    actions_detail = ("schedule", "trial_mail", "pause", "resume", "cancel")
    fieldsets = (
        (None, {"fields": ("name", "survey")}),
        (
            gettext_lazy("When"),
            {"fields": ("trigger", "delay_hours", ("every", "interval"), "end_date", ("reminders", "reminder_days"))},
        ),
        (gettext_lazy("Who"), {"fields": (*who, "holdout_percent")}),
        (gettext_lazy("Mail"), {"fields": ("subject", "introduction", "preview")}),
    )
    change_form_outer_before_template = "admin/surveys/campaign/progress.html"

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """Who gets it was looked at before it was scheduled, so that stays."""
        is_open = obj is None or obj.state == CampaignState.DRAFT
        return () if is_open else ("survey", *self.when, *self.who)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Of one that is scheduled only what it says: nothing that another trigger would."""
        fieldsets = super().get_fieldsets(request, obj)
        if not self.fixed_fields(request, obj):
            return fieldsets
        names = (*self.when, "bought_within_days")
        unsaid = {name for name in names if getattr(obj, name) in (None, "")}
        unsaid |= set() if obj.reminders else {"reminder_days"}
        return [(title, {**options, "fields": _without(unsaid, options["fields"])}) for title, options in fieldsets]

    def is_disposable(self, row: Campaign) -> bool:
        return row.state == CampaignState.DRAFT

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        percent, by, at = form.cleaned_data["holdout_percent"], acting(request), timezone.now()
        if obj.experiment is None and obj.state == CampaignState.DRAFT:
            obj.experiment = experiments.plan(
                kind=ExperimentKind.CAMPAIGN, name=obj.name, holdout_percent=percent, by=by, at=at
            )
            form.changed_data.append("experiment")
        elif obj.experiment and obj.state == CampaignState.DRAFT:
            experiments.replan(experiment=obj.experiment, holdout_percent=percent, by=by, at=at)
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[Any]:
        return [path("preview/", self.admin_site.admin_view(self.preview), name=PREVIEW), *super().get_urls()]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """The mail that the form would make, before it is whole. `of` is the campaign, where there is one."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        campaign = self.get_object(request, request.GET.get("of", ""))
        form = self.get_form(request, campaign)(request.POST, instance=campaign)
        form.is_valid()
        return campaign_pages.mails(form)

    def response_add(self, request: HttpRequest, obj: Campaign, post_url_continue: str | None = None) -> HttpResponse:
        """Who has written a campaign looks next at who will get it."""
        if {"_continue", "_addanother", "_popup"} & request.POST.keys() or not self.has_change_permission(request, obj):
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, _("“%s” is kept as a draft. Look at who will get it, then schedule it.") % obj)
        return HttpResponseRedirect(reverse("admin:surveys_campaign_schedule", args=[obj.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id)
        progress = campaign_pages.progress_of(campaign) if campaign and campaign.state != CampaignState.DRAFT else None
        return super().change_view(request, object_id, form_url, {"progress": progress, **(extra_context or {})})

    def offers(self, act: str, row: Campaign) -> bool:
        allowed: dict[str, tuple[str, ...]] = {
            "schedule": (CampaignState.DRAFT, CampaignState.SCHEDULED),
            "trial_mail": (*campaigns.CANCELLABLE, CampaignState.DRAFT),
            "pause": (CampaignState.SENDING,),
            "resume": (CampaignState.PAUSED,),
            "cancel": campaigns.CANCELLABLE,
        }
        return row.state in allowed[act] or act == "resume" and bool(row.attention)

    @badge(
        gettext_lazy("state"),
        {
            CampaignState.DRAFT: "info",
            CampaignState.SCHEDULED: "info",
            CampaignState.MATERIALIZING: "warning",
            CampaignState.SENDING: "warning",
            CampaignState.PAUSED: "warning",
            CampaignState.COMPLETED: "success",
            CampaignState.CANCELLED: "danger",
            CampaignState.NEEDS_ATTENTION: "danger",
        },
    )
    def stage(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.state, campaign.get_state_display()

    @act(
        title=gettext_lazy("Check and schedule"),
        permission="surveys.change_campaign",
        icon="schedule_send",
        variant="primary",
    )
    def schedule(self, request: HttpRequest, object_id: int) -> HttpResponse:
        at = timezone.now()
        campaign: Campaign = self.row(request, object_id)
        zone = timezone.get_current_timezone_name() if campaign.starts_at is None else campaign.timezone
        initial = {
            "when": LATER if campaign.starts_at else NOW,
            "start_date": campaign.start_date,
            "start_time": campaign.start_time,
            "timezone": zone,
        }

        def do(data: Any) -> str:
            start = self._start(data)
            scheduled = campaigns.schedule(campaign=campaign, **start, by=acting(request), at=at)
            return _("“%(campaign)s” will be sent from %(time)s on.") % {
                "campaign": campaign,
                "time": campaign_pages.local_start(scheduled),
            }

        return act_page(
            self,
            request,
            campaign,
            title=_("Send “%s”") % campaign,
            button=_("Schedule"),
            do=do,
            form=ScheduleForm(posted(request), initial=initial, campaign=campaign),
            template="admin/surveys/campaign/schedule.html",
            context=campaign_pages.preflight(campaign, at),
        )

    @staticmethod
    def _start(data: Any) -> dict[str, Any]:
        """“Now” is told in UTC in an hour that the clocks of the zone show twice: it cannot be mistaken there."""
        if data["when"] == LATER:
            return {name: data[name] for name in ("start_date", "start_time", "timezone")}
        now = timezone.now().replace(second=0, microsecond=0)
        for name in (data["timezone"], "UTC"):
            local = now.astimezone(ZoneInfo(name))
            start = {"start_date": local.date(), "start_time": local.time(), "timezone": name}
            if schedules.instant(on=local.date(), clock_time=local.time(), timezone=name) == now:
                break
        return start

    @act(title=gettext_lazy("Test mail to me"), permission="surveys.change_campaign", icon="forward_to_inbox")
    def trial_mail(self, request: HttpRequest, object_id: int) -> HttpResponse:
        campaign: Campaign = self.row(request, object_id)
        text = Text(campaign.subject, campaign.introduction)
        return preview.trial_mail(self, request, campaign, campaign.survey, text)

    @act(title=gettext_lazy("Pause"), permission="surveys.change_campaign", icon="pause")
    def pause(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(
            request,
            object_id,
            verb=campaigns.pause,
            title=_("Pause “%s”?"),
            explanation=_("No further mail leaves until you resume it."),
            button=_("Pause"),
            told=_("“%s” is paused."),
        )

    @act(title=gettext_lazy("Resume"), permission="surveys.change_campaign", icon="play_arrow", variant="primary")
    def resume(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(
            request,
            object_id,
            verb=campaigns.resume,
            title=_("Resume “%s”?"),
            explanation=_("The mails that are waiting leave from now on."),
            button=_("Resume"),
            told=_("“%s” goes on."),
        )

    @act(title=gettext_lazy("Cancel"), permission="surveys.change_campaign", icon="block", variant="danger")
    def cancel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(
            request,
            object_id,
            verb=campaigns.cancel,
            title=_("Cancel “%s”?"),
            explanation=_("Who has not got the mail by now will not get it. This cannot be undone."),
            button=_("Cancel the campaign"),
            told=_("“%s” is cancelled."),
            danger=True,
        )

    def _move(
        self,
        request: HttpRequest,
        object_id: int,
        *,
        verb: Callable[..., Campaign],
        title: str,
        explanation: str,
        button: str,
        told: str,
        danger: bool = False,
    ) -> HttpResponse:
        campaign: Campaign = self.row(request, object_id)

        def do(_data: Any) -> str:
            verb(campaign=campaign, by=acting(request), at=timezone.now())
            return told % campaign

        return act_page(
            self,
            request,
            campaign,
            title=title % campaign,
            explanation=explanation,
            button=button,
            do=do,
            danger=danger,
        )
