"""Offers in customers' hands: issued on the customer's page or by the domain, void here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import helpers
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from customers.domain import customers
from loyalty_site.lib import codes, numbers
from loyalty_site.lib.admin import ReadOnlyAdmin, RowsInline, act, act_page, acting, actor_label, badge, named, posted
from loyalty_site.lib.money import format_money
from rewards.domain import coupon_redemptions, coupons, public_codes
from rewards.models import Coupon, CouponHold, CouponRedemption, CouponState, Offer

# Of uses and of holds on a coupon's page.
NEWEST = 50


class ReasonForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("reason"), max_length=500, widget=UnfoldAdminTextInputWidget)


class ChosenForm(ReasonForm):
    """Carries what was chosen in the list over to the page that asks why."""

    CARRIED = ("action", "select_across", helpers.ACTION_CHECKBOX_NAME)

    def __init__(self, data: QueryDict | None, *, chosen: QueryDict) -> None:
        super().__init__(data)
        self.carried = [(name, value) for name in self.CARRIED for value in chosen.getlist(name)]


class VoidOfOfferForm(ReasonForm):
    offer = forms.ModelChoiceField(
        label=gettext_lazy("offer"),
        queryset=Offer.objects.filter(published_at__isnull=False).order_by("-pk"),
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ("offer", "reason")


class PublicForm(forms.Form):
    offer = forms.ModelChoiceField(
        label=gettext_lazy("offer"),
        queryset=Offer.objects.filter(published_at__isnull=False, withdrawn_at__isnull=True).order_by("-pk"),
        widget=UnfoldAdminSelectWidget,
    )
    code = forms.CharField(label=pgettext_lazy("coupon", "code"), max_length=40, widget=UnfoldAdminTextInputWidget)
    uses_max = forms.IntegerField(
        label=gettext_lazy("uses at most"),
        help_text=gettext_lazy("Empty: without end."),
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        widget=UnfoldAdminIntegerFieldWidget,
    )


class RedemptionsOfCoupon(RowsInline):
    """The newest uses, also those that were undone."""

    model = CouponRedemption
    fields = ("redeemed_at", "redeemer", "customer", "purchase", "discount", "rolled_back_at", "undoer", "reason")
    readonly_fields = ("redeemer", "discount", "undoer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CouponRedemption]:
        found: QuerySet[CouponRedemption] = _newest(super().get_queryset(request), request)
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


class HoldsOfCoupon(RowsInline):
    """Uses that tills keep, or kept, for somebody."""

    model = CouponHold
    fields = ("held_at", "holder", "customer", "expires_at", "captured_at", "released_at")
    readonly_fields = ("holder",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CouponHold]:
        found: QuerySet[CouponHold] = _newest(super().get_queryset(request), request)
        return found.select_related("customer").annotate(named_actor=named("actor"))

    @admin.display(description=gettext_lazy("actor"))
    def holder(self, one: Any) -> str:
        return actor_label(one.named_actor)


def _newest(rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Of the coupon whose page this is: a code for everybody may have been used a million times."""
    match = request.resolver_match
    newest = rows.model.objects.filter(coupon=match.kwargs.get("object_id") if match else None).order_by("-pk")
    return rows.filter(pk__in=newest.values("pk")[:NEWEST]).order_by("-pk")


def _gift_of(coupon: Coupon) -> CouponRedemption | None:
    """What was handed over for it last and has not come back."""
    used = coupon_redemptions.latest(coupon=coupon)
    return used if used and used.purchase_id is None else None


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
    actions = ("void_selected",)
    actions_list = ("make_public", "void_all_of_offer")
    actions_detail = ("void", "roll_back")
    inlines = (RedemptionsOfCoupon, HoldsOfCoupon)
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
        if act == "roll_back":
            return _gift_of(row) is not None
        return row.state == CouponState.ISSUED

    def has_void_permission(self, request: HttpRequest) -> bool:
        """Who may change coupons may make several void; nobody changes them by a form."""
        return bool(request.user.has_perm("rewards.change_coupon"))

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

    @act(title=gettext_lazy("Take the gift back"), permission="rewards.change_coupon", icon="undo")
    def roll_back(self, request: HttpRequest, object_id: int) -> HttpResponse:
        coupon: Coupon = self.row(request, object_id)

        def do(data: Any) -> str:
            gift = _gift_of(coupon)
            if gift is None:
                return _("It came back already.")
            told = {"reason": data["reason"], "by": acting(request), "at": timezone.now()}
            coupon_redemptions.roll_back(redemption=gift, **told)
            return _("Coupon %s is good again.") % coupon

        return act_page(
            self,
            request,
            coupon,
            title=_("Take back the gift of coupon %s?") % coupon,
            explanation=_(
                "The coupon is good again, as long as it would have been, and no longer counts in its offer."
            ),
            button=_("Take the gift back"),
            do=do,
            form=ReasonForm(posted(request)),
        )

    @admin.action(description=gettext_lazy("Make void"), permissions=["void"])
    def void_selected(self, request: HttpRequest, queryset: QuerySet[Coupon]) -> HttpResponse:
        def do(data: Any) -> str:
            return self._void_all(request, queryset, data["reason"])

        return act_page(
            self,
            request,
            None,
            title=_("Make these coupons void?"),
            explanation=_("Those that were redeemed stay so. This cannot be undone."),
            button=_("Make void"),
            do=do,
            form=ChosenForm(request.POST if "reason" in request.POST else None, chosen=request.POST),
            danger=True,
        )

    @act(title=gettext_lazy("Void an offer's coupons"), permission="rewards.change_coupon", icon="block")
    def void_all_of_offer(self, request: HttpRequest) -> HttpResponse:
        def do(data: Any) -> str:
            return self._void_all(request, Coupon.objects.filter(offer=data["offer"]), data["reason"])

        return act_page(
            self,
            request,
            None,
            title=_("Make all coupons of an offer void?"),
            explanation=_("Those that were redeemed stay so. This cannot be undone."),
            button=_("Make void"),
            do=do,
            form=VoidOfOfferForm(posted(request), initial={"offer": request.GET.get("offer")}),
            danger=True,
        )

    @act(title=gettext_lazy("Public code"), permission="rewards.add_coupon", icon="campaign")
    def make_public(self, request: HttpRequest) -> HttpResponse:
        def do(data: Any) -> str:
            coupon = public_codes.issue(**data, by=acting(request), at=timezone.now())
            return _("Code %s is good for everybody.") % coupon

        return act_page(
            self,
            request,
            None,
            title=_("Make a public code"),
            explanation=_("Everybody may use it, as often as it says, while its offer is open."),
            button=_("Make"),
            do=do,
            form=PublicForm(posted(request), initial={"offer": request.GET.get("offer")}),
        )

    def _void_all(self, request: HttpRequest, chosen: QuerySet[Coupon], reason: str) -> str:
        done = coupons.void_all(coupons=chosen, reason=reason, by=acting(request), at=timezone.now())
        told = {"voided": numbers.grouped(done.voided), "redeemed": numbers.grouped(done.redeemed)}
        return _("Made void: %(voided)s. Redeemed before, and left so: %(redeemed)s.") % told

    @admin.display(description=pgettext_lazy("coupon", "code"))
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
