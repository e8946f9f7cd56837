"""Who stays close to the stores, in steps. `rewards.domain.tiers` alone moves anybody."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib import append_only, constraints
from loyalty_site.lib.texts import LocalizedTextField, localized


class Tier(models.Model):
    """Reached by what a customer earned or spent within the programme's window (see `Program`), never by the balance.

    `threshold` is in points or in minor units of the programme's currency, as `Program.tier_basis` says. The higher the
    rank, the higher the threshold.
    """

    code = models.SlugField(_("code"), max_length=50, unique=True)
    rank = models.PositiveSmallIntegerField(_("rank"), unique=True)
    name = LocalizedTextField(_("name"))
    threshold = models.PositiveBigIntegerField(_("reached with"))
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")

    def __str__(self) -> str:
        return localized(self.name)


class TierMembership(models.Model):
    """The tier of one customer; empty when it was lost.

    It is kept through the day `keep_until` and the programme's grace days after it, of the programme's calendar. What
    is earned or spent from `counts_from` on counts towards keeping it longer.
    """

    customer = models.OneToOneField(
        Customer, verbose_name=_("customer"), primary_key=True, on_delete=models.PROTECT, related_name="tier_membership"
    )
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), null=True, blank=True, on_delete=models.PROTECT, related_name="memberships"
    )
    since = models.DateTimeField(_("since"))
    counts_from = models.DateField(_("counts from"), null=True, blank=True)
    keep_until = models.DateField(_("kept until"), null=True, blank=True)

    class Meta:
        verbose_name = _("tier of a customer")
        verbose_name_plural = _("tiers of customers")
        constraints = [
            models.CheckConstraint(
                name="tier_membership_has_its_dates",
                condition=Q(tier__isnull=True, counts_from__isnull=True, keep_until__isnull=True)
                | Q(tier__isnull=False, counts_from__isnull=False, keep_until__gte=F("counts_from")),
            ),
        ]
        indexes = [
            models.Index(fields=["keep_until"], condition=Q(tier__isnull=False), name="tier_membership_to_review")
        ]

    def __str__(self) -> str:
        return str(self.tier or "")


class TierChangeReason(models.TextChoices):
    REACHED = "REACHED", _("reached")
    NOT_KEPT = "NOT_KEPT", _("not kept")
    CARRIED_OVER = "CARRIED_OVER", _("carried over from a merged customer")
    SEPARATED = "SEPARATED", _("separated from a merged customer")


class TierChange(models.Model):
    """One step up or down in a customer's history; empty is no tier."""

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="tier_changes", db_index=False
    )
    from_tier = models.ForeignKey(
        Tier, verbose_name=_("from"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    to_tier = models.ForeignKey(
        Tier, verbose_name=_("to"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    happened_at = models.DateTimeField(_("happened at"))
    why = models.CharField(_("why"), max_length=15, choices=TierChangeReason.choices)
    actor = models.CharField(_("actor"), max_length=40)

    class Meta:
        verbose_name = _("change of tier")
        verbose_name_plural = _("changes of tiers")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            constraints.choice_is_known("tier_change_why_is_known", "why", TierChangeReason),
            models.CheckConstraint(
                name="tier_change_changes_the_tier",
                condition=Q(from_tier__isnull=True, to_tier__isnull=False)
                | Q(from_tier__isnull=False, to_tier__isnull=True)
                | Q(from_tier__isnull=False, to_tier__isnull=False) & ~Q(from_tier=F("to_tier")),
            ),
        ]
        indexes = [models.Index(fields=["customer", "-happened_at", "-id"], name="tier_change_newest_first")]

    def __str__(self) -> str:
        return f"{self.from_tier or '–'} → {self.to_tier or '–'}"
