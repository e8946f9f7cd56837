"""What staff and tills did that an owner should look at."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.domain import customers
from loyalty_site.lib.admin import ReadOnlyAdmin, States, act, act_page, acting, actor_label, badge, named, state_filter
from loyalty_site.lib.numbers import grouped
from rewards.domain import alerts
from rewards.models import AlertKind, StaffAlert
from rewards.models.alert import OWN

PAGES = {
    "adjustment": "rewards_pointsadjustment",
    "coupon": "rewards_coupon",
    "redemption": "rewards_rewardredemption",
    "return": "customers_purchasereturn",
}


def states(_now: datetime) -> States:
    return {
        "new": (_("not seen yet"), Q(seen_at__isnull=True)),
        "seen": (_("seen"), Q(seen_at__isnull=False)),
    }


@admin.register(StaffAlert)
class StaffAlertAdmin(ReadOnlyAdmin):
    list_display = ("noticed_at", "what", "who", "words", "seer")
    list_select_related = ("customer",)
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states), "kind")
    search_fields = ("customer",)
    search_help_text = gettext_lazy("user:3, till:5, or a customer's number, phone, e-mail or card")
    ordering = ("-noticed_at", "-pk")
    sortable_by = ()
    actions_detail = ("seen",)
    annotations = {"named_actor": named("actor"), "named_seer": named("seen_by")}
    fields = (("kind", "who"), "words", "page", ("noticed_at",), ("seer", "seen_at"))

    def matching(self, text: str) -> Q:
        return Q(actor=text) | Q(customer__in=[customer.pk for customer in customers.find(text=text)])

    def offers(self, act: str, row: StaffAlert) -> bool:
        return row.seen_at is None

    @act(title=gettext_lazy("Seen"), permission="rewards.change_staffalert", icon="visibility", variant="primary")
    def seen(self, request: HttpRequest, object_id: int) -> HttpResponse:
        alert = self.row(request, object_id)

        def do(_data: Any) -> str:
            alerts.see(alert=alert, by=acting(request), at=timezone.now())
            return _("Noted with your name.")

        return act_page(
            self,
            request,
            alert,
            title=_("%(who)s: %(what)s") % {"who": actor_label(alert.named_actor), "what": alert},
            explanation=words_of(alert),
            button=_("I have looked at it"),
            do=do,
        )

    @badge(
        gettext_lazy("what"),
        {kind.value: "danger" if kind in OWN else "warning" for kind in AlertKind},
    )
    def what(self, alert: StaffAlert) -> tuple[str, str]:
        return alert.kind, alert.get_kind_display()

    @admin.display(description=gettext_lazy("who"))
    def who(self, alert: Any) -> str:
        return actor_label(alert.named_actor)

    @admin.display(description=gettext_lazy("what happened"))
    def words(self, alert: StaffAlert) -> str:
        return words_of(alert)

    @admin.display(description=gettext_lazy("the act itself"))
    def page(self, alert: StaffAlert) -> str:
        what, _colon, number = alert.fact.partition(":")
        if what not in PAGES:
            return "–"
        return format_html('<a href="{}">{}</a>', reverse(f"admin:{PAGES[what]}_change", args=[number]), alert)

    @admin.display(description=gettext_lazy("seen by"))
    def seer(self, alert: Any) -> str:
        return actor_label(alert.named_seer)


def words_of(alert: StaffAlert) -> str:
    if alert.number is None:
        return _("Customer %s has the same e-mail address or phone.") % alert.customer
    return _("%(number)s in %(days)s days; their peers usually have %(usual)s.") % {
        "number": grouped(alert.number),
        "days": alerts.WINDOW.days,
        "usual": number_format(alert.usual or 0, use_l10n=True),
    }
