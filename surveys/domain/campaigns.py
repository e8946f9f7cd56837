"""A survey's way to its audience: when, to whom, and how far it is.

States change by conditional updates, so three beats at once, or a click on a page that is an hour old, do no harm.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, QuerySet, Value, When
from django.db.models.fields import CharField, DateTimeField
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib import timezones
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import experiments
from rewards.models import Arm
from surveys.domain import audience
from surveys.models import Campaign, CampaignState, Delivery, DeliveryState, SuppressionReason, Survey

CANCELLABLE = (
    CampaignState.SCHEDULED,
    CampaignState.MATERIALIZING,
    CampaignState.SENDING,
    CampaignState.PAUSED,
    CampaignState.NEEDS_ATTENTION,
)
NOT_HANDED_OVER = (DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.CLAIMED)
UNFINISHED = (*NOT_HANDED_OVER, DeliveryState.TRANSMITTING)
FOR_A_PERSON = (DeliveryState.UNCERTAIN, DeliveryState.REJECTED)


class WrongCampaignState(DomainError):
    code = "campaign_state"
    message = _("That is not possible now: the campaign is in the state “%(state)s”.")


class SurveyNotOpen(DomainError):
    code = "survey_not_open"
    message = _("The survey is not open: it must be published and not closed.")


class TimezoneUnknown(DomainError):
    code = "timezone_unknown"
    message = _("“%(timezone)s” is not a time zone; write for example Asia/Shanghai.")


class StartInThePast(DomainError):
    code = "start_in_the_past"
    message = _("The start is in the past.")


class StartOutOfRange(DomainError):
    code = "start_out_of_range"
    message = _("The start is beyond the calendar.")


@dataclass(frozen=True, slots=True)
class Preflight:
    """Of `total` customers in the audience `will_send` get the mail; `reasons` says why the others do not."""

    total: int
    will_send: int
    reasons: dict[SuppressionReason, int]


def preflight(*, campaign: Campaign, at: datetime) -> Preflight:
    """What freezing the audience would give at `at`, in one query."""
    chosen = audience.of(campaign=campaign, at=at).annotate(reason=audience.suppression_reason())
    counts = dict(chosen.values_list("reason").annotate(n=Count("pk")).order_by("reason"))
    will_send = counts.pop("", 0)
    return Preflight(
        total=will_send + sum(counts.values()),
        will_send=will_send,
        reasons={SuppressionReason(reason): n for reason, n in counts.items()},
    )


def instant(*, on: date, clock_time: time, timezone: str) -> datetime:
    """The moment when clocks in `timezone` show this.

    Shown never (clocks jump over it): as much later as they jump. Shown twice (clocks go back): the first time.
    Raises TimezoneUnknown, StartOutOfRange.
    """
    if timezone not in timezones.names():
        raise TimezoneUnknown(timezone=timezone)
    try:
        return datetime.combine(on, clock_time.replace(fold=0), tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    except OverflowError as error:
        raise StartOutOfRange from error


@transaction.atomic
def schedule(
    *, campaign: Campaign, start_date: date, start_time: time, timezone: str, by: Actor, at: datetime
) -> Campaign:
    """Sets or moves the start; this very minute is still allowed.

    Raises WrongCampaignState, SurveyNotOpen, StartInThePast, TimezoneUnknown, StartOutOfRange.
    """
    starts_at = instant(on=start_date, clock_time=start_time, timezone=timezone)
    if starts_at < at.replace(second=0, microsecond=0):
        raise StartInThePast
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
    """Raises WrongCampaignState."""
    return _move(campaign, from_states=(CampaignState.PAUSED,), to=CampaignState.SENDING, by=by, at=at)


@transaction.atomic
def cancel(*, campaign: Campaign, by: Actor, at: datetime) -> Campaign:
    """For good: who has not got the mail will not. Raises WrongCampaignState."""
    cancelled = _move(campaign, from_states=CANCELLABLE, to=CampaignState.CANCELLED, finished_at=at, by=by, at=at)
    _suppress_cancelled(Delivery.objects.filter(campaign=cancelled), at)
    return cancelled


def materialize_due(*, at: datetime) -> int:
    """Freezes the audience of each campaign whose time has come and starts its sending; returns how many.

    A campaign that a killed worker left half done is found again by its state.
    """
    due = Campaign.objects.filter(state=CampaignState.SCHEDULED, starts_at__lte=at)
    due.update(state=CampaignState.MATERIALIZING, materialized_at=at)
    frozen = Campaign.objects.filter(state=CampaignState.MATERIALIZING).order_by("starts_at", "pk")
    return sum(_materialize(pk) for pk in list(frozen.values_list("pk", flat=True)))


def settle_states(*, at: datetime) -> int:
    """Derives where campaigns stand from their deliveries alone; returns how many moved.

    All settled: COMPLETED, or NEEDS_ATTENTION while some are uncertain or rejected. A mail that was being handed over
    when its campaign was cancelled and must wait for a second try is not tried again.
    """
    cancelled = Campaign.objects.filter(pk=OuterRef("campaign_id"), state=CampaignState.CANCELLED)
    _suppress_cancelled(Delivery.objects.filter(Exists(cancelled)), at)
    deliveries = Delivery.objects.filter(campaign=OuterRef("pk"))
    sent = Campaign.objects.filter(
        ~Exists(deliveries.filter(state__in=UNFINISHED)),
        state__in=[CampaignState.SENDING, CampaignState.PAUSED, CampaignState.NEEDS_ATTENTION],
    ).annotate(
        final=Case(
            When(Exists(deliveries.filter(state__in=FOR_A_PERSON)), then=Value(CampaignState.NEEDS_ATTENTION)),
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


def _suppress_cancelled(deliveries: QuerySet[Delivery], at: datetime) -> None:
    deliveries.filter(state__in=NOT_HANDED_OVER).update(
        state=DeliveryState.SUPPRESSED,
        reason=SuppressionReason.CANCELLED,
        lease_token=None,
        lease_expires_at=None,
        settled_at=at,
    )


@transaction.atomic
def _materialize(pk: int) -> bool:
    """Arms, then a delivery for each customer. False when another worker has the campaign in hand or has done it."""
    free = Campaign.objects.select_for_update(skip_locked=True, of=("self",)).select_related("experiment")
    campaign = free.filter(pk=pk, state=CampaignState.MATERIALIZING).first()
    if campaign is None:
        return False
    at = campaign.materialized_at
    assert at is not None
    if campaign.experiment:
        mailable = audience.of(campaign=campaign, at=at).alias(why=audience.suppression_reason()).filter(why="")
        experiments.assign_all(experiment=campaign.experiment, customers=mailable, occasion=f"campaign:{pk}", at=at)
    _insert_deliveries(campaign, at=at)
    campaign.state = CampaignState.SENDING
    campaign.save(update_fields=["state"])
    return True


def _insert_deliveries(campaign: Campaign, *, at: datetime) -> None:
    chosen = audience.of(campaign=campaign, at=at).annotate(reason=audience.suppression_reason())
    people, parameters = chosen.values_list("pk", "reason").order_by("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO surveys_delivery (campaign_id, customer_id, touch, state, reason, attempts, not_before,
                                          settled_at, smtp_reply)
            SELECT %s, chosen.id, 1, CASE why WHEN '' THEN 'PENDING' ELSE 'SUPPRESSED' END, why, 0, %s,
                   CASE why WHEN '' THEN NULL ELSE %s END, ''
            FROM (SELECT customer.id, CASE WHEN reason = '' AND arm = %s THEN %s ELSE reason END AS why
                  FROM ({people}) AS customer (id, reason)
                  LEFT JOIN rewards_assignment assignment
                         ON assignment.customer_id = customer.id AND assignment.experiment_id = %s) AS chosen
            ON CONFLICT ON CONSTRAINT delivery_once_per_touch DO NOTHING
            """,  # noqa: S608 - the query of the ORM, with its parameters apart
            [
                campaign.pk,
                at,
                at,
                Arm.HOLDOUT.value,
                SuppressionReason.HELD_OUT.value,
                *parameters,
                campaign.experiment_id,
            ],
        )
