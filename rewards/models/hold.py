"""Points kept for somebody who may take them. `rewards.domain.points` is the only door."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from loyalty_site.lib import constraints
from rewards.models.points import PointsAccount, PointsEntry, PointsLot


class HoldState(models.TextChoices):
    OPEN = "OPEN", pgettext_lazy("hold", "open")
    CAPTURED = "CAPTURED", _("captured")
    RELEASED = "RELEASED", _("released")


class PointsHold(models.Model):
    """Points that nobody else can spend until `expires_at`; they move in the ledger when the hold is captured.

    A hold that nobody closed expires by itself: it stays OPEN and counts for nothing. `entry` is the redemption that a
    capture made.
    """

    customer = models.ForeignKey(
        PointsAccount, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="holds", db_index=False
    )
    points = models.BigIntegerField(_("points"))
    reference = models.CharField(_("reference"), max_length=100)
    state = models.CharField(_("state"), max_length=10, choices=HoldState.choices, default=HoldState.OPEN)
    held_at = models.DateTimeField(_("held at"))
    expires_at = models.DateTimeField(_("expires at"))
    actor = models.CharField(_("actor"), max_length=40)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=40, blank=True)
    entry = models.OneToOneField(
        PointsEntry,
        verbose_name=pgettext_lazy("points ledger", "entry"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="hold",
    )

    class Meta:
        verbose_name = _("hold on points")
        verbose_name_plural = _("holds on points")
        constraints = [
            models.UniqueConstraint(fields=["customer", "reference"], name="points_hold_is_made_once"),
            models.CheckConstraint(name="points_hold_reference_is_not_empty", condition=~Q(reference="")),
            models.CheckConstraint(name="points_hold_keeps_something", condition=Q(points__gt=0)),
            constraints.choice_is_known("points_hold_state_is_known", "state", HoldState),
            constraints.ends_after_start("points_hold_expires_after_it_is_made", "held_at", "expires_at"),
            models.CheckConstraint(
                name="points_hold_state_fits_how_it_ended",
                condition=Q(state=HoldState.OPEN, closed_at__isnull=True, closed_by="", entry__isnull=True)
                | Q(state=HoldState.CAPTURED, closed_at__isnull=False, entry__isnull=False) & ~Q(closed_by="")
                | Q(state=HoldState.RELEASED, closed_at__isnull=False, entry__isnull=True) & ~Q(closed_by=""),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "expires_at"], condition=Q(state="OPEN"), name="points_hold_open"),
        ]

    def __str__(self) -> str:
        return f"{self.points}"

    def is_active(self, at: datetime) -> bool:
        """Whether it keeps its points from others at `at`."""
        return self.state == HoldState.OPEN and self.expires_at > at


class PointsHoldPart(models.Model):
    """How much a hold keeps of which lot; together the hold's points."""

    customer = models.ForeignKey(PointsAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    hold = models.ForeignKey(PointsHold, on_delete=models.PROTECT, related_name="parts", db_index=False)
    lot = models.ForeignKey(
        PointsLot, verbose_name=_("points lot"), on_delete=models.PROTECT, related_name="hold_parts"
    )
    points = models.BigIntegerField(_("points"))

    class Meta:
        verbose_name = _("part of a hold")
        verbose_name_plural = _("parts of holds")
        constraints = [
            models.UniqueConstraint(fields=["hold", "lot"], name="points_hold_part_once_per_hold_and_lot"),
            models.CheckConstraint(name="points_hold_part_keeps_something", condition=Q(points__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.points}"
