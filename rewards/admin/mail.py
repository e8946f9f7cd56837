"""Mails on their way to customers, and what staff decide where nobody knows what became of one."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.domain import customers
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.admin import ReadOnlyAdmin, act, act_page, acting
from rewards.domain import mail_queue
from rewards.models import MailState


class QueuedMailAdmin(ReadOnlyAdmin):
    """What the pages of all queues share. A subclass names its `queue`, and its two acts with their permission; one
    whose rows have verbs of their own names those."""

    queue: ClassVar[mail_queue.Queue[Any]]
    list_select_related: ClassVar[tuple[str, ...]] = ("customer",)
    search_fields = ("customer",)
    search_help_text = _("A customer's number, phone, e-mail or card")
    ordering = ("-pk",)
    sortable_by = ()
    actions_detail = ("send_again", "assume_delivered")
    change_form_outer_before_template = "admin/rewards/uncertain.html"

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])

    def offers(self, act: str, row: Any) -> bool:
        return bool(row.state == MailState.UNCERTAIN)

    def decide_again(self, mail: Any, by: Actor, at: datetime) -> None:
        mail_queue.send_again(queue=self.queue, mail=mail, by=by, at=at)

    def decide_delivered(self, mail: Any, by: Actor, at: datetime) -> None:
        mail_queue.assume_delivered(queue=self.queue, mail=mail, by=by, at=at)

    def ask_to_send_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        mail = self.row(request, object_id)

        def do(_data: Any) -> str:
            self.decide_again(mail, acting(request), timezone.now())
            return gettext("The mail will be sent again.")

        return act_page(
            self,
            request,
            mail,
            title=gettext("Send the mail to %(customer)s again?") % {"customer": mail.customer},
            explanation=gettext("If the first one did arrive after all, the customer gets it twice."),
            button=gettext("Send again"),
            do=do,
        )

    def ask_to_assume_delivered(self, request: HttpRequest, object_id: int) -> HttpResponse:
        mail = self.row(request, object_id)

        def do(_data: Any) -> str:
            self.decide_delivered(mail, acting(request), timezone.now())
            return gettext("The mail counts as accepted.")

        return act_page(
            self,
            request,
            mail,
            title=gettext("Assume that the mail to %(customer)s arrived?") % {"customer": mail.customer},
            explanation=gettext("It is not sent again."),
            button=gettext("Assume delivered"),
            do=do,
        )


Act = Callable[[QueuedMailAdmin, HttpRequest, int], HttpResponse]


def send_again(permission: str) -> Act:
    """The act of a subclass, for who has the permission."""

    @act(title=_("Send again"), permission=permission, icon="send")
    def send_again(self: QueuedMailAdmin, request: HttpRequest, object_id: int) -> HttpResponse:
        return self.ask_to_send_again(request, object_id)

    return send_again


def assume_delivered(permission: str) -> Act:
    """The act of a subclass, for who has the permission."""

    @act(title=_("Assume delivered"), permission=permission, icon="mark_email_read")
    def assume_delivered(self: QueuedMailAdmin, request: HttpRequest, object_id: int) -> HttpResponse:
        return self.ask_to_assume_delivered(request, object_id)

    return assume_delivered
