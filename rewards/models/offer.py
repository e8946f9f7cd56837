"""Discounts that the stores propose."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from loyalty_site.lib import constraints
from loyalty_site.lib.texts import LocalizedTextField, localized


class OfferKind(models.TextChoices):
    PERCENT = "PERCENT", _("percent off")
    AMOUNT = "AMOUNT", _("amount off")
    GIFT = "GIFT", _("gift handed over")


class Offer(models.Model):
    """What a coupon is worth, for which basket and when.

    Live from `published_at` until `withdrawn_at`, for purchases in [valid_from, valid_to). `redeemed_count` and
    `redeemed_minor` move by one conditional update with each redemption, so that the limit and the budget hold.
    """

    title = LocalizedTextField(_("title"))
    description = LocalizedTextField(_("description"), long=True, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=OfferKind.choices)
    percent = models.DecimalField(_("percent"), max_digits=5, decimal_places=2, null=True, blank=True)
    discount_max_minor = models.PositiveBigIntegerField(_("at most (minor units)"), null=True, blank=True)
    amount_minor = models.PositiveBigIntegerField(_("amount (minor units)"), null=True, blank=True)
    min_spend_minor = models.PositiveBigIntegerField(_("minimum spend (minor units)"), default=0)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    valid_from = models.DateTimeField(_("valid from"))
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)
    coupon_days = models.PositiveSmallIntegerField(
        _("days a coupon lasts"), default=30, validators=[MinValueValidator(1)]
    )
    code_prefix = models.CharField(_("code prefix"), max_length=8, blank=True)
    redemptions_max = models.PositiveIntegerField(_("redemptions at most"), null=True, blank=True)
    budget_minor = models.PositiveBigIntegerField(_("budget (minor units)"), null=True, blank=True)
    is_stackable = models.BooleanField(_("can be combined"), default=False)
    redeemed_count = models.PositiveIntegerField(pgettext_lazy("coupon", "redeemed"), default=0, editable=False)
    redeemed_minor = models.PositiveBigIntegerField(_("discount given (minor units)"), default=0, editable=False)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = [
            constraints.choice_is_known("offer_kind_is_known", "kind", OfferKind),
            models.CheckConstraint(
                name="offer_has_what_its_kind_needs",
                condition=Q(kind=OfferKind.PERCENT, percent__gt=0, percent__lte=100, amount_minor__isnull=True)
                | Q(kind=OfferKind.AMOUNT, amount_minor__gt=0, percent__isnull=True, discount_max_minor__isnull=True)
                | Q(
                    kind=OfferKind.GIFT,
                    amount_minor__isnull=True,
                    percent__isnull=True,
                    discount_max_minor__isnull=True,
                ),
            ),
            models.CheckConstraint(
                name="offer_redemptions_within_limit",
                condition=Q(redemptions_max__isnull=True) | Q(redeemed_count__lte=F("redemptions_max")),
            ),
            models.CheckConstraint(
                name="offer_discount_within_budget",
                condition=Q(budget_minor__isnull=True) | Q(redeemed_minor__lte=F("budget_minor")),
            ),
            models.CheckConstraint(name="offer_code_prefix_is_plain", condition=Q(code_prefix__regex=r"^[A-Z0-9]*$")),
            models.CheckConstraint(name="offer_coupon_lasts_a_day", condition=Q(coupon_days__gte=1)),
            constraints.ends_after_start("offer_ends_after_it_starts", "valid_from", "valid_to"),
            models.CheckConstraint(
                name="offer_is_withdrawn_after_publishing",
                condition=Q(withdrawn_at__isnull=True) | Q(published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return localized(self.title)
