"""Offers in customers' hands: issued on the customer's page or by the domain, void here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
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
from rewards.models import Coupon, CouponRedemption, CouponState


class ReasonForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("reason"), max_length=500, widget=UnfoldAdminTextInputWidget)


class RedemptionsOfCoupon(RowsInline):
    """Each use, and those that were undone."""

    model = CouponRedemption
    fields = ("redeemed_at", "redeemer", "customer", "purchase", "discount", "rolled_back_at", "undoer", "reason")
    readonly_fields = ("redeemer", "discount", "undoer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CouponRedemption]:
        found: QuerySet[CouponRedemption] = super().get_queryset(request).order_by("-pk")
        found = found.select_related("customer", "purchase", "offer")
        return found.annotate(named_redeemer=named("redeemed_by"), named_undoer=named("rolled_back_by"))

    @admin.display(description=gettext_lazy("discount"))
    def discount(self, one: CouponRedemption) -> str:
        return format_money(one.discount_minor, one.offer.currency)

    @admin.display(description=gettext_lazy("redeemed by"))
    def redeemer(self, one: Any) -> str:
        return actor_label(one.named_redeemer)

    @admin.display(description=gettext_lazy("rolled back by"))
    def undoer(self, one: Any) -> str:
        return actor_label(one.named_undoer)


_STANDING = CouponRedemption.objects.filter(coupon=OuterRef("pk"), rolled_back_at__isnull=True).order_by()


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
    inlines = (RedemptionsOfCoupon,)
    annotations = {
        "discount_minor": Subquery(_STANDING.values("coupon").annotate(sum=Sum("discount_minor")).values("sum"))
    }
    fields = (
        ("display_code", "state"),
        ("offer", "customer"),
        ("is_public", "uses_max", "uses_count"),
        ("issued_at", "starts_at", "expires_at"),
        ("discount", "reference"),
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
    def discount(self, coupon: Any) -> str:
        return "" if coupon.discount_minor is None else format_money(coupon.discount_minor, coupon.offer.currency)
