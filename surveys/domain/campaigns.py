"""A survey's way to its audience: when, to whom, and how far it is.

States change by conditional updates, so three beats at once, or a click on a page that is an hour old, do no harm.
"""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.fields import CharField, DateTimeField
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib.actors import SYSTEM, Actor
from loyalty_site.lib.errors import DomainError
from surveys.domain import audience, recipients, schedules
from surveys.models import (
    STANDING,
    TO_SEND,
    Campaign,
    CampaignState,
    CampaignTrigger,
    Delivery,
    DeliveryState,
    Occurrence,
    OccurrenceState,
    SuppressionReason,
    Survey,
)

CANCELLABLE = (
    CampaignState.SCHEDULED,
    CampaignState.MATERIALIZING,
    CampaignState.SENDING,
    CampaignState.PAUSED,
    CampaignState.NEEDS_ATTENTION,
)
# The states in which a campaign asks further customers.
ASKING = (CampaignState.MATERIALIZING, CampaignState.SENDING)
GOING_ON = (CampaignState.SCHEDULED, CampaignState.SENDING)
# The states from which a campaign is found to be over.
SETTLING = (CampaignState.SENDING, CampaignState.PAUSED, CampaignState.NEEDS_ATTENTION)
NOT_HANDED_OVER = (*TO_SEND, DeliveryState.CLAIMED)
UNFINISHED = (*NOT_HANDED_OVER, DeliveryState.TRANSMITTING)


class WrongCampaignState(DomainError):
    code = "campaign_state"
    message = _("That is not possible now: the campaign is in the state “%(state)s”.")


class SurveyNotOpen(DomainError):
    code = "survey_not_open"
    message = _("The survey is not open: it must be published and not closed.")


class StartInThePast(DomainError):
    code = "start_in_the_past"
    message = _("The start is in the past.")


class EndBeforeStart(DomainError):
    code = "end_before_start"
    message = _("The last day comes before the first one.")


@transaction.atomic
def schedule(
    *, campaign: Campaign, start_date: date, start_time: time, timezone: str, by: Actor, at: datetime
) -> Campaign:
    """Sets or moves the start; this very minute is still allowed.

    Raises WrongCampaignState, SurveyNotOpen, StartInThePast, EndBeforeStart, TimezoneUnknown, StartOutOfRange.
    """
    starts_at = schedules.instant(on=start_date, clock_time=start_time, timezone=timezone)
    if starts_at < at.replace(second=0, microsecond=0):
        raise StartInThePast
    if campaign.end_date and campaign.end_date < start_date:
        raise EndBeforeStart
    survey = Survey.objects.select_for_update().get(pk=campaign.survey_id)
    if survey.published_at is None or survey.closed_at is not None:
        raise SurveyNotOpen
    return _move(
        campaign,
        from_states=(CampaignState.DRAFT, CampaignState.SCHEDULED),
        to=CampaignState.SCHEDULED,
        start_date=start_date,
        start_time=start_time,
        timezone=timezone,
        starts_at=starts_at,
        ends_at=schedules.end_of(day=campaign.end_date, timezone=timezone) if campaign.end_date else None,
        scheduled_by=str(by),
        by=by,
        at=at,
    )


@transaction.atomic
def pause(*, campaign: Campaign, by: Actor, at: datetime) -> Campaign:
    """No further mail leaves; one that is being handed over does. Raises WrongCampaignState."""
    return _move(campaign, from_states=(CampaignState.SENDING,), to=CampaignState.PAUSED, by=by, at=at)


@transaction.atomic
def resume(*, campaign: Campaign, by: Actor, at: datetime) -> Campaign:
    """Goes on with what is left. Raises WrongCampaignState."""
    stopped = (CampaignState.PAUSED, CampaignState.NEEDS_ATTENTION)
    return _move(campaign, from_states=stopped, to=CampaignState.SENDING, attention="", by=by, at=at)


def stop(*, campaign: Campaign, reply: str, at: datetime) -> None:
    """The mail server refuses what it says: no further mail leaves until somebody has looked at its `reply`."""
    sending = Campaign.objects.filter(pk=campaign.pk, state=CampaignState.SENDING)
    if sending.update(state=CampaignState.NEEDS_ATTENTION, attention=reply):
        audit.record(actor=SYSTEM, action="campaign.stopped", subject=f"campaign:{campaign.pk}", at=at)


