"""Offers in customers' hands."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer
from loyalty_site.lib import codes, constraints
from rewards.models.code_batch import CodeBatch
from rewards.models.offer import Offer


class CouponState(models.TextChoices):
    ISSUED = "ISSUED", _("issued")
    REDEEMED = "REDEEMED", pgettext_lazy("coupon", "redeemed")
    VOID = "VOID", _("void")


class Coupon(models.Model):
    """One code, good `uses_max` times; without it, without end. Without `customer` it belongs to whoever bears it.

    `code` is normalized (capitals, no separators): the offer's prefix, then BODY_LENGTH symbols made by
    `loyalty_site.lib.codes`: 11 random ones, 54 bits, and the check symbol. A public one, for everybody, has a code
    that people chose. Of a `batch`, `body_length` symbols follow the prefix, or 0 where the code came from an older
    system. It is redeemed when all its uses are: `uses_count` moves by one conditional update with each, and
    each has its CouponRedemption. Whether a coupon has expired is read from `expires_at`, never from a job.
    """

    BODY_LENGTH = 12

    code = models.CharField(pgettext_lazy("coupon", "code"), max_length=40, unique=True)
    offer = models.ForeignKey(
        Offer, verbose_name=_("offer"), on_delete=models.PROTECT, db_index=False, related_name="coupons"
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), null=True, blank=True, on_delete=models.PROTECT, related_name="coupons"
    )
    is_public = models.BooleanField(_("public"), default=False, help_text=_("A readable code that everybody may use."))
    state = models.CharField(_("state"), max_length=10, choices=CouponState.choices, default=CouponState.ISSUED)
    uses_max = models.PositiveIntegerField(
        _("uses at most"), null=True, blank=True, default=1, validators=[MinValueValidator(1)]
    )
    uses_count = models.PositiveIntegerField(pgettext_lazy("coupon", "used"), default=0, editable=False)
    reference = models.CharField(
        _("reference"), max_length=100, help_text=_("What caused it; the same cause never issues twice.")
    )
    issued_at = models.DateTimeField(_("issued at"))
    starts_at = models.DateTimeField(_("good from"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    batch = models.ForeignKey(
        CodeBatch,
        verbose_name=_("batch of codes"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="coupons",
    )
    body_length = models.PositiveSmallIntegerField(default=BODY_LENGTH, db_default=BODY_LENGTH, editable=False)

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = [
            constraints.choice_is_known("coupon_state_is_known", "state", CouponState),
            models.UniqueConstraint(fields=["offer", "reference"], name="coupon_is_issued_once_per_cause"),
            models.CheckConstraint(
                name="coupon_is_redeemed_when_used_up",
                condition=Q(state=CouponState.VOID)
                | Q(state=CouponState.REDEEMED, uses_max__isnull=False, uses_count=F("uses_max"))
                | Q(state=CouponState.ISSUED) & (Q(uses_max__isnull=True) | Q(uses_count__lt=F("uses_max"))),
            ),
            models.CheckConstraint(
                name="coupon_uses_within_limit",
                condition=Q(uses_max__isnull=True) | Q(uses_max__gte=1, uses_count__lte=F("uses_max")),
            ),
            models.CheckConstraint(
                name="coupon_of_everybody_is_nobodys", condition=Q(is_public=False) | Q(customer__isnull=True)
            ),
            constraints.ends_after_start("coupon_expires_after_it_is_issued", "issued_at", "expires_at"),
            constraints.ends_after_start("coupon_expires_after_it_starts", "starts_at", "expires_at"),
        ]
        indexes = [
            models.Index(fields=["customer", "state", "expires_at"], name="coupon_of_customer"),
            models.Index(fields=["offer", "customer"], name="coupon_of_offer"),
            models.Index(fields=["batch", "id"], name="coupon_of_batch", condition=Q(batch__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.display_code

    @property
    def display_code(self) -> str:
        """`MOON4T7KQXABCDEF` as people read it: `MOON-4T7K-QXAB-CDEF`. A public code is a word as it is, and so is one
        of an older system."""
        is_word = self.is_public or not self.body_length
        return self.code if is_word else codes.grouped(self.code, body_length=self.body_length)
