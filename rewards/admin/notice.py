"""Mails about points that lapse, and what staff decide where nobody knows what became of one."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.domain import customers
from loyalty_site.lib.admin import ReadOnlyAdmin, act, act_page, acting
from rewards.domain import notices
from rewards.models import NoticeState, PointsNotice


@admin.register(PointsNotice)
class PointsNoticeAdmin(ReadOnlyAdmin):
    list_display = ("customer", "last_day", "touch", "points", "state", "reason", "settled_at")
    list_select_related = ("customer",)
    list_filter = ("state", "reason", "touch")
    search_fields = ("customer",)
    search_help_text = _("A customer's number, phone, e-mail or card")
    ordering = ("-pk",)
    sortable_by = ()
    actions_detail = ("send_again", "assume_delivered")
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

    def offers(self, act: str, row: PointsNotice) -> bool:
        return row.state == NoticeState.UNCERTAIN

    @act(title=_("Send again"), permission="rewards.change_pointsnotice", icon="send")
    def send_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        notice: PointsNotice = self.row(request, object_id)

        def do(_data: Any) -> str:
            notices.send_again(notice=notice, by=acting(request), at=timezone.now())
            return gettext("The mail will be sent again.")

        return act_page(
            self,
            request,
            notice,
            title=gettext("Send the mail to %(customer)s again?") % {"customer": notice.customer},
            explanation=gettext("If the first one did arrive after all, the customer gets it twice."),
            button=gettext("Send again"),
            do=do,
        )

    @act(title=_("Assume delivered"), permission="rewards.change_pointsnotice", icon="mark_email_read")
    def assume_delivered(self, request: HttpRequest, object_id: int) -> HttpResponse:
        notice: PointsNotice = self.row(request, object_id)

        def do(_data: Any) -> str:
            notices.assume_delivered(notice=notice, by=acting(request), at=timezone.now())
            return gettext("The mail counts as accepted.")

        return act_page(
            self,
            request,
            notice,
            title=gettext("Assume that the mail to %(customer)s arrived?") % {"customer": notice.customer},
            explanation=gettext("It is not sent again."),
            button=gettext("Assume delivered"),
            do=do,
        )
