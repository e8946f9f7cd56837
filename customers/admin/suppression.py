"""Addresses that get no mail, and what staff enter or lift."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from customers.domain import suppressions
from customers.models import AddressReason, SuppressedAddress
from loyalty_site.lib.admin import ModelAdmin, RowForm, States, act, act_page, acting, actor_label, named, state_filter


def states(_now: datetime) -> States:
    return {
        "held": (_("gets no mail"), Q(lifted_at__isnull=True)),
        "lifted": (pgettext("address", "lifted"), Q(lifted_at__isnull=False)),
    }


class AddressForm(RowForm):
    address = forms.EmailField(label=gettext_lazy("address"), max_length=254)

    class Meta:
        labels = {"detail": gettext_lazy("why")}

    def clean_address(self) -> str:
        return str(self.cleaned_data["address"]).lower()


@admin.register(SuppressedAddress)
class SuppressedAddressAdmin(ModelAdmin):
    """Entered by staff, else as mail servers tell; never changed, only lifted."""

    form = AddressForm
    list_display = ("__str__", "reason", "suppressed_at", "author", "lifted_at", "lifter")
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states), "reason")
    search_fields = ("address__istartswith",)
    search_help_text = gettext_lazy("The beginning of an address")
    ordering = ("-pk",)
    sortable_by = ()
    fields = ("address", "detail")
    annotations = {"named_author": named("suppressed_by"), "named_lifter": named("lifted_by")}
    actions_detail = ("lift",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fields
        return ("__str__", "reason", "detail", ("suppressed_at", "author"), ("lifted_at", "lifter"))

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("__str__", "reason", "detail", "suppressed_at", "author", "lifted_at", "lifter")

    def offers(self, act: str, row: SuppressedAddress) -> bool:
        return row.lifted_at is None and row.reason != AddressReason.COMPLAINT

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            entered = suppressions.enter(address=obj.address, detail=obj.detail, by=acting(request), at=timezone.now())
            obj.pk, obj.address = entered.pk, entered.address

    @admin.display(description=gettext_lazy("by"))
    def author(self, row: Any) -> str:
        return actor_label(row.named_author)

    @admin.display(description=gettext_lazy("lifted by"))
    def lifter(self, row: Any) -> str:
        return actor_label(row.named_lifter) if row.lifted_by else "-"

    @act(title=gettext_lazy("Lift"), permission="customers.change_suppressedaddress", icon="mark_email_read")
    def lift(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row: SuppressedAddress = self.row(request, object_id)

        def do(_data: Any) -> str:
            suppressions.lift(suppressed=row, by=acting(request), at=timezone.now())
            return _("The address may get mail again.")

        return act_page(
            self,
            request,
            row,
            title=_("Send mail to %(address)s again?") % {"address": row},
            explanation=_(
                "Its customer gets what they allow. If the mailbox still does not exist, it comes back here."
            ),
            button=_("Lift"),
            do=do,
        )
