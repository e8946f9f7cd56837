"""What customers allowed and how else they are found: changed on the customer's page."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.domain import customers
from customers.models import Card, Consent, Preference
from loyalty_site.lib.admin import ReadOnlyAdmin, actor_label, named


class OfCustomerAdmin(ReadOnlyAdmin):
    search_fields = ("customer",)
    search_help_text = _("A customer's number, phone, e-mail or card")
    sortable_by = ()

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])


@admin.register(Consent)
class ConsentAdmin(OfCustomerAdmin):
    list_select_related = ("customer",)
    list_display = ("customer", "purpose", "granted_at", "giver", "withdrawn_at", "withdrawer")
    list_filter = ("purpose",)
    ordering = ("-pk",)
    fields = list_display
    annotations = {"named_giver": named("granted_by"), "named_withdrawer": named("withdrawn_by")}

    @admin.display(description=_("granted by"))
    def giver(self, consent: Any) -> str:
        return actor_label(consent.named_giver)

    @admin.display(description=_("withdrawn by"))
    def withdrawer(self, consent: Any) -> str:
        return actor_label(consent.named_withdrawer)


@admin.register(Card)
class CardAdmin(OfCustomerAdmin):
    list_display = ("number", "customer", "added_at")
    list_select_related = ("customer",)
    search_help_text = _("A card, or a customer's number, phone or e-mail")
    ordering = ("-pk",)


@admin.register(Preference)
class PreferenceAdmin(OfCustomerAdmin):
    list_display = ("customer", "category", "stated_at")
    list_select_related = ("customer", "category")
    ordering = ("-pk",)
