"""What the pages of a campaign show: who will get it, and how far it is."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Count
from django.http import JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer
from loyalty_site.lib.admin import list_url
from rewards.admin import mail_text
from rewards.domain.mail_texts import Text
from rewards.models import Program
from surveys.admin import campaign_form
from surveys.domain import audience, campaigns, invitations, schedules
from surveys.models import (
    STANDING,
    Campaign,
    CampaignState,
    CampaignTrigger,
    Delivery,
    DeliveryState,
    Interval,
    Occurrence,
    OccurrenceState,
)

BAR_STEP, BAR_WIDTH = 56, 560


def preflight(campaign: Campaign, at: datetime) -> dict[str, Any]:
    found = audience.preflight(campaign=campaign, at=at)
    counts = [(_("may be asked"), found.will_send, "would-be")]
    counts += [(str(reason.label), number, "was") for reason, number in found.reasons.items()]
    bars = [
        {"name": name, "count": number, "group": group, "y": BAR_STEP * row + 18, "top": BAR_STEP * row + 25,
         "width": round(BAR_WIDTH * number / found.total, 1), "text_y": BAR_STEP * row + 43,
         "text_x": round(BAR_WIDTH * number / found.total, 1) + 8}
        for row, (name, number, group) in enumerate(counts)
        if found.total
    ]  # fmt: skip
    percent = campaign_form.holdout_percent(campaign)
    held_out = round(found.will_send * percent / 100)
    return {
        "preflight": found,
        "held_out": held_out,
        "mails": found.will_send - held_out,
        "of_purchases": campaign.trigger == CampaignTrigger.AFTER_PURCHASE,
        "preflight_days": audience.PREFLIGHT_DAYS,
        "bars": bars,
        "bars_height": BAR_STEP * len(bars),
        "holdout_percent": percent,
    }


def mails(form: "forms.ModelForm[Campaign]") -> JsonResponse:
    """The mail in each language, or what is wrong with its words; `form` was looked through."""
    problems = [str(problem) for name in ("subject", "introduction") for problem in form.errors.get(name, [])]
    survey = form.instance.survey if form.instance.survey_id else None
    if survey is None:
        problems.append(_("Choose the survey, and its mail stands here."))
    if problems:
        return JsonResponse({"problem": " ".join(problems)})
    told: dict[str, Any] = {
        "survey": survey,
        "program": Program.objects.current(),
        "text": Text(form.cleaned_data["subject"], form.cleaned_data["introduction"]),
    }
    return mail_text.shown(lambda code: invitations.preview(**told, language=code))


def local_start(campaign: Campaign) -> str:
    """When it starts, on the clock of its own zone."""
    assert campaign.starts_at is not None  # scheduled campaigns have one
    return _on_its_clock(campaign, campaign.starts_at)


def _on_its_clock(campaign: Campaign, moment: datetime) -> str:
    local = moment.astimezone(ZoneInfo(campaign.timezone))
    return f"{date_format(local, 'DATETIME_FORMAT', use_l10n=True)} ({campaign.timezone})"


def _when(campaign: Campaign) -> str:
    """What starts it, in a sentence."""
    start = local_start(campaign)
    if campaign.trigger == CampaignTrigger.DATE:
        return _("Start: %(time)s") % {"time": start}
    if campaign.trigger == CampaignTrigger.AFTER_PURCHASE:
        hours = campaign.delay_hours or 0
        told = ngettext(
            "%(number)s hour after each purchase, from %(time)s on.",
            "%(number)s hours after each purchase, from %(time)s on.",
            hours,
        ) % {"number": hours, "time": start}
    else:
        told = _("%(how_often)s, from %(time)s on.") % {"how_often": _how_often(campaign), "time": start}
    if campaign.end_date:
        told += " " + _("Last day: %(day)s.") % {"day": date_format(campaign.end_date)}
    return told


def _how_often(campaign: Campaign) -> str:
    number = campaign.every or 1
    said = {
        Interval.DAY: ngettext("Every day", "Every %(number)s days", number),
        Interval.WEEK: ngettext("Every week", "Every %(number)s weeks", number),
        Interval.MONTH: ngettext("Every month", "Every %(number)s months", number),
    }
    return said[Interval(campaign.interval)] % {"number": number}


def _occurrences(campaign: Campaign) -> dict[str, Any]:
    """How far the choosing of customers is, and what comes next of a recurring campaign."""
    rows = Occurrence.objects.filter(campaign=campaign)
    choosing = rows.filter(state=OccurrenceState.MATERIALIZING).first()
    last = Customer.objects.order_by("-pk").values_list("pk", flat=True).first() if choosing else None
    coming = None
    if campaign.trigger == CampaignTrigger.RECURRING and campaign.state in campaigns.GOING_ON:
        far = timezone.now() + timedelta(days=366 * 100)
        coming = next(schedules.due(campaign=campaign, known=rows.count(), until=far), None)
    return {
        "choosing": round(100 * choosing.reached / last) if choosing and last else None,
        "times": rows.filter(state=OccurrenceState.CHOSEN).count() if campaign.trigger in STANDING else 0,
        "missed": rows.filter(state=OccurrenceState.LATE).count(),
        "next": coming and _on_its_clock(campaign, coming[1]),
    }


def progress_of(campaign: Campaign) -> dict[str, Any]:
    """How many of its mails are in which state, each with the list of them."""
    rows = Delivery.objects.filter(campaign=campaign).order_by().values_list("state").annotate(Count("pk"))
    counts = {DeliveryState(state): number for state, number in rows}
    addressed = sum(counts.values()) - counts.get(DeliveryState.SUPPRESSED, 0)
    done = addressed - sum(counts.get(state, 0) for state in campaigns.UNFINISHED)
    return {
        "start": _when(campaign) if campaign.starts_at else "",
        **_occurrences(campaign),
        "goes_on": campaign.state in (*campaigns.ASKING, CampaignState.SCHEDULED),
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
