from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from customers.models import AuditEvent
from loyalty_site.lib.admin import ReadOnlyAdmin, actor_label, named


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("happened_at", "who", "action", "subject", "reason")
    list_display_links = ("happened_at", "action")
    list_filter = (("happened_at", RangeDateTimeFilter),)
    search_fields = ("subject",)
    search_help_text = _("customer:17, user:3 or an action")
    ordering = ("-happened_at", "-id")
    sortable_by = ()
    annotations = {"named_actor": named("actor")}
    fields = ("happened_at", "who", "action", "subject", "reason", "data")

    def matching(self, text: str) -> Q:
        return Q(subject=text) | Q(actor=text) | Q(action__startswith=text)

    @admin.display(description=_("actor"))
    def who(self, event: Any) -> str:
        return actor_label(event.named_actor)
