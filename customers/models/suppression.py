"""Addresses that get no mail of ours, whoever has them."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib import constraints


class AddressReason(models.TextChoices):
    HARD_BOUNCE = "HARD_BOUNCE", _("there is no such mailbox")
    SOFT_BOUNCES = "SOFT_BOUNCES", _("mails came back several times")
    COMPLAINT = "COMPLAINT", _("reported our mail as spam")
    STAFF = "STAFF", _("entered by staff")


class SuppressedAddress(models.Model):
    """An address in lower case; of who was forgotten a keyed hash of it. It counts while it is not lifted."""

    address = models.CharField(_("address"), max_length=320)
    reason = models.CharField(_("reason"), max_length=15, choices=AddressReason.choices)
    detail = models.CharField(_("what was told"), max_length=500, blank=True)
    suppressed_at = models.DateTimeField(_("since"))
    suppressed_by = models.CharField(_("by"), max_length=40)
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)
    lifted_by = models.CharField(_("lifted by"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("address without mail")
        verbose_name_plural = _("addresses without mail")
        constraints = [
            constraints.choice_is_known("suppressed_address_reason_is_known", "reason", AddressReason),
            models.UniqueConstraint(
                fields=["address"], condition=Q(lifted_at__isnull=True), name="suppressed_address_once_at_a_time"
            ),
            models.CheckConstraint(
                name="suppressed_address_is_lower_case", condition=~Q(address="") & Q(address=Lower("address"))
            ),
            models.CheckConstraint(
                name="suppressed_address_lifted_by_somebody",
                condition=Q(lifted_at__isnull=True, lifted_by="") | Q(lifted_at__isnull=False) & ~Q(lifted_by=""),
            ),
            models.CheckConstraint(
                name="suppressed_address_lifted_after_it_began",
                condition=Q(lifted_at__isnull=True) | Q(lifted_at__gte=F("suppressed_at")),
            ),
        ]

    def __str__(self) -> str:
        return str(_("forgotten")) if self.address.startswith("hash:") else self.address


class SoftBounce(models.Model):
    """The mail `reference` came back for a reason that may pass: a full mailbox, a server that was away."""

    address = models.CharField(max_length=320)
    reference = models.CharField(max_length=100, unique=True)
    bounced_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="soft_bounce_is_lower_case", condition=~Q(address="") & Q(address=Lower("address"))
            ),
            models.CheckConstraint(name="soft_bounce_names_its_mail", condition=~Q(reference="")),
        ]
        indexes = [models.Index(fields=["address", "bounced_at"], name="soft_bounce_of_address")]

    def __str__(self) -> str:
        return self.reference
