"""Small unexpected thank-yous, measured against customers who got none."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer, Purchase
from loyalty_site.lib import append_only, constraints
from rewards.models.coupon import Coupon
from rewards.models.experiment import Arm
from rewards.models.points import PointsEntry
from rewards.models.surprise_rule import SurpriseRule


class Surprise(models.Model):
    """A rule that fitted a customer on an occasion, once: `purchase:17`, `visit:10`, `category:4`, `birthday:2026`,
    `anniversary:2026`, `sign-up`, `win-back:17`, `overdue:2026-05-20` (the last day with a purchase); of a lucky draw
    `purchase:17` is the lot.

    `happened_at` is when the occasion was, `decided_at` when the rule looked at it. Held-out customers have a row
    without a gesture, which costs nothing.
    """

    rule = models.ForeignKey(SurpriseRule, verbose_name=_("rule"), on_delete=models.PROTECT, related_name="surprises")
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="surprises", db_index=False
    )
    occasion = models.CharField(_("occasion"), max_length=100)
    arm = models.CharField(
        _("arm"), max_length=10, choices=[(Arm.TREATED.value, _("surprised")), (Arm.HOLDOUT.value, Arm.HOLDOUT.label)]
    )
    happened_at = models.DateTimeField(_("happened at"))
    decided_at = models.DateTimeField(_("decided at"))
    purchase = models.ForeignKey(
        Purchase, verbose_name=_("purchase"), null=True, blank=True, on_delete=models.PROTECT, related_name="surprises"
    )
    coupon = models.OneToOneField(
        Coupon, verbose_name=_("coupon"), null=True, blank=True, on_delete=models.PROTECT, related_name="surprise"
    )
    points_entry = models.OneToOneField(
        PointsEntry, verbose_name=_("points"), null=True, blank=True, on_delete=models.PROTECT, related_name="surprise"
    )
    cost_minor = models.PositiveBigIntegerField(_("cost (minor units)"), default=0)

    class Meta:
        verbose_name = _("surprise")
        verbose_name_plural = _("surprises")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["rule", "customer", "occasion"], name="surprise_once_per_occasion"),
            constraints.choice_is_known("surprise_arm_is_known", "arm", Arm),
            models.CheckConstraint(
                name="surprise_gesture_only_when_treated",
                condition=Q(arm=Arm.TREATED, coupon__isnull=False, points_entry__isnull=True)
                | Q(arm=Arm.TREATED, coupon__isnull=True, points_entry__isnull=False)
                | Q(arm=Arm.HOLDOUT, coupon__isnull=True, points_entry__isnull=True, cost_minor=0),
            ),
        ]
        indexes = [models.Index(fields=["customer", "happened_at"], name="surprise_of_customer")]

    def __str__(self) -> str:
        return self.occasion


class DrawOutcome(models.TextChoices):
    """What became of a purchase that was drawn."""

    GIVEN = "GIVEN", pgettext_lazy("draw", "surprised")
    HOLDOUT = "HOLDOUT", _("held out")
    COOLDOWN = "COOLDOWN", _("surprised by this rule a short while before")
    QUIET = "QUIET", _("surprised by some rule a short while before")
    CUSTOMER_MAX = "CUSTOMER_MAX", _("surprised as often as a customer can be")
    NOTHING_LEFT = "NOTHING_LEFT", _("limit or budget were used up")
    RETURNED = "RETURNED", _("everything came back before")


class SurpriseDraw(models.Model):
    """A purchase that a lucky draw drew, and what came of it. What was not drawn has no row: the seed says it again.

    `lot` is the customer's first purchase of that day, by which it was drawn; empty: the purchase itself. A lot is
    looked at once, and again only where all of what it was looked at for had come back.
    """

    rule = models.ForeignKey(
        SurpriseRule, verbose_name=_("rule"), on_delete=models.PROTECT, related_name="draws", db_index=False
    )
    purchase = models.ForeignKey(
        Purchase, verbose_name=_("purchase"), on_delete=models.PROTECT, related_name="surprise_draws"
    )
    lot = models.ForeignKey(
        Purchase,
        verbose_name=_("lot"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    outcome = models.CharField(_("outcome"), max_length=12, choices=DrawOutcome.choices)
    decided_at = models.DateTimeField(_("decided at"))

    class Meta:
        verbose_name = _("lucky draw")
        verbose_name_plural = _("lucky draws")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["rule", "purchase"], name="purchase_is_drawn_once"),
            models.UniqueConstraint(
                F("rule"),
                Coalesce("lot", "purchase"),
                name="lot_is_drawn_once",
                condition=~Q(outcome=DrawOutcome.RETURNED),
            ),
            constraints.choice_is_known("surprise_draw_outcome_is_known", "outcome", DrawOutcome),
        ]

    def __str__(self) -> str:
        return f"{self.purchase_id}"
