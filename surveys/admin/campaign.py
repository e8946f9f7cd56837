"""Sending a survey: who will get it, when, and how far it is."""

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminSingleTimeWidget,
)

from loyalty_site.lib.admin import ModelAdmin, RowForm, act, act_page, acting, badge, list_url, posted
from loyalty_site.lib.admin.forms import timezone_field
from rewards.domain import experiments
from rewards.models import ExperimentKind
from surveys.domain import audience, campaigns
from surveys.models import Campaign, CampaignState, Delivery, DeliveryState

NOW, LATER = "now", "later"


class ScheduleForm(forms.Form):
    when = forms.ChoiceField(
        label=gettext_lazy("when"),
        choices=[(NOW, gettext_lazy("now")), (LATER, gettext_lazy("at a date and time"))],
        widget=UnfoldAdminRadioSelectWidget,
    )
    start_date = forms.DateField(
        label=gettext_lazy("date"),
        required=False,
        widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    start_time = forms.TimeField(
        label=gettext_lazy("time"),
        required=False,
        widget=UnfoldAdminSingleTimeWidget(attrs={"type": "time"}, format="%H:%M"),
    )
    timezone = timezone_field(gettext_lazy("time zone"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("when") == LATER:
            for name in ("start_date", "start_time"):
                if name not in self.errors and cleaned.get(name) is None:
                    self.add_error(name, _("Say when the mails may leave."))
        return cleaned


class CampaignForm(RowForm):
    holdout_percent = forms.IntegerField(
        label=gettext_lazy("held out (percent)"),
        help_text=gettext_lazy(
            "So many of 100 customers are not asked, so that one sees whether asking brings people back."
        ),
        min_value=0,
        max_value=50,
        initial=10,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "holdout_percent" in self.fields:
            self.initial["holdout_percent"] = _holdout_percent(self.instance)
            self.fields["holdout_percent"].disabled = self.instance.state != CampaignState.DRAFT


@admin.register(Campaign)
class CampaignAdmin(ModelAdmin):
    form = CampaignForm
    list_display = ("name", "survey", "stage", "starts_at", "finished_at")
    list_select_related = ("survey",)
    list_filter = ("state",)
    search_fields = ("name",)
    autocomplete_fields = ("survey", "segment", "stores")
    ordering = ("-pk",)
    sortable_by = ("name", "starts_at")
    actions_detail = ("schedule", "pause", "resume", "cancel")
    fieldsets = (
        (None, {"fields": ("name", "survey")}),
        (gettext_lazy("Who"), {"fields": ("segment", "stores", "bought_within_days", "holdout_percent")}),
    )
    change_form_outer_before_template = "admin/surveys/campaign/progress.html"

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """Who gets it was looked at before it was scheduled, so that stays."""
        is_open = obj is None or obj.state == CampaignState.DRAFT
        return () if is_open else ("survey", "segment", "stores", "bought_within_days")

    def is_disposable(self, row: Campaign) -> bool:
        return row.state == CampaignState.DRAFT

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        percent, by, at = form.cleaned_data["holdout_percent"], acting(request), timezone.now()
        if obj.experiment is None:
            obj.experiment = experiments.plan(
                kind=ExperimentKind.CAMPAIGN, name=obj.name, holdout_percent=percent, by=by, at=at
            )
        elif obj.state == CampaignState.DRAFT:
            experiments.replan(experiment=obj.experiment, holdout_percent=percent, by=by, at=at)
        super().save_model(request, obj, form, change)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id)
        progress = progress_of(campaign) if campaign and campaign.state != CampaignState.DRAFT else None
        return super().change_view(request, object_id, form_url, {"progress": progress, **(extra_context or {})})

    def offers(self, act: str, row: Campaign) -> bool:
        allowed: dict[str, tuple[str, ...]] = {
            "schedule": (CampaignState.DRAFT, CampaignState.SCHEDULED),
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
                "time": local_start(scheduled),
            }

        return act_page(
            self,
            request,
            campaign,
            title=_("Send “%s”") % campaign,
            button=_("Schedule"),
            do=do,
            form=ScheduleForm(posted(request), initial=initial),
            template="admin/surveys/campaign/schedule.html",
            context={
                "preflight": campaigns.preflight(campaign=campaign, at=at),
                "holdout_percent": _holdout_percent(campaign),
            },
        )

    @staticmethod
    def _start(data: Any) -> dict[str, Any]:
        """“Now” is told in UTC: an hour that clocks show twice cannot be mistaken there."""
        if data["when"] == LATER:
            return {name: data[name] for name in ("start_date", "start_time", "timezone")}
        now = timezone.now().astimezone(ZoneInfo("UTC")).replace(second=0, microsecond=0)
        return {"start_date": now.date(), "start_time": now.time(), "timezone": "UTC"}

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


def _holdout_percent(campaign: Campaign) -> int:
    return campaign.experiment.holdout_percent if campaign.experiment else 0


def local_start(campaign: Campaign) -> str:
    """When it starts, on the clock of its own zone."""
    assert campaign.starts_at is not None  # scheduled campaigns have one
    local = campaign.starts_at.astimezone(ZoneInfo(campaign.timezone))
    return f"{date_format(local, 'DATETIME_FORMAT', use_l10n=True)} ({campaign.timezone})"


def progress_of(campaign: Campaign) -> dict[str, Any]:
    """How many of its mails are in which state, each with the list of them."""
    rows = Delivery.objects.filter(campaign=campaign).order_by().values_list("state").annotate(Count("pk"))
    counts = {DeliveryState(state): number for state, number in rows}
    addressed = sum(counts.values()) - counts.get(DeliveryState.SUPPRESSED, 0)
    done = addressed - sum(counts.get(state, 0) for state in campaigns.UNFINISHED)
    return {
        "start": local_start(campaign) if campaign.starts_at else "",
        "addressed": addressed,
        "done": done,
        "percent": round(100 * done / addressed) if addressed else 0,
        "report": reverse("admin:rewards_experiment_report", args=[campaign.experiment_id])
        if campaign.experiment
        else "",
        "responses": audience.answered().filter(campaign=campaign).count(),
        "states": [
            {
                "state": state,
                "number": counts[state],
                "url": list_url(Delivery, [("campaign__id__exact", campaign.pk), ("state__exact", state.value)]),
            }
            for state in DeliveryState
            if state in counts
        ],
    }
