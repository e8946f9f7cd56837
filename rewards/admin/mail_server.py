"""The server that takes the mails: whether it takes any, and since when not."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty_site.lib.admin import ReadOnlyAdmin, act, act_page, acting, badge
from rewards.domain import mail_server
from rewards.models import MailServer


@admin.register(MailServer)
class MailServerAdmin(ReadOnlyAdmin):
    list_display = ("stage", "cause", "reply", "paused_since", "paused_until")
    sortable_by = ()
    fields = ("cause", "reply", ("paused_since", "paused_until"), "failures")
    actions_detail = ("try_now",)

    @badge(gettext_lazy("state"), {"paused": "danger", "open": "success"})
    def stage(self, server: MailServer) -> tuple[str, str]:
        return ("paused", _("takes nothing")) if server.failures else ("open", _("takes mails"))

    def offers(self, act: str, row: MailServer) -> bool:
        return bool(row.failures)

    @act(title=gettext_lazy("Try now"), permission="rewards.change_mailserver", icon="refresh", variant="primary")
    def try_now(self, request: HttpRequest, object_id: int) -> HttpResponse:
        def do(_data: Any) -> str:
            mail_server.try_now(by=acting(request), at=timezone.now())
            return _("The next mail is tried within seconds.")

        return act_page(
            self,
            request,
            self.row(request, object_id),
            title=_("Try the mail server now?"),
            explanation=_("When it takes the next mail, the others follow."),
            button=_("Try now"),
            do=do,
        )
