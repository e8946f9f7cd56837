"""Bringing an offer to many customers: who will get it, when, and how far it is."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import (
    UnfoldAdminSingleDateWidget,
    UnfoldAdminSingleTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from loyalty_site.lib.admin import ModelAdmin, act, act_page, acting, badge, list_url, posted
from loyalty_site.lib.numbers import grouped
from rewards.admin import experiment, mail, mail_text
from rewards.domain import experiments, mail_texts, mailing_audience, mailings, wording
from rewards.models import ExperimentKind, MailBarrier, Mailing, MailingMail, MailingState, MailState

_PREVIEW = "rewards_mailing_preview"
_CHANGE = "rewards.change_mailing"


class ScheduleForm(forms.Form):
    start = forms.SplitDateTimeField(
        label=gettext_lazy("when, by the clock of the programme; empty: now"),
        required=False,
        widget=forms.SplitDateTimeWidget(date_attrs={"type": "date"}, time_attrs={"type": "time"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        widget: Any = self.fields["start"].widget
        widget.widgets = [
            UnfoldAdminSingleDateWidget(attrs={"type": "date"}, format="%Y-%m-%d"),
            UnfoldAdminSingleTimeWidget(attrs={"type": "time"}, format="%H:%M"),
        ]


class CancelForm(forms.Form):
    is_void = forms.BooleanField(
        label=gettext_lazy("make coupons void that nobody has redeemed"),
        help_text=gettext_lazy("Also those that customers have been told of. Otherwise they stay good."),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )
    reason = forms.CharField(
        label=gettext_lazy("reason"), max_length=500, required=False, widget=UnfoldAdminTextInputWidget
    )

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("is_void") and not self.cleaned_data.get("reason"):
            self.add_error("reason", _("Please say why the coupons become void."))
        return self.cleaned_data


class MailingForm(mail_text.MailTextForm):
    holdout_percent = experiment.holdout_field(
        gettext_lazy("So many of 100 customers get none, so that one sees whether it brings people back.")
    )
    preview = mail_text.preview_field(lambda: reverse(f"admin:{_PREVIEW}"), names=wording.OF_COUPON)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "holdout_percent" in self.fields:
            self.initial["holdout_percent"] = self.instance.experiment.holdout_percent
            self.fields["holdout_percent"].disabled = self.instance.state != MailingState.DRAFT


@admin.register(Mailing)
class MailingAdmin(ModelAdmin):
    form = MailingForm
    list_display = ("name", "offer", "stage", "starts_at", "finished_at")
    list_select_related = ("offer",)
    list_filter = ("state",)
    search_fields = ("name",)
    autocomplete_fields = ("offer", "segment", "stores")
    ordering = ("-pk",)
    sortable_by = ("name", "starts_at")
    actions_detail = ("schedule", "pause", "resume", "cancel")
    fieldsets = (
        (None, {"fields": ("name", "offer")}),
        (gettext_lazy("Who"), {"fields": ("segment", "stores", "bought_within_days", "likely_max", "holdout_percent")}),
        (gettext_lazy("Mail"), {"fields": ("subject", "body", "preview")}),
    )
    change_form_outer_before_template = "admin/rewards/mailing/progress.html"

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """Who gets what was looked at before it was scheduled, so that stays."""
        if obj is None or obj.state == MailingState.DRAFT:
            return ()
        return ("offer", "segment", "stores", "bought_within_days", "likely_max")

    def is_disposable(self, row: Mailing) -> bool:
        return row.state == MailingState.DRAFT

    def save_model(self, request: HttpRequest, obj: Mailing, form: Any, change: bool) -> None:
        percent, by, at = form.cleaned_data["holdout_percent"], acting(request), timezone.now()
        if change:
            experiments.replan(experiment=obj.experiment, holdout_percent=percent, by=by, at=at)
        else:
            obj.experiment = experiments.plan(
                kind=ExperimentKind.MAILING, name=obj.name, holdout_percent=percent, by=by, at=at
            )
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[Any]:
        return [path("preview/", self.admin_site.admin_view(self.preview), name=_PREVIEW), *super().get_urls()]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """The mail that the form would make, before it is whole."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        form = self.get_form(request)(request.POST)
        form.is_valid()
        offer = form.cleaned_data.get("offer")
        return mail_text.preview(form=form, default=mail_texts.OFFER, offer=offer, points=None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        mailing = self.get_object(request, object_id)
        progress = _progress_of(mailing) if mailing and mailing.state != MailingState.DRAFT else None
        return super().change_view(request, object_id, form_url, {"progress": progress, **(extra_context or {})})

    def offers(self, act: str, row: Mailing) -> bool:
        allowed: dict[str, tuple[str, ...]] = {
            "schedule": (MailingState.DRAFT, MailingState.SCHEDULED),
            "pause": (MailingState.SENDING,),
            "resume": (MailingState.PAUSED,),
            "cancel": mailings.CANCELLABLE,
        }
        return row.state in allowed[act]

    @badge(
        gettext_lazy("state"),
        {
            MailingState.DRAFT: "info",
            MailingState.SCHEDULED: "info",
            MailingState.MATERIALIZING: "warning",
            MailingState.SENDING: "warning",
            MailingState.PAUSED: "warning",
            MailingState.COMPLETED: "success",
            MailingState.CANCELLED: "danger",
        },
    )
    def stage(self, mailing: Mailing) -> tuple[str, str]:
        return mailing.state, mailing.get_state_display()

    @act(title=gettext_lazy("Check and schedule"), permission=_CHANGE, icon="schedule_send", variant="primary")
    def schedule(self, request: HttpRequest, object_id: int) -> HttpResponse:
        at = timezone.now()
        mailing: Mailing = self.row(request, object_id)

        def do(data: Any) -> str:
            scheduled = mailings.schedule(mailing=mailing, starts_at=data["start"] or at, by=acting(request), at=at)
            assert scheduled.starts_at is not None
            start = date_format(timezone.localtime(scheduled.starts_at), "DATETIME_FORMAT")
            return _("“%(mailing)s” will be sent from %(time)s on.") % {"mailing": mailing, "time": start}

        return act_page(
            self,
            request,
            mailing,
            title=_("Send “%s”") % mailing,
            button=_("Schedule"),
            do=do,
            form=ScheduleForm(posted(request), initial={"start": mailing.starts_at}),
            template="admin/rewards/mailing/schedule.html",
            context={
                "preflight": mailing_audience.preflight(mailing=mailing, at=at),
                "holdout_percent": mailing.experiment.holdout_percent,
            },
        )

    @act(title=gettext_lazy("Pause"), permission=_CHANGE, icon="pause")
    def pause(self, request: HttpRequest, object_id: int) -> HttpResponse:
        words = (_("Pause “%s”?"), _("No further mail leaves until you resume it."), _("Pause"), _("“%s” is paused."))
        return self._move(request, object_id, mailings.pause, words)

    @act(title=gettext_lazy("Resume"), permission=_CHANGE, icon="play_arrow", variant="primary")
    def resume(self, request: HttpRequest, object_id: int) -> HttpResponse:
        words = (_("Resume “%s”?"), _("The mails that are waiting leave from now on."), _("Resume"), _("“%s” goes on."))
        return self._move(request, object_id, mailings.resume, words)

    @act(title=gettext_lazy("Cancel"), permission=_CHANGE, icon="block", variant="danger")
    def cancel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        mailing: Mailing = self.row(request, object_id)
        left = mailings.coupons_left(mailing=mailing).count() if request.user.has_perm("rewards.change_coupon") else 0
        explanation = _("Who has not got the mail by now will not get it. This cannot be undone.")

        def do(data: Any) -> str:
            why = data["reason"] if data.get("is_void") else ""
            mailings.cancel(mailing=mailing, by=acting(request), at=timezone.now(), void_because=why)
            return _("“%s” is cancelled.") % mailing

        if left:
            issued = ngettext("%s coupon can be redeemed.", "%s coupons can be redeemed.", left) % grouped(left)
            explanation = f"{explanation} {issued}"
        return act_page(
            self,
            request,
            mailing,
            title=_("Cancel “%s”?") % mailing,
            explanation=explanation,
            button=_("Cancel the mailing"),
            do=do,
            form=CancelForm(posted(request)) if left else None,
            danger=True,
        )

    def _move(
        self,
        request: HttpRequest,
        object_id: int,
        verb: Callable[..., Mailing],
        words: tuple[str, str, str, str],
    ) -> HttpResponse:
        mailing: Mailing = self.row(request, object_id)
        title, explanation, button, told = words

        def do(_data: Any) -> str:
            verb(mailing=mailing, by=acting(request), at=timezone.now())
            return told % mailing

        said: dict[str, Any] = {"title": title % mailing, "explanation": explanation, "button": button}
        return act_page(self, request, mailing, **said, do=do)


def _progress_of(mailing: Mailing) -> dict[str, Any]:
    """How many of its mails are in which state or were not sent for which reason, each with the list of them."""
    rows = MailingMail.objects.filter(mailing=mailing).order_by("state", "reason").values_list("state", "reason")
    counts = [(MailState(state), reason, number) for state, reason, number in rows.annotate(Count("pk"))]
    addressed = sum(number for state, _reason, number in counts if state != MailState.SUPPRESSED)
    waiting = sum(number for state, _reason, number in counts if state in (MailState.PENDING, MailState.SENDING))
    return {
        "addressed": addressed,
        "done": addressed - waiting,
        "percent": round(100 * (addressed - waiting) / addressed) if addressed else 0,
        "rows": [
            {
                "label": MailBarrier(reason).label if reason else state.label,
                "number": number,
                "url": list_url(
                    MailingMail,
                    [
                        ("mailing__id__exact", mailing.pk),
                        ("state__exact", state.value),
                        *([("reason__exact", reason)] if reason else []),
                    ],
                ),
            }
            for state, reason, number in counts
        ],
    }


@admin.register(MailingMail)
class MailingMailAdmin(mail.QueuedMailAdmin):
    queue = mailings.QUEUE
    list_display = ("customer", "mailing", "state", "reason", "coupon", "settled_at")
    list_select_related = ("customer", "mailing", "coupon")
    list_filter = ("state", "reason", ("mailing", AutocompleteSelectFilter))
    fields = (
        ("customer", "mailing"),
        ("state", "reason"),
        ("coupon", "attempts"),
        ("not_before", "claimed_at"),
        "settled_at",
        "smtp_reply",
    )
    send_again = mail.send_again("rewards.change_mailingmail")
    assume_delivered = mail.assume_delivered("rewards.change_mailingmail")
