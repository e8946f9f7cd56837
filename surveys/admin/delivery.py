from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from customers.domain import customers
from loyalty_site.lib.admin import ReadOnlyAdmin
from surveys.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("customer", "campaign", "state", "reason", "attempts", "settled_at", "opened_at")
    list_select_related = ("customer", "campaign")
    list_filter = (("campaign", AutocompleteSelectFilter), "state", "reason")
    search_fields = ("customer",)
    search_help_text = _("A customer's number, phone, e-mail or card")
    ordering = ("-pk",)
    sortable_by = ()
    fields = (
        ("campaign", "customer"),
        ("state", "reason"),
        ("attempts", "touch"),
        ("not_before", "settled_at"),
        "smtp_reply",
        "opened_at",
    )

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])
