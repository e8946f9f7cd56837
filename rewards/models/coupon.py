"""Offers in customers' hands."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer, Purchase, PurchaseReturn
from loyalty_site.lib import append_only, codes, constraints
from rewards.models.offer import Offer


class CouponState(models.TextChoices):
    ISSUED = "ISSUED", _("issued")
    REDEEMED = "REDEEMED", pgettext_lazy("coupon", "redeemed")
    VOID = "VOID", _("void")


class Coupon(models.Model):
    """One code, good once. Without `customer` it belongs to whoever bears it.

    `code` is normalized (capitals, no separators): the offer's prefix, then BODY_LENGTH symbols made by
    `loyalty_site.lib.codes`: 11 random ones, 54 bits, and the check symbol. Whether a coupon has expired is read from
    `expires_at`, never from a job.
    """

    BODY_LENGTH = 12

    code = models.CharField(pgettext_lazy("coupon", "code"), max_length=40, unique=True)
    offer = models.ForeignKey(Offer, verbose_name=_("offer"), on_delete=models.PROTECT, related_name="coupons")
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), null=True, blank=True, on_delete=models.PROTECT, related_name="coupons"
    )
    state = models.CharField(_("state"), max_length=10, choices=CouponState.choices, default=CouponState.ISSUED)
    reference = models.CharField(
        _("reference"), max_length=100, help_text=_("What caused it; the same cause never issues twice.")
    )
    issued_at = models.DateTimeField(_("issued at"))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    redeemed_at = models.DateTimeField(_("redeemed at"), null=True, blank=True)
    redeemed_by = models.CharField(_("redeemed by"), max_length=40, blank=True)
    purchase = models.ForeignKey(
        Purchase, verbose_name=_("purchase"), null=True, blank=True, on_delete=models.PROTECT, related_name="coupons"
    )
    discount_minor = models.PositiveBigIntegerField(_("discount (minor units)"), null=True, blank=True)

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = [
            constraints.choice_is_known("coupon_state_is_known", "state", CouponState),
            models.UniqueConstraint(fields=["offer", "reference"], name="coupon_is_issued_once_per_cause"),
            models.CheckConstraint(
                name="coupon_redeemed_says_when_by_whom_and_how_much",
                condition=Q(state=CouponState.REDEEMED, redeemed_at__isnull=False, discount_minor__isnull=False)
                & ~Q(redeemed_by="")
                | ~Q(state=CouponState.REDEEMED)
                & Q(redeemed_at__isnull=True, discount_minor__isnull=True, redeemed_by="", purchase__isnull=True),
            ),
            constraints.ends_after_start("coupon_expires_after_it_is_issued", "issued_at", "expires_at"),
        ]
        indexes = [
            models.Index(fields=["customer", "state", "expires_at"], name="coupon_of_customer"),
            models.Index(
                fields=["redeemed_by", "redeemed_at"],
                condition=Q(state=CouponState.REDEEMED, purchase__isnull=True),
                name="coupon_gift_handed_over",
            ),
        ]

    def __str__(self) -> str:
        return self.display_code

    @property
    def display_code(self) -> str:
        """`MOON4T7KQXABCDEF` as people read it: `MOON-4T7K-QXAB-CDEF`."""
        return codes.grouped(self.code, body_length=self.BODY_LENGTH)


class CouponGiveBack(models.Model):
    """A redemption that was undone, as it had been, because all of its purchase came back; the coupon is good again.

    Without a return: a gift that was handed over by mistake.
    """

    coupon = models.ForeignKey(Coupon, verbose_name=_("coupon"), on_delete=models.PROTECT, related_name="give_backs")
    purchase_return = models.ForeignKey(
        PurchaseReturn,
        verbose_name=_("return"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="coupon_give_backs",
    )
    redeemed_at = models.DateTimeField(_("redeemed at"))
    redeemed_by = models.CharField(_("redeemed by"), max_length=40)
    discount_minor = models.PositiveBigIntegerField(_("discount (minor units)"))
    given_back_at = models.DateTimeField(_("given back at"))

    class Meta:
        verbose_name = _("coupon given back")
        verbose_name_plural = _("coupons given back")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["coupon", "purchase_return"], name="coupon_given_back_once_per_return"),
            models.UniqueConstraint(
                fields=["coupon", "redeemed_at"],
                condition=Q(purchase_return__isnull=True),
                name="coupon_given_back_once_per_hand_over",
            ),
            models.CheckConstraint(name="coupon_given_back_was_redeemed", condition=~Q(redeemed_by="")),
            models.CheckConstraint(
                name="coupon_given_back_with_its_return_unless_a_gift",
                condition=Q(purchase_return__isnull=False) | Q(discount_minor=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coupon}"
