"""What was bought and brought back, as it was told."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter

from customers.domain import customers
from customers.models import Purchase, PurchaseLine, PurchaseReturn, PurchaseReturnLine, Store
from loyalty_site.lib.admin import ReadOnlyAdmin, RowsInline, actor_label, named
from loyalty_site.lib.money import format_money


class PurchaseLines(RowsInline):
    model = PurchaseLine
    fields = ("position", "product", "quantity", "amount", "discount")
    readonly_fields = ("amount", "discount")
    ordering = ("position",)
    verbose_name_plural = _("lines")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PurchaseLine]:
        return super().get_queryset(request).select_related("product", "purchase")

    @admin.display(description=_("amount"))
    def amount(self, line: PurchaseLine) -> str:
        return format_money(line.amount_minor, line.purchase.currency)

    @admin.display(description=_("coupon discount"))
    def discount(self, line: PurchaseLine) -> str:
        return format_money(line.discount_minor, line.purchase.currency)


class Returns(RowsInline):
    model = PurchaseReturn
    fields = ("return_number", "returned_at", "store")
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[PurchaseReturn]:
        return super().get_queryset(request).select_related("store")


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    list_display = ("purchased_at", "receipt_number", "store", "customer", "paid", "source")
    list_display_links = ("purchased_at", "receipt_number")
    list_select_related = ("store", "customer")
    list_filter = (("store", AutocompleteSelectFilter), "source", ("purchased_at", RangeDateTimeFilter))
    search_fields = ("receipt_number",)
    search_help_text = _("Receipt, or a customer's number, phone, e-mail or card")
    ordering = ("-purchased_at", "-id")
    sortable_by = ()
    store_lookup = "store"
    inlines = (PurchaseLines, Returns)
    annotations = {"named_recorder": named("recorded_by")}
    fields = (
        ("store", "receipt_number"),
        ("customer", "purchased_at"),
        ("total", "discount"),
        ("points_value", "paid"),
        ("source", "recorder"),
        "recorded_at",
    )

    def matching(self, text: str) -> Q:
        """Two indexes answer: the customer's purchases, and (store, receipt number) once for each store."""
        buyers = [customer.pk for customer in customers.find(text=text)]
        return Q(customer__in=buyers) | Q(
            store__in=list(Store.objects.values_list("pk", flat=True)), receipt_number=text
        )

    @admin.display(description=_("total"))
    def total(self, purchase: Purchase) -> str:
        return format_money(purchase.total_minor, purchase.currency)

    @admin.display(description=_("coupon discount"))
    def discount(self, purchase: Purchase) -> str:
        return format_money(purchase.discount_minor, purchase.currency)

    @admin.display(description=_("paid with points"))
    def points_value(self, purchase: Purchase) -> str:
        return format_money(purchase.points_value_minor, purchase.currency)

    @admin.display(description=_("paid"))
    def paid(self, purchase: Purchase) -> str:
        return format_money(purchase.paid_minor, purchase.currency)

    @admin.display(description=_("recorded by"))
    def recorder(self, purchase: Any) -> str:
        return actor_label(purchase.named_recorder)


class ReturnLines(RowsInline):
    model = PurchaseReturnLine
    fields = ("position", "product", "quantity", "amount")
    readonly_fields = ("position", "product", "amount")
    ordering = ("line__position",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PurchaseReturnLine]:
        return super().get_queryset(request).select_related("line__product", "line__purchase")

    @admin.display(description=_("line"))
    def position(self, returned: PurchaseReturnLine) -> int:
        return returned.line.position

    @admin.display(description=_("product"))
    def product(self, returned: PurchaseReturnLine) -> str:
        return str(returned.line.product)

    @admin.display(description=_("amount"))
    def amount(self, returned: PurchaseReturnLine) -> str:
        return format_money(returned.amount_minor, returned.line.purchase.currency)


@admin.register(PurchaseReturn)
class PurchaseReturnAdmin(ReadOnlyAdmin):
    list_display = ("returned_at", "return_number", "store", "purchase", "customer")
    list_display_links = ("returned_at", "return_number")
    list_select_related = ("store", "purchase__customer")
    list_filter = (("store", AutocompleteSelectFilter),)
    search_fields = ("return_number",)
    search_help_text = _("Return number, or a customer's number, phone, e-mail or card")
    ordering = ("-returned_at", "-id")
    sortable_by = ()
    store_lookup = "store"
    inlines = (ReturnLines,)
    fields = (("store", "return_number"), ("purchase", "customer"), ("returned_at", "recorded_at"))

    def matching(self, text: str) -> Q:
        buyers = [customer.pk for customer in customers.find(text=text)]
        return Q(purchase__customer__in=buyers) | Q(return_number=text)

    @admin.display(description=_("customer"))
    def customer(self, back: PurchaseReturn) -> str:
        return str(back.purchase.customer or "")
