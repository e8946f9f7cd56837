"""Surveys on their way to customers."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Segment, Store
from loyalty_site.lib import constraints
from loyalty_site.lib.texts import LocalizedTextField
from loyalty_site.lib.timezones import validate_timezone
from rewards.models import Experiment
from surveys.models.survey import Survey


class CampaignState(models.TextChoices):
    DRAFT = "DRAFT", _("draft")
    SCHEDULED = "SCHEDULED", _("scheduled")
    MATERIALIZING = "MATERIALIZING", _("choosing customers")
    SENDING = "SENDING", _("sending")
    PAUSED = "PAUSED", _("paused")
    COMPLETED = "COMPLETED", _("completed")
    CANCELLED = "CANCELLED", _("cancelled")
    NEEDS_ATTENTION = "NEEDS_ATTENTION", _("needs attention")


class CampaignTrigger(models.TextChoices):
    DATE = "DATE", _("once, on a date")
    AFTER_PURCHASE = "AFTER_PURCHASE", _("after each purchase")
    RECURRING = "RECURRING", _("again and again")


class Interval(models.TextChoices):
    DAY = "DAY", _("days")
    WEEK = "WEEK", _("weeks")
    MONTH = "MONTH", _("months")


# They stay SENDING until they end.
STANDING = (CampaignTrigger.AFTER_PURCHASE, CampaignTrigger.RECURRING)


class Campaign(models.Model):
    """The sending of a survey to an audience, from `start_date` `start_time` on the clock of an IANA zone on
    (`starts_at` is that instant).

    DATE: once, then. RECURRING: then, and again `every` so many `interval` at the same time of the clock.
    AFTER_PURCHASE: `delay_hours` after each purchase that is made from then on. Both until `end_date` has passed in
    that zone (`ends_at` is that instant; without it, until it is cancelled). `reached_at` is the time up to which
    purchases were looked at, and `ended_at` when it stopped to ask anybody anew. Who got the mail and did not answer
    gets up to `reminders`, each `reminder_days` after the mail before it.

    Audience: customers of `segment` (everybody without one), of `stores` (all when empty) by their home store or, after
    a purchase, by the store of the purchase, of `languages` (all when empty), who bought in the last
    `bought_within_days` (anybody when empty). Whom `experiment` holds out is not asked.

    `subject` and `introduction` of the mail may name what `wording.OF_SURVEY` lists.
    """

    name = models.CharField(_("name"), max_length=200)
    survey = models.ForeignKey(Survey, verbose_name=_("survey"), on_delete=models.PROTECT, related_name="campaigns")
    state = models.CharField(
        _("state"), max_length=15, choices=CampaignState.choices, default=CampaignState.DRAFT, editable=False
    )
    trigger = models.CharField(_("sent"), max_length=15, choices=CampaignTrigger.choices, default=CampaignTrigger.DATE)
    delay_hours = models.PositiveSmallIntegerField(
        _("hours after the purchase"), null=True, blank=True, validators=[MaxValueValidator(24 * 90)]
    )
    every = models.PositiveSmallIntegerField(
        _("every"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    interval = models.CharField(_("days, weeks or months"), max_length=5, choices=Interval.choices, blank=True)
    end_date = models.DateField(_("last day"), null=True, blank=True)
    reminders = models.PositiveSmallIntegerField(
        _("reminders"), default=0, choices=[(0, _("none")), (1, _("one")), (2, _("two"))]
    )
    reminder_days = models.PositiveSmallIntegerField(
        _("days between reminders"), default=3, validators=[MinValueValidator(1), MaxValueValidator(90)]
    )
    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    stores = models.ManyToManyField(Store, verbose_name=_("stores"), blank=True, related_name="+")
    languages = ArrayField(
        models.CharField(max_length=10, choices=settings.LANGUAGES),
        verbose_name=_("languages"),
        default=list,
        blank=True,
    )
    bought_within_days = models.PositiveSmallIntegerField(
        _("bought within (days)"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    subject = LocalizedTextField(
        _("subject"), blank=True, help_text=_("Empty in a language: the survey's title in that language.")
    )
    introduction = LocalizedTextField(
        _("introduction"), long=True, blank=True, help_text=_("Empty in a language: the survey's introduction.")
    )
    experiment = models.OneToOneField(
        Experiment,
        verbose_name=_("experiment"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="campaign",
    )
    start_date = models.DateField(_("start date"), null=True, blank=True)
    start_time = models.TimeField(_("start time"), null=True, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_timezone])
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True, editable=False)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True, editable=False)
    reached_at = models.DateTimeField(_("looked at until"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)
    scheduled_by = models.CharField(_("scheduled by"), max_length=40, blank=True, editable=False)
    attention = models.CharField(_("stopped because"), max_length=500, blank=True, editable=False)
    materialized_at = models.DateTimeField(_("audience frozen at"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            constraints.choice_is_known("campaign_state_is_known", "state", CampaignState),
            constraints.choice_is_known("campaign_trigger_is_known", "trigger", CampaignTrigger),
            models.CheckConstraint(
                name="campaign_trigger_says_its_terms",
                condition=Q(
                    trigger=CampaignTrigger.DATE, delay_hours=None, every=None, interval="", end_date__isnull=True
                )
                | Q(trigger=CampaignTrigger.AFTER_PURCHASE, delay_hours__isnull=False, every=None, interval="")
                | Q(
                    trigger=CampaignTrigger.RECURRING,
                    delay_hours=None,
                    every__gte=1,
                    interval__in=Interval.values,
                ),
            ),
            models.CheckConstraint(
                name="campaign_reminders_at_most_two", condition=Q(reminders__lte=2, reminder_days__gte=1)
            ),
            models.CheckConstraint(
                name="campaign_languages_are_known",
                condition=Q(languages__contained_by=[code for code, _name in settings.LANGUAGES]),
            ),
            models.CheckConstraint(
                name="campaign_ends_not_before_it_starts",
                condition=Q(end_date__isnull=True) | Q(start_date__isnull=True) | Q(end_date__gte=F("start_date")),
            ),
            models.CheckConstraint(
                name="campaign_scheduled_says_when_and_by_whom",
                condition=Q(state__in=[CampaignState.DRAFT, CampaignState.CANCELLED])
                | Q(starts_at__isnull=False) & ~Q(scheduled_by=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["starts_at"], condition=Q(state=CampaignState.SCHEDULED), name="campaign_waiting_for_its_time"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class OccurrenceState(models.TextChoices):
    MATERIALIZING = "MATERIALIZING", _("choosing customers")
    CHOSEN = "CHOSEN", _("chosen")
    LATE = "LATE", _("too late, left out")


class Occurrence(models.Model):
    """One time at which a campaign asks its audience: the only one of a date, or one day of a recurring campaign.

    The audience is that of `began_at`. Its rows are written some customers at a time, by their ids: `reached` is the
    last one that was looked at, so that whoever goes on after a worker was killed does not begin anew.
    """

    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, related_name="occurrences", db_index=False
    )
    local_date = models.DateField(_("day"))
    due_at = models.DateTimeField(_("due at"))
    state = models.CharField(
        _("state"), max_length=15, choices=OccurrenceState.choices, default=OccurrenceState.MATERIALIZING
    )
    began_at = models.DateTimeField(_("began at"))
    reached = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("occurrence")
        verbose_name_plural = _("occurrences")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "local_date"], name="occurrence_once_per_day"),
            constraints.choice_is_known("occurrence_state_is_known", "state", OccurrenceState),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state=OccurrenceState.MATERIALIZING),
                name="occurrence_choosing_customers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.local_date}"