@transaction.atomic
def cancel(*, campaign: Campaign, by: Actor, at: datetime) -> Campaign:
    """For good: who has not got the mail will not. Raises WrongCampaignState."""
    cancelled = _move(campaign, from_states=CANCELLABLE, to=CampaignState.CANCELLED, finished_at=at, by=by, at=at)
    _suppress(Delivery.objects.filter(campaign=cancelled), SuppressionReason.CANCELLED, at)
    return cancelled


def materialize_due(*, at: datetime) -> int:
    """Starts each campaign whose time has come and writes down whom they ask; returns how many occurrences that were.

    What a killed worker left half done is found again by its state. Standing campaigns are looked at up to `at`, then
    they may have ended.
    """
    due = Campaign.objects.filter(state=CampaignState.SCHEDULED, starts_at__lte=at)
    due.filter(trigger=CampaignTrigger.DATE).update(state=CampaignState.MATERIALIZING, materialized_at=at)
    due.filter(trigger__in=STANDING).update(state=CampaignState.SENDING, materialized_at=at)
    _begin_occurrences(at)
    begun = Occurrence.objects.filter(state=OccurrenceState.MATERIALIZING, campaign__state__in=ASKING)
    done = sum(_materialize(pk, at) for pk in list(begun.order_by("due_at", "pk").values_list("pk", flat=True)))
    for pk in list(_live(CampaignTrigger.AFTER_PURCHASE).values_list("pk", flat=True)):
        while _ask_buyers(pk, at):
            pass
    reminding = Campaign.objects.filter(state=CampaignState.SENDING, reminders__gt=0)
    for pk in list(reminding.values_list("pk", flat=True)):
        while _remind(pk, at):
            pass
    for pk in list(_live(*STANDING).values_list("pk", flat=True)):
        _note_end(pk, at)
    return done


def settle_states(*, at: datetime) -> int:
    """Derives where campaigns stand from their deliveries alone; returns how many moved.

    All settled and no reminder to come: COMPLETED, or NEEDS_ATTENTION while some are uncertain. A mail that was
    being handed over when its campaign was cancelled and must wait for a second try is not tried again.
    """
    cancelled = Campaign.objects.filter(pk=OuterRef("campaign_id"), state=CampaignState.CANCELLED)
    _suppress(Delivery.objects.filter(Exists(cancelled)), SuppressionReason.CANCELLED, at)
    reminding = list(Campaign.objects.filter(state__in=SETTLING, reminders__gt=0))
    answered = Delivery.objects.filter(audience.is_answered(), campaign__in=reminding, reminds__isnull=False)
    _suppress(answered, SuppressionReason.ANSWERED, at)
    unfinished = [row.pk for row in reminding if recipients.has_reminders_to_come(campaign=row, at=at)]
    deliveries = Delivery.objects.filter(campaign=OuterRef("pk"))
    sent = Campaign.objects.filter(
        ~Exists(deliveries.filter(state__in=UNFINISHED)),
        Q(trigger=CampaignTrigger.DATE) | Q(ended_at__isnull=False),
        ~Q(pk__in=unfinished),
        state__in=SETTLING,
    ).annotate(
        final=Case(
            When(Exists(deliveries.filter(state=DeliveryState.UNCERTAIN)), then=Value(CampaignState.NEEDS_ATTENTION)),
            default=Value(CampaignState.COMPLETED),
            output_field=CharField(),
        )
    )
    return sent.exclude(state=F("final")).update(
        state=F("final"),
        finished_at=Case(
            When(finished_at__isnull=True, then=Value(at)), default=F("finished_at"), output_field=DateTimeField()
        ),
    )


def _move(
    campaign: Campaign,
    *,
    from_states: Collection[CampaignState],
    to: CampaignState,
    by: Actor,
    at: datetime,
    **also: object,
) -> Campaign:
    moved = Campaign.objects.filter(pk=campaign.pk, state__in=from_states).update(state=to, **also)
    current = Campaign.objects.get(pk=campaign.pk)
    if not moved:
        raise WrongCampaignState(state=current.get_state_display())
    audit.record(actor=by, action=f"campaign.{to.lower()}", subject=f"campaign:{campaign.pk}", at=at)
    return current


