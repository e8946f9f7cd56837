"""Points moved by hand: who asked for it and why, and who else said yes."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib import constraints
from rewards.models.points import PointsEntry


class AdjustmentState(models.TextChoices):
    WAITING = "WAITING", _("waits for a second person")
    BOOKED = "BOOKED", _("booked")
    REFUSED = "REFUSED", _("refused")


class PointsAdjustment(models.Model):
    """A correction by hand, up or down, as somebody asked for it; booked once, as `entry`.

    With `needs_second` it is booked when another person has said yes: then `decided_by` is who. `reference` is what
    the asking interface names it by, so that asking twice asks once. Actors as text.
    """

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="adjustments", db_index=False
    )
    points = models.BigIntegerField(_("points"))
    reason = models.CharField(_("reason"), max_length=500)
    reference = models.CharField(_("reference"), max_length=100, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=AdjustmentState.choices)
    needs_second = models.BooleanField(_("needs a second person"))
    asked_by = models.CharField(_("asked by"), max_length=40)
    asked_at = models.DateTimeField(_("asked at"))
    decided_by = models.CharField(_("decided by"), max_length=40, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    note = models.CharField(_("why refused"), max_length=500, blank=True)
    entry = models.OneToOneField(
        PointsEntry,
        verbose_name=_("ledger entry"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="adjustment",
    )

    class Meta:
        verbose_name = _("points adjustment")
        verbose_name_plural = _("points adjustments")
        constraints = [
            constraints.choice_is_known("points_adjustment_state_is_known", "state", AdjustmentState),
            models.CheckConstraint(
                name="points_adjustment_says_how_many_and_why", condition=~Q(points=0) & ~Q(reason="")
            ),
            models.CheckConstraint(name="points_adjustment_decided_by_another", condition=~Q(decided_by=F("asked_by"))),
            models.CheckConstraint(
                name="points_adjustment_stands_as_it_says",
                condition=Q(state=AdjustmentState.WAITING, decided_by="", decided_at=None, entry=None)
                | Q(state=AdjustmentState.BOOKED, needs_second=False, decided_by="", decided_at=None)
                & Q(entry__isnull=False)
                | Q(state=AdjustmentState.BOOKED, needs_second=True, decided_at__isnull=False, entry__isnull=False)
                & ~Q(decided_by="")
                | Q(state=AdjustmentState.REFUSED, needs_second=True, decided_at__isnull=False, entry=None)
                & ~Q(decided_by="")
                & ~Q(note=""),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "asked_by", "asked_at"], name="points_adjustment_of_asker"),
            models.Index(fields=["state", "asked_at"], name="points_adjustment_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.points:+d}"
