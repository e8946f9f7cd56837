from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.domain import customers
from loyalty_site.lib.admin import ReadOnlyAdmin
from rewards.models import PointsNotice


@admin.register(PointsNotice)
class PointsNoticeAdmin(ReadOnlyAdmin):
    """Mails about points that lapse, and what became of each."""

    list_display = ("customer", "last_day", "touch", "points", "state", "reason", "settled_at")
    list_select_related = ("customer",)
    list_filter = ("state", "reason", "touch")
    search_fields = ("customer",)
    search_help_text = _("A customer's number, phone, e-mail or card")
    ordering = ("-pk",)
    sortable_by = ()
    fields = (
        ("customer", "last_day"),
        ("touch", "points"),
        ("state", "reason"),
        ("attempts", "not_before"),
        ("claimed_at", "settled_at"),
        "smtp_reply",
    )

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])
