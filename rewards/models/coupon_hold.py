"""Coupons that a till keeps for somebody who is about to pay."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib import constraints
from rewards.models.coupon import Coupon


class CouponHold(models.Model):
    """One use of a coupon that nobody else can have until `expires_at`; then it is free again by itself.

    Made, refreshed, captured by a redemption and released with the coupon's row locked: uses and live holds together
    never pass the uses that there are. `public_id` is what tills name it by, and cannot be guessed.
    """

    coupon = models.ForeignKey(
        Coupon, verbose_name=_("coupon"), on_delete=models.PROTECT, db_index=False, related_name="holds"
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    actor = models.CharField(_("actor"), max_length=40)
    public_id = models.CharField(_("id for tills"), max_length=40, unique=True)
    held_at = models.DateTimeField(_("held at"))
    expires_at = models.DateTimeField(_("expires at"))
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)
    captured_at = models.DateTimeField(_("captured at"), null=True, blank=True)

    class Meta:
        verbose_name = _("coupon hold")
        verbose_name_plural = _("coupon holds")
        constraints = [
            constraints.ends_after_start("coupon_hold_ends_after_it_begins", "held_at", "expires_at"),
            models.CheckConstraint(name="coupon_hold_says_by_whom", condition=~Q(actor="")),
            models.CheckConstraint(
                name="coupon_hold_ends_in_one_way",
                condition=Q(released_at__isnull=True) | Q(captured_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                F("coupon"),
                F("expires_at"),
                name="coupon_hold_that_is_open",
                condition=Q(released_at__isnull=True, captured_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coupon}"

    def is_live(self, at: datetime) -> bool:
        return self.released_at is None and self.captured_at is None and self.expires_at > at
