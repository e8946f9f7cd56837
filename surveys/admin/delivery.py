"""Mails of campaigns, and what somebody decides where nobody knows what became of one."""

from datetime import datetime

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from loyalty_site.lib.actors import Actor
from rewards.admin import mail
from surveys.domain import deliveries
from surveys.models import Delivery

_CHANGE = "surveys.change_delivery"


@admin.register(Delivery)
class DeliveryAdmin(mail.QueuedMailAdmin):
    list_display = ("customer", "campaign", "state", "reason", "attempts", "settled_at", "opened_at")
    list_select_related = ("customer", "campaign")
    list_filter = (("campaign", AutocompleteSelectFilter), "state", "reason")
    fields = (
        ("campaign", "customer"),
        ("state", "reason"),
        ("which", "attempts"),
        ("not_before", "settled_at"),
        "smtp_reply",
        "opened_at",
    )
    readonly_fields = ("which",)
    send_again = mail.send_again(_CHANGE)
    assume_delivered = mail.assume_delivered(_CHANGE)

    def decide_again(self, mail: Delivery, by: Actor, at: datetime) -> None:
        deliveries.send_again(delivery=mail, by=by, at=at)

    def decide_delivered(self, mail: Delivery, by: Actor, at: datetime) -> None:
        deliveries.assume_delivered(delivery=mail, by=by, at=at)

    @admin.display(description=gettext_lazy("mail"))
    def which(self, mail: Delivery) -> str:
        return _("first mail") if mail.touch == 1 else _("reminder %s") % (mail.touch - 1)
