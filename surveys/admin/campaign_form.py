"""A campaign as staff think of it: when it asks, whom, how often; and its start."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminSingleTimeWidget,
)

from loyalty_site.lib.admin import RowForm
from loyalty_site.lib.admin.forms import timezone_field
from loyalty_site.lib.errors import DomainError
from rewards.admin import experiment, mail_text
from rewards.domain import wording
from surveys.models import Campaign, CampaignState, CampaignTrigger

# What each trigger needs, with what to say when it is missing.
NEEDED: Mapping[str, Mapping[str, Any]] = {
    CampaignTrigger.AFTER_PURCHASE: {"delay_hours": gettext_lazy("Say how many hours.")},
    CampaignTrigger.RECURRING: {
        "every": gettext_lazy("Say how often."),
        "interval": gettext_lazy("Say whether these are days, weeks or months."),
    },
}
NOW, LATER = "now", "later"
PREVIEW = "surveys_campaign_preview"


class ScheduleForm(forms.Form):
    """When it starts. Whatever recurs does at a time of the clock, so it is never just “now”."""

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

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if campaign.trigger == CampaignTrigger.RECURRING:
            self.fields["when"].choices = [(LATER, _("first at a date and time"))]  # type: ignore[attr-defined]
            self.initial["when"] = LATER

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("when") == LATER:
            for name in ("start_date", "start_time"):
                if name not in self.errors and cleaned.get(name) is None:
                    self.add_error(name, _("Say when the mails may leave."))
        return cleaned


class CampaignForm(RowForm):
    languages = forms.MultipleChoiceField(
        label=gettext_lazy("languages"),
        choices=settings.LANGUAGES,
        required=False,
        help_text=gettext_lazy("None: customers of every language."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    holdout_percent = experiment.holdout_field(
        gettext_lazy("So many of 100 customers are not asked, so that one sees whether asking brings people back.")
    )

    preview = mail_text.preview_field(lambda: reverse(f"admin:{PREVIEW}"), names=wording.OF_SURVEY)

    class Meta:
        help_texts = {
            "every": gettext_lazy("1 and weeks: each week, at the same time of the same day."),
            "end_date": gettext_lazy("Nothing that comes after it is asked about. Empty: until it is cancelled."),
            "reminders": gettext_lazy("For who got the mail and did not answer."),
            "stores": gettext_lazy("Home stores of the customers or, after a purchase, where they bought. None: all."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "preview" in self.fields:
            widget: Any = self.fields["preview"].widget
            widget.address = lambda: f"{reverse(f'admin:{PREVIEW}')}?of={self.instance.pk}"
        if self.instance.pk and "holdout_percent" in self.fields:
            self.initial["holdout_percent"] = holdout_percent(self.instance)
            self.fields["holdout_percent"].disabled = self.instance.state != CampaignState.DRAFT

    def clean(self) -> dict[str, Any]:
        """A trigger's fields only: what another one would need is left out."""
        cleaned = super().clean()
        for name in ("subject", "introduction"):
            try:
                wording.check(cleaned.get(name) or {}, allowed=wording.OF_SURVEY)
            except DomainError as refusal:
                self.add_error(name, str(refusal))
        if "trigger" not in self.fields:
            return cleaned
        trigger = str(cleaned.get("trigger"))
        needed = NEEDED.get(trigger, {})
        for name in {field for fields in NEEDED.values() for field in fields} - needed.keys():
            cleaned[name] = "" if name == "interval" else None
        for name, message in needed.items():
            self.need(name, message)
        if trigger == CampaignTrigger.DATE:
            cleaned["end_date"] = None
        if trigger == CampaignTrigger.AFTER_PURCHASE:
            cleaned["bought_within_days"] = None
        return cleaned


def holdout_percent(campaign: Campaign) -> int:
    return campaign.experiment.holdout_percent if campaign.experiment else 0
