"""Uses of coupons, and how often offers were used by whom."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer, Purchase, PurchaseReturn
from rewards.models.coupon import Coupon
from rewards.models.offer import Offer


class CouponRedemption(models.Model):
    """One use of a coupon: in a purchase, or for a gift handed over. Undone once, by a conditional update.

    `period_start` is the first day of the offer's calendar period in which it counts, where the offer has one.
    """

    coupon = models.ForeignKey(
        Coupon, verbose_name=_("coupon"), on_delete=models.PROTECT, db_index=False, related_name="redemptions"
    )
    offer = models.ForeignKey(Offer, verbose_name=_("offer"), on_delete=models.PROTECT, related_name="redemptions")
    customer = models.ForeignKey(
        Customer,
        verbose_name=_("customer"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="coupon_redemptions",
    )
    purchase = models.ForeignKey(
        Purchase,
        verbose_name=_("purchase"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="coupon_redemptions",
    )
    discount_minor = models.PositiveBigIntegerField(_("discount (minor units)"))
    period_start = models.DateField(_("counts in the period from"), null=True, blank=True)
    redeemed_at = models.DateTimeField(_("redeemed at"))
    redeemed_by = models.CharField(_("redeemed by"), max_length=40)
    rolled_back_at = models.DateTimeField(_("rolled back at"), null=True, blank=True)
    rolled_back_by = models.CharField(_("rolled back by"), max_length=40, blank=True)
    purchase_return = models.ForeignKey(
        PurchaseReturn,
        verbose_name=_("return"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="coupon_redemptions",
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("coupon redemption")
        verbose_name_plural = _("coupon redemptions")
        constraints = [
            models.UniqueConstraint(
                fields=["coupon", "purchase", "redeemed_at"], name="coupon_redeemed_once_per_purchase"
            ),
            models.CheckConstraint(name="coupon_redemption_says_by_whom", condition=~Q(redeemed_by="")),
            models.CheckConstraint(
                name="coupon_redemption_rolled_back_by_someone",
                condition=Q(rolled_back_at__isnull=True, rolled_back_by="", purchase_return__isnull=True, reason="")
                | Q(rolled_back_at__isnull=False) & ~Q(rolled_back_by=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["purchase_return"],
                name="coupon_redemption_of_return",
                condition=Q(purchase_return__isnull=False),
            ),
            models.Index(
                fields=["redeemed_by", "redeemed_at"],
                name="coupon_gift_handed_over",
                condition=Q(purchase__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coupon}"


class OfferTally(models.Model):
    """How often an offer stands redeemed by a customer, in a period, or by a customer in a period.

    Moved by one conditional statement with each redemption, so that limits hold; given back with each roll-back. What
    all customers redeemed at any time is counted in the offer itself.
    """

    offer = models.ForeignKey(
        Offer, verbose_name=_("offer"), on_delete=models.PROTECT, db_index=False, related_name="tallies"
    )
    customer = models.ForeignKey(
        Customer,
        verbose_name=_("customer"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="offer_tallies",
    )
    period_start = models.DateField(_("period from"), null=True, blank=True)
    used = models.PositiveIntegerField(pgettext_lazy("coupon", "used"))
    discount_minor = models.PositiveBigIntegerField(_("discount (minor units)"))

    class Meta:
        verbose_name = _("uses of an offer")
        verbose_name_plural = _("uses of offers")
        constraints = [
            models.UniqueConstraint(
                fields=["offer", "customer", "period_start"], name="offer_tally_once_per_key", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="offer_tally_is_of_someone_or_some_time",
                condition=Q(customer__isnull=False) | Q(period_start__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offer}"
