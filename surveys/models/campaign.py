"""Surveys on their way to customers."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Segment, Store
from loyalty_site.lib import constraints
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


class Campaign(models.Model):
    """One sending of a survey to an audience, at `start_date` `start_time` on the clock of an IANA zone (`starts_at` is
    that instant).

    Audience: customers of `segment` (everybody without one), of `stores` (all when empty) by their home store, who
    bought in the last `bought_within_days` (anybody when empty). Whom `experiment` holds out is not asked.
    """

    name = models.CharField(_("name"), max_length=200)
    survey = models.ForeignKey(Survey, verbose_name=_("survey"), on_delete=models.PROTECT, related_name="campaigns")
    state = models.CharField(
        _("state"), max_length=15, choices=CampaignState.choices, default=CampaignState.DRAFT, editable=False
    )
    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    stores = models.ManyToManyField(Store, verbose_name=_("stores"), blank=True, related_name="+")
    bought_within_days = models.PositiveSmallIntegerField(
        _("bought within (days)"), null=True, blank=True, validators=[MinValueValidator(1)]
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
    scheduled_by = models.CharField(_("scheduled by"), max_length=40, blank=True, editable=False)
    materialized_at = models.DateTimeField(_("audience frozen at"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            constraints.choice_is_known("campaign_state_is_known", "state", CampaignState),
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
