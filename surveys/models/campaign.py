"""Surveys on their way to customers."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Segment, Store
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


class DeliveryState(models.TextChoices):
    PENDING = "PENDING", _("waiting")
    SUPPRESSED = "SUPPRESSED", _("not sent")
    CLAIMED = "CLAIMED", _("taken by a worker")
    TRANSMITTING = "TRANSMITTING", _("being sent")
    ACCEPTED = "ACCEPTED", _("accepted")
    DEFERRED = "DEFERRED", _("to be tried again")
    REJECTED = "REJECTED", _("rejected")
    UNCERTAIN = "UNCERTAIN", _("uncertain")


class SuppressionReason(models.TextChoices):
    NO_EMAIL = "NO_EMAIL", _("no e-mail address")
    NO_CONSENT = "NO_CONSENT", _("no consent")
    CLOSED = "CLOSED", _("left the programme")
    HELD_OUT = "HELD_OUT", _("held out, to compare")
    TOO_MANY = "TOO_MANY", _("got as many mails lately as a customer may")
    CANCELLED = "CANCELLED", _("campaign cancelled")


class Delivery(models.Model):
    """One mail of one campaign to one customer.

    The claim (`lease_token`, `lease_expires_at`) is committed before the network is touched and the outcome after each
    recipient. A lease that ends while CLAIMED goes back to PENDING; one that ends while TRANSMITTING is UNCERTAIN and
    never sent again by itself.
    """

    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="deliveries"
    )
    touch = models.PositiveSmallIntegerField(_("touch"), default=1)
    state = models.CharField(_("state"), max_length=15, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    reason = models.CharField(_("reason"), max_length=15, choices=SuppressionReason.choices, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    smtp_reply = models.CharField(_("server's reply"), max_length=500, blank=True)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    opened_at = models.DateTimeField(_("page opened at"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "customer", "touch"], name="delivery_once_per_touch"),
            constraints.choice_is_known("delivery_state_is_known", "state", DeliveryState),
            models.CheckConstraint(
                name="delivery_suppressed_says_why",
                condition=Q(state=DeliveryState.SUPPRESSED) & ~Q(reason="")
                | ~Q(state=DeliveryState.SUPPRESSED) & Q(reason=""),
            ),
            models.CheckConstraint(
                name="delivery_leased_while_in_hand",
                condition=Q(
                    state__in=[DeliveryState.CLAIMED, DeliveryState.TRANSMITTING],
                    lease_token__isnull=False,
                    lease_expires_at__isnull=False,
                )
                | ~Q(state__in=[DeliveryState.CLAIMED, DeliveryState.TRANSMITTING])
                & Q(lease_token__isnull=True, lease_expires_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["not_before", "id"],
                condition=Q(state__in=[DeliveryState.PENDING, DeliveryState.DEFERRED]),
                name="delivery_to_send",
            ),
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(state__in=[DeliveryState.CLAIMED, DeliveryState.TRANSMITTING]),
                name="delivery_with_a_lease",
            ),
            models.Index(fields=["campaign", "state"], name="delivery_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
