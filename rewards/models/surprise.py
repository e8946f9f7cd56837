"""Small unexpected thank-yous, measured against customers who got none."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Purchase
from loyalty_site.lib import append_only, constraints
from rewards.models.coupon import Coupon
from rewards.models.experiment import Arm, Experiment
from rewards.models.offer import Offer


class Trigger(models.TextChoices):
    PURCHASE_OVER = "PURCHASE_OVER", _("a purchase over an amount")


class SurpriseRule(models.Model):
    """When to surprise, with a coupon of `offer`. Active in [active_from, active_to).

    `issued_max` bounds how many are given in all; `given_count` moves by one conditional update with each. A customer
    is surprised at most once in `cooldown_days`. Whom `experiment` holds out never gets it.
    """

    name = models.CharField(_("name"), max_length=200)
    trigger = models.CharField(_("trigger"), max_length=20, choices=Trigger.choices, default=Trigger.PURCHASE_OVER)
    threshold_minor = models.PositiveBigIntegerField(_("amount over (minor units)"))
    offer = models.ForeignKey(Offer, verbose_name=_("offer"), on_delete=models.PROTECT, related_name="surprise_rules")
    issued_max = models.PositiveIntegerField(_("surprises at most"), null=True, blank=True)
    cooldown_days = models.PositiveSmallIntegerField(_("days between two surprises"), default=30)
    experiment = models.OneToOneField(
        Experiment, verbose_name=_("experiment"), on_delete=models.PROTECT, related_name="surprise_rule"
    )
    active_from = models.DateTimeField(_("active from"))
    active_to = models.DateTimeField(_("active to"), null=True, blank=True)
    given_count = models.PositiveIntegerField(_("given"), default=0, editable=False)

    class Meta:
        verbose_name = _("surprise rule")
        verbose_name_plural = _("surprise rules")
        constraints = [
            constraints.choice_is_known("surprise_rule_trigger_is_known", "trigger", Trigger),
            models.CheckConstraint(
                name="surprise_rule_given_within_limit",
                condition=Q(issued_max__isnull=True) | Q(given_count__lte=F("issued_max")),
            ),
            constraints.ends_after_start("surprise_rule_ends_after_it_starts", "active_from", "active_to"),
        ]

    def __str__(self) -> str:
        return self.name


class Surprise(models.Model):
    """A rule that fitted a customer on an occasion (`purchase:17`), once.

    Held-out customers have a row without a coupon.
    """

    rule = models.ForeignKey(SurpriseRule, verbose_name=_("rule"), on_delete=models.PROTECT, related_name="surprises")
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="surprises"
    )
    occasion = models.CharField(_("occasion"), max_length=100)
    arm = models.CharField(_("arm"), max_length=10, choices=Arm.choices)
    happened_at = models.DateTimeField(_("happened at"))
    purchase = models.ForeignKey(
        Purchase, verbose_name=_("purchase"), null=True, blank=True, on_delete=models.PROTECT, related_name="surprises"
    )
    coupon = models.OneToOneField(
        Coupon, verbose_name=_("coupon"), null=True, blank=True, on_delete=models.PROTECT, related_name="surprise"
    )

    class Meta:
        verbose_name = _("surprise")
        verbose_name_plural = _("surprises")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["rule", "customer", "occasion"], name="surprise_once_per_occasion"),
            constraints.choice_is_known("surprise_arm_is_known", "arm", Arm),
            models.CheckConstraint(
                name="surprise_coupon_only_when_treated",
                condition=Q(arm=Arm.TREATED, coupon__isnull=False) | Q(arm=Arm.HOLDOUT, coupon__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.occasion
