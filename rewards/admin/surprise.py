"""Small unexpected thank-yous: the rules, and what they gave."""

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from customers.domain import customers
from loyalty_site.lib.admin import ModelAdmin, ReadOnlyAdmin, RowForm
from loyalty_site.lib.money import format_money
from rewards.models import Surprise, SurpriseRule


class SurpriseRuleForm(RowForm):
    money_fields = {"threshold_minor": _("amount over")}
    period = ("active_from", "active_to")

    def currency(self) -> str:
        offer = getattr(self, "cleaned_data", {}).get("offer") or (self.instance.offer if self.instance.pk else None)
        return offer.currency if offer else "CNY"


@admin.register(SurpriseRule)
class SurpriseRuleAdmin(ModelAdmin):
    form = SurpriseRuleForm
    list_display = ("name", "threshold", "offer", "active_from", "active_to", "given_count", "holdout_percent")
    list_select_related = ("offer",)
    search_fields = ("name",)
    autocomplete_fields = ("offer",)
    ordering = ("-pk",)
    sortable_by = ("name", "active_from", "active_to", "given_count")
    fieldsets = (
        (None, {"fields": ("name", "trigger", "offer", "threshold_minor")}),
        (_("When"), {"fields": ("active_from", "active_to", "cooldown_days")}),
        (_("Limits"), {"fields": ("issued_max", "holdout_percent")}),
    )

    def currency_of(self, row: SurpriseRule) -> str:
        return row.offer.currency

    def is_disposable(self, row: SurpriseRule) -> bool:
        return not row.surprises.exists()

    @admin.display(description=_("amount over"))
    def threshold(self, rule: SurpriseRule) -> str:
        return format_money(rule.threshold_minor, rule.offer.currency)


@admin.register(Surprise)
class SurpriseAdmin(ReadOnlyAdmin):
    list_display = ("happened_at", "rule", "customer", "arm", "coupon")
    list_display_links = ("happened_at",)
    list_select_related = ("rule", "customer", "coupon")
    list_filter = (("rule", AutocompleteSelectFilter), "arm")
    search_fields = ("customer",)
    search_help_text = _("A customer's number, phone, e-mail or card")
    ordering = ("-pk",)
    sortable_by = ()

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])
