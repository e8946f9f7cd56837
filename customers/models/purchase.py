"""What was bought and brought back: facts as tills and files told them, never edited."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models.catalog import Product
from customers.models.customer import Customer
from customers.models.store import Store
from loyalty_site.lib import append_only, constraints


class PurchaseSource(models.TextChoices):
    TILL = "TILL", _("till")
    IMPORT = "IMPORT", _("import")
    STAFF = "STAFF", _("staff")


class Purchase(models.Model):
    """A paid basket. Amounts are minor units of `currency`; `paid = total − discount − points value`.

    `gift_card_minor` is the part of what was paid that came from gift cards, where the till told it.

    `fingerprint` is the SHA-256 of what was told, so that the same receipt told again is recognized and another fact
    under the same number is refused. Imports leave it empty and compare customer, time, total, lines and,
    where the file tells them, tax and gift cards.
    """

    store = models.ForeignKey(
        Store, verbose_name=_("store"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    receipt_number = models.CharField(_("receipt number"), max_length=100)
    customer = models.ForeignKey(
        Customer,
        verbose_name=_("customer"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="purchases",
        db_index=False,
    )
    source = models.CharField(_("source"), max_length=10, choices=PurchaseSource.choices)
    purchased_at = models.DateTimeField(_("purchased at"))
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.CharField(_("recorded by"), max_length=40)
    currency = models.CharField(_("currency"), max_length=3)
    total_minor = models.BigIntegerField(_("total"))
    discount_minor = models.BigIntegerField(_("coupon discount"), default=0)
    points_value_minor = models.BigIntegerField(_("paid with points"), default=0)
    paid_minor = models.BigIntegerField(_("paid"))
    gift_card_minor = models.BigIntegerField(_("of it with gift cards"), default=0, db_default=0)
    fingerprint = models.BinaryField(max_length=32, default=bytes, editable=False)

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["store", "receipt_number"], name="purchase_is_told_once_per_store"),
            models.CheckConstraint(name="purchase_receipt_number_is_not_empty", condition=~Q(receipt_number="")),
            constraints.choice_is_known("purchase_source_is_known", "source", PurchaseSource),
            constraints.not_negative(
                "purchase_amounts_not_negative", "total_minor", "discount_minor", "points_value_minor", "paid_minor"
            ),
            models.CheckConstraint(
                name="purchase_paid_is_what_remains",
                condition=Q(paid_minor=F("total_minor") - F("discount_minor") - F("points_value_minor")),
            ),
            models.CheckConstraint(
                name="purchase_gift_cards_within_paid",
                condition=Q(gift_card_minor__gte=0, gift_card_minor__lte=F("paid_minor")),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-purchased_at", "-id"], name="purchase_of_customer"),
            models.Index(fields=["-purchased_at", "-id"], name="purchase_newest_first"),
        ]

    def __str__(self) -> str:
        return self.receipt_number


class PurchaseLine(models.Model):
    """One line of a receipt. `amount_minor` is after the line's own price cuts, before coupons and points.

    `discount_minor` is the line's share of the coupons' discount, `tax_minor` the tax contained in the amount where the
    till told it. Quantity zero happens (returned deposit, price only).
    """

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="lines", db_index=False)
    position = models.PositiveIntegerField(_("line"))
    product = models.ForeignKey(Product, verbose_name=_("product"), on_delete=models.PROTECT, related_name="+")
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    amount_minor = models.BigIntegerField(_("amount"))
    discount_minor = models.BigIntegerField(_("coupon discount"), default=0)
    tax_minor = models.BigIntegerField(_("tax in it"), default=0, db_default=0)

    class Meta:
        verbose_name = _("purchase line")
        verbose_name_plural = _("purchase lines")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["purchase", "position"], name="purchase_line_position_is_unique"),
            constraints.not_negative("purchase_line_not_negative", "quantity", "amount_minor", "discount_minor"),
            models.CheckConstraint(
                name="purchase_line_discount_within_amount", condition=Q(discount_minor__lte=F("amount_minor"))
            ),
            models.CheckConstraint(
                name="purchase_line_tax_within_amount",
                condition=Q(tax_minor__gte=0, tax_minor__lte=F("amount_minor")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}"


class PurchaseReturn(models.Model):
    """Goods of one purchase brought back at one moment; `store` is where, `return_number` its receipt there."""

    purchase = models.ForeignKey(Purchase, verbose_name=_("purchase"), on_delete=models.PROTECT, related_name="returns")
    store = models.ForeignKey(
        Store, verbose_name=_("store"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    return_number = models.CharField(_("return number"), max_length=100)
    returned_at = models.DateTimeField(_("returned at"))
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.CharField(_("recorded by"), max_length=40)
    fingerprint = models.BinaryField(max_length=32, default=bytes, editable=False)

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["store", "return_number"], name="return_is_told_once_per_store"),
            models.CheckConstraint(name="return_number_is_not_empty", condition=~Q(return_number="")),
        ]

    def __str__(self) -> str:
        return self.return_number


class PurchaseReturnLine(models.Model):
    """How much of one purchase line came back, both positive."""

    purchase_return = models.ForeignKey(PurchaseReturn, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line = models.ForeignKey(PurchaseLine, verbose_name=_("line"), on_delete=models.PROTECT, related_name="returned")
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    amount_minor = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("returned line")
        verbose_name_plural = _("returned lines")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["purchase_return", "line"], name="return_names_a_line_once"),
            constraints.not_negative("return_line_not_negative", "quantity", "amount_minor"),
        ]

    def __str__(self) -> str:
        return f"{self.line_id}"