def _suppress(deliveries: QuerySet[Delivery], reason: SuppressionReason, at: datetime) -> None:
    """Those that were not handed over yet."""
    deliveries.filter(state__in=NOT_HANDED_OVER).update(
        state=DeliveryState.SUPPRESSED,
        reason=reason,
        lease_token=None,
        lease_expires_at=None,
        settled_at=at,
    )


def _live(*triggers: CampaignTrigger) -> QuerySet[Campaign]:
    return Campaign.objects.filter(trigger__in=triggers, state=CampaignState.SENDING, ended_at__isnull=True)


def _begin_occurrences(at: datetime) -> None:
    """Writes down which ones have come; three ticks at once write each once. Missed for long, they are LATE."""
    begun = []
    for campaign in Campaign.objects.filter(state=CampaignState.MATERIALIZING, occurrences__isnull=True):
        assert campaign.start_date is not None
        assert campaign.starts_at is not None
        day, due_at = campaign.start_date, campaign.starts_at
        begun.append(Occurrence(campaign=campaign, local_date=day, due_at=due_at, began_at=at))
    for campaign in _live(CampaignTrigger.RECURRING):
        for day, due_at in schedules.due(campaign=campaign, known=campaign.occurrences.count(), until=at):
            is_late = due_at < at - recipients.LATE_AFTER
            state = OccurrenceState.LATE if is_late else OccurrenceState.MATERIALIZING
            begun.append(Occurrence(campaign=campaign, local_date=day, due_at=due_at, state=state, began_at=at))
    Occurrence.objects.bulk_create(begun, ignore_conflicts=True)


def _materialize(pk: int, at: datetime) -> bool:
    """All of an occurrence, some customers at a time. False when another worker has it in hand or has done it."""
    while True:
        with transaction.atomic():
            campaign = _held(Campaign.objects.filter(occurrences=pk, state__in=ASKING))
            begun = Occurrence.objects.filter(pk=pk, state=OccurrenceState.MATERIALIZING).first()
            if campaign is None or begun is None:
                return False
            late = campaign.trigger == CampaignTrigger.RECURRING and begun.due_at < at - recipients.LATE_AFTER
            if recipients.add_some(campaign=campaign, occurrence=begun, late=late, at=at):
                continue
            Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.SENDING)
            return True


@transaction.atomic
def _ask_buyers(pk: int, at: datetime) -> bool:
    """Some of the purchases that are long enough ago; False when no more are, or another worker is at it."""
    campaign = _held(_live(CampaignTrigger.AFTER_PURCHASE).filter(pk=pk))
    if campaign is None:
        return False
    if recipients.add_purchases(campaign=campaign, at=at):
        return True
    Campaign.objects.filter(pk=pk).update(reached_at=at)
    return False


@transaction.atomic
def _remind(pk: int, at: datetime) -> bool:
    campaign = _held(Campaign.objects.filter(pk=pk, state=CampaignState.SENDING))
    return campaign is not None and recipients.add_reminders(campaign=campaign, at=at)


@transaction.atomic
def _note_end(pk: int, at: datetime) -> None:
    """A standing campaign has ended when its last day is over and all that belongs to it was asked about."""
    campaign = _held(_live(*STANDING).filter(pk=pk, ends_at__isnull=False))
    if campaign is None or campaign.occurrences.filter(state=OccurrenceState.MATERIALIZING).exists():
        return
    assert campaign.ends_at is not None
    hours = campaign.delay_hours
    grace = timedelta() if hours is None else timedelta(hours=hours) + recipients.LATE_AFTER
    if at >= campaign.ends_at + grace:
        Campaign.objects.filter(pk=pk).update(ended_at=at)


def _held(campaigns: QuerySet[Campaign]) -> Campaign | None:
    """Locked, unless somebody else has it in hand."""
    free = campaigns.select_related("experiment").select_for_update(skip_locked=True, of=("self",), no_key=True)
    return free.first()
