"""What points buy."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib import codes, constraints
from loyalty_site.lib.texts import LocalizedTextField, localized
from rewards.models.points import PointsEntry


class RewardKind(models.TextChoices):
    GOODS = "GOODS", _("goods")
    SERVICE = "SERVICE", _("service")


class Reward(models.Model):
    """An item of the catalogue. `stock` moves by one conditional update with each redemption; empty means no limit."""

    name = LocalizedTextField(_("name"))
    description = LocalizedTextField(_("description"), long=True, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=RewardKind.choices, default=RewardKind.GOODS)
    cost_points = models.PositiveIntegerField(_("cost in points"))
    stock = models.PositiveIntegerField(_("stock"), null=True, blank=True)
    offered_from = models.DateTimeField(_("offered from"))
    offered_to = models.DateTimeField(_("offered to"), null=True, blank=True)

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        constraints = [
            constraints.choice_is_known("reward_kind_is_known", "kind", RewardKind),
            models.CheckConstraint(name="reward_costs_something", condition=Q(cost_points__gte=1)),
            constraints.ends_after_start("reward_ends_after_it_starts", "offered_from", "offered_to"),
        ]

    def __str__(self) -> str:
        return localized(self.name)


class RedemptionState(models.TextChoices):
    REQUESTED = "REQUESTED", _("waiting to be picked up")
    FULFILLED = "FULFILLED", _("handed over")
    CANCELLED = "CANCELLED", _("cancelled")


class RewardRedemption(models.Model):
    """A reward taken for points, to be handed over against its pick-up code."""

    CODE_LENGTH = 8

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="redemptions"
    )
    reward = models.ForeignKey(Reward, verbose_name=_("reward"), on_delete=models.PROTECT, related_name="redemptions")
    quantity = models.PositiveSmallIntegerField(_("quantity"), default=1)
    points = models.PositiveIntegerField(_("points"))
    entry = models.OneToOneField(PointsEntry, on_delete=models.PROTECT, related_name="redemption")
    reference = models.CharField(_("reference"), max_length=100, unique=True)
    pickup_code = models.CharField(_("pick-up code"), max_length=CODE_LENGTH, unique=True)
    state = models.CharField(
        _("state"), max_length=10, choices=RedemptionState.choices, default=RedemptionState.REQUESTED
    )
    requested_at = models.DateTimeField(_("requested at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("reward redemption")
        verbose_name_plural = _("reward redemptions")
        constraints = [
            constraints.choice_is_known("redemption_state_is_known", "state", RedemptionState),
            models.CheckConstraint(name="redemption_takes_something", condition=Q(quantity__gte=1, points__gte=1)),
            models.CheckConstraint(
                name="redemption_closed_says_when_and_by_whom",
                condition=Q(state=RedemptionState.REQUESTED, closed_at__isnull=True, closed_by="")
                | ~Q(state=RedemptionState.REQUESTED) & Q(closed_at__isnull=False) & ~Q(closed_by=""),
            ),
        ]
        indexes = [models.Index(fields=["state", "requested_at"], name="redemption_to_hand_over")]

    def __str__(self) -> str:
        return codes.grouped(self.pickup_code)
