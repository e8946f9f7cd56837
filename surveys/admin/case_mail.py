"""Mails of cases on their way, and what somebody decides where nobody knows what became of one."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rewards.admin import mail
from surveys.domain import case_mails
from surveys.models import CaseMail

_CHANGE = "surveys.change_casemail"


@admin.register(CaseMail)
class CaseMailAdmin(mail.QueuedMailAdmin):
    queue = case_mails.QUEUE
    list_display = ("case", "customer", "state", "reason", "settled_at")
    list_display_links = ("case",)
    list_select_related = ("customer", "event")
    list_filter = ("state", "reason")
    store_lookup = "event__case__store"
    fields = (
        ("case", "customer"),
        ("state", "reason"),
        ("attempts", "not_before"),
        ("claimed_at", "settled_at"),
        "smtp_reply",
    )
    readonly_fields = ("case",)
    send_again = mail.send_again(_CHANGE)
    assume_delivered = mail.assume_delivered(_CHANGE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CaseMail]:
        return super().get_queryset(request).select_related("event", "customer")

    @admin.display(description=_("case"))
    def case(self, row: CaseMail) -> str:
        return str(row.event.case_id)
