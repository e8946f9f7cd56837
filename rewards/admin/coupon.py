"""Offers in customers' hands: issued on the customer's page or by the domain, void here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from customers.domain import customers
from loyalty_site.lib import codes
from loyalty_site.lib.admin import ReadOnlyAdmin, RowsInline, act, act_page, acting, actor_label, badge, named, posted
from loyalty_site.lib.money import format_money
from rewards.domain import coupons
from rewards.models import Coupon, CouponGiveBack, CouponState


class ReasonForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("reason"), max_length=500, widget=UnfoldAdminTextInputWidget)


class GiveBacksOfCoupon(RowsInline):
    """Redemptions that were undone, because all of the purchase came back."""

    model = CouponGiveBack
    fields = ("given_back_at", "purchase_return", "redeemed_at", "discount")
    readonly_fields = ("discount",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CouponGiveBack]:
        return super().get_queryset(request).select_related("purchase_return", "coupon__offer")

    @admin.display(description=gettext_lazy("discount"))
    def discount(self, back: CouponGiveBack) -> str:
        return format_money(back.discount_minor, back.coupon.offer.currency)


@admin.register(Coupon)
class CouponAdmin(ReadOnlyAdmin):
    list_display = ("display_code", "offer", "customer", "condition", "issued_at", "expires_at", "discount")
    list_select_related = ("offer", "customer")
    list_filter = ("state", ("offer", AutocompleteSelectFilter))
    search_fields = ("code",)
    search_help_text = gettext_lazy("A code, or a customer's number, phone, e-mail or card")
    ordering = ("-pk",)
    sortable_by = ()
    actions_detail = ("void",)
    inlines = (GiveBacksOfCoupon,)
    annotations = {"named_redeemer": named("redeemed_by")}
    fields = (
        ("display_code", "state"),
        ("offer", "customer"),
        ("issued_at", "expires_at"),
        ("redeemed_at", "redeemer"),
        ("purchase", "discount"),
        "reference",
    )

    def matching(self, text: str) -> Q:
        return Q(code=codes.normalize(text)) | Q(customer__in=[found.pk for found in customers.find(text=text)])

    def offers(self, act: str, row: Coupon) -> bool:
        return row.state == CouponState.ISSUED

    @act(title=gettext_lazy("Make void"), permission="rewards.change_coupon", icon="block", variant="danger")
    def void(self, request: HttpRequest, object_id: int) -> HttpResponse:
        coupon: Coupon = self.row(request, object_id)

        def do(data: Any) -> str:
            coupons.void(coupon=coupon, reason=data["reason"], by=acting(request), at=timezone.now())
            return _("Coupon %s is void.") % coupon

        return act_page(
            self,
            request,
            coupon,
            title=_("Make coupon %s void?") % coupon,
            explanation=_("It cannot be redeemed any more. This cannot be undone."),
            button=_("Make void"),
            do=do,
            form=ReasonForm(posted(request)),
            danger=True,
        )

    @admin.display(description=gettext_lazy("code"))
    def display_code(self, coupon: Coupon) -> str:
        return coupon.display_code

    @badge(gettext_lazy("state"), {"ISSUED": "success", "REDEEMED": "info", "VOID": "danger", "EXPIRED": "warning"})
    def condition(self, coupon: Coupon) -> tuple[str, str]:
        """Whether it has expired is read from its date, never stored."""
        if coupon.state == CouponState.ISSUED and coupon.expires_at and coupon.expires_at <= timezone.now():
            return "EXPIRED", _("expired")
        return coupon.state, coupon.get_state_display()

    @admin.display(description=gettext_lazy("discount"))
    def discount(self, coupon: Coupon) -> str:
        if coupon.discount_minor is None:
            return ""
        return format_money(coupon.discount_minor, coupon.offer.currency)

    @admin.display(description=gettext_lazy("redeemed by"))
    def redeemer(self, coupon: Any) -> str:
        return actor_label(coupon.named_redeemer)
