"""Mails of campaigns, one for each customer and touch."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Purchase
from loyalty_site.lib import constraints
from surveys.models.campaign import Campaign, Occurrence


class DeliveryState(models.TextChoices):
    PENDING = "PENDING", _("waiting")
    SUPPRESSED = "SUPPRESSED", _("not sent")
    HELD = "HELD", _("held back")
    CLAIMED = "CLAIMED", _("taken by a worker")
    TRANSMITTING = "TRANSMITTING", _("being sent")
    ACCEPTED = "ACCEPTED", _("accepted")
    DEFERRED = "DEFERRED", _("to be tried again")
    REJECTED = "REJECTED", _("rejected")
    UNCERTAIN = "UNCERTAIN", _("uncertain")
    BOUNCED = "BOUNCED", _("came back")
    COMPLAINED = "COMPLAINED", _("reported as spam")


class SuppressionReason(models.TextChoices):
    """Why a mail was not sent; QUIET_HOURS: why it is held back until `not_before`."""

    NO_EMAIL = "NO_EMAIL", _("no e-mail address")
    SUPPRESSED_ADDRESS = "SUPPRESSED_ADDRESS", _("address gets no mail")
    NO_CONSENT = "NO_CONSENT", _("no consent")
    CLOSED = "CLOSED", _("left the programme")
    HELD_OUT = "HELD_OUT", _("held out, to compare")
    TOO_MANY = "TOO_MANY", _("got as many mails lately as a customer may")
    CANCELLED = "CANCELLED", _("campaign cancelled")
    ANSWERED = "ANSWERED", _("answered meanwhile")
    LATE = "LATE", _("too late to ask")
    QUIET_HOURS = "QUIET_HOURS", _("quiet hours")


# In nobody's hand, and due when their time has come.
TO_SEND = (DeliveryState.PENDING, DeliveryState.HELD, DeliveryState.DEFERRED)


class Delivery(models.Model):
    """One mail of one campaign to one customer, about one of its occurrences or one purchase. `touch` 1 asks, 2 and 3
    remind of it (`reminds`) and lead to the same page.

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
    occurrence = models.ForeignKey(
        Occurrence,
        verbose_name=_("occurrence"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_index=False,
    )
    purchase = models.ForeignKey(
        Purchase,
        verbose_name=_("purchase"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    reminds = models.ForeignKey(
        "self",
        verbose_name=_("reminds of"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reminders",
        db_index=False,
    )
    touch = models.PositiveSmallIntegerField(_("touch"), default=1)
    state = models.CharField(_("state"), max_length=15, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    reason = models.CharField(_("reason"), max_length=20, choices=SuppressionReason.choices, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    smtp_reply = models.CharField(_("server's reply"), max_length=500, blank=True)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    opened_at = models.DateTimeField(_("page opened at"), null=True, blank=True)
    opened_by_program = models.BooleanField(_("opened by a program"), default=False, db_default=False)
    # Of an anonymous survey; the response does not know its delivery.
    answered_on = models.DateField(_("answered on"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["occurrence", "customer", "touch"],
                condition=Q(occurrence__isnull=False),
                name="delivery_once_per_touch",
            ),
            models.UniqueConstraint(
                fields=["campaign", "purchase", "touch"],
                condition=Q(purchase__isnull=False),
                name="delivery_once_per_purchase_and_touch",
            ),
            models.CheckConstraint(
                name="delivery_of_an_occurrence_or_a_purchase",
                condition=Q(occurrence__isnull=False, purchase__isnull=True)
                | Q(occurrence__isnull=True, purchase__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["reminds", "touch"],
                condition=Q(reminds__isnull=False),
                name="delivery_reminds_once_per_touch",
            ),
            models.CheckConstraint(
                name="delivery_reminder_says_of_what",
                condition=Q(touch=1, reminds__isnull=True) | Q(touch__in=[2, 3], reminds__isnull=False),
            ),
            constraints.choice_is_known("delivery_state_is_known", "state", DeliveryState),
            models.CheckConstraint(
                name="delivery_suppressed_says_why",
                condition=Q(state=DeliveryState.SUPPRESSED) & ~Q(reason__in=["", SuppressionReason.QUIET_HOURS])
                | Q(state=DeliveryState.HELD, reason=SuppressionReason.QUIET_HOURS)
                | ~Q(state__in=[DeliveryState.SUPPRESSED, DeliveryState.HELD]) & Q(reason=""),
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
                condition=Q(state__in=TO_SEND),
                name="delivery_to_send",
            ),
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(state__in=[DeliveryState.CLAIMED, DeliveryState.TRANSMITTING]),
                name="delivery_with_a_lease",
            ),
            models.Index(fields=["campaign", "state", "settled_at"], name="delivery_by_state_and_time"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
