"""Discounts that the stores propose, from draft to withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty_site.lib.admin import ModelAdmin, RowForm, States, act, act_page, acting, badge, only_for, state_filter
from loyalty_site.lib.money import format_money
from rewards.domain import offers
from rewards.models import Offer, OfferKind


class OfferForm(RowForm):
    money_fields = {
        "discount_max_minor": gettext_lazy("at most"),
        "amount_minor": gettext_lazy("amount"),
        "min_spend_minor": gettext_lazy("minimum spend"),
        "budget_minor": gettext_lazy("budget"),
    }
    period = ("valid_from", "valid_to")

    def clean(self) -> dict[str, Any]:
        """A kind's fields only: what another kind would need is left out."""
        cleaned = super().clean()
        kind = cleaned.get("kind")
        if kind == OfferKind.PERCENT:
            self.need("percent", _("Say how many percent."))
        else:
            cleaned["percent"] = cleaned["discount_max_minor"] = None
        if kind == OfferKind.AMOUNT:
            self.need("amount_minor", _("Say how much."))
        else:
            cleaned["amount_minor"] = None
        cleaned["code_prefix"] = str(cleaned.get("code_prefix") or "").upper()
        return cleaned


def states(now: datetime) -> States:
    out = Q(published_at__isnull=False, withdrawn_at__isnull=True)
    return {
        "draft": (_("draft"), Q(published_at__isnull=True)),
        "live": (_("live"), out & (Q(valid_to__isnull=True) | Q(valid_to__gt=now))),
        "ended": (_("ended"), out & Q(valid_to__lte=now)),
        "withdrawn": (_("withdrawn"), Q(withdrawn_at__isnull=False)),
    }


@admin.register(Offer)
class OfferAdmin(ModelAdmin):
    """What a published offer is worth no longer changes: coupons of it are in customers' hands."""

    form = OfferForm
    list_display = ("name", "state", "worth", "valid_from", "valid_to", "redeemed_count", "given")
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states), "kind")
    search_fields = ("title", "=code_prefix")
    ordering = ("-pk",)
    sortable_by = ("valid_from", "valid_to", "redeemed_count")
    actions_detail = ("publish", "withdraw")
    conditional_fields = {
        **only_for("kind", OfferKind.PERCENT, "percent", "discount_max_minor"),
        **only_for("kind", OfferKind.AMOUNT, "amount_minor"),
    }
    fieldsets = (
        (None, {"fields": ("title", "description")}),
        (
            gettext_lazy("Worth"),
            {"fields": ("currency", "kind", "percent", "discount_max_minor", "amount_minor", "min_spend_minor")},
        ),
        (gettext_lazy("When"), {"fields": ("valid_from", "valid_to", "coupon_days")}),
        (gettext_lazy("Limits"), {"fields": ("redemptions_max", "budget_minor", "is_stackable", "code_prefix")}),
    )
    promised = ("currency", "kind", "percent", "discount_max_minor", "amount_minor", "min_spend_minor", "code_prefix")

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return self.promised if obj and obj.published_at else ()

    def is_disposable(self, row: Offer) -> bool:
        return row.published_at is None

    def offers(self, act: str, row: Offer) -> bool:
        if act == "publish":
            return row.published_at is None
        return row.published_at is not None and row.withdrawn_at is None

    @act(title=gettext_lazy("Publish"), permission="rewards.change_offer", icon="publish", variant="primary")
    def publish(self, request: HttpRequest, object_id: int) -> HttpResponse:
        offer: Offer = self.row(request, object_id)

        def do(_data: Any) -> str:
            offers.publish(offer=offer, by=acting(request), at=timezone.now())
            return _("“%s” is live.") % offer

        return act_page(
            self,
            request,
            offer,
            title=_("Publish “%s”?") % offer,
            explanation=_("Coupons can be issued and redeemed from then on, and what it is worth no longer changes."),
            button=_("Publish"),
            do=do,
        )

    @act(title=gettext_lazy("Withdraw"), permission="rewards.change_offer", icon="block", variant="danger")
    def withdraw(self, request: HttpRequest, object_id: int) -> HttpResponse:
        offer: Offer = self.row(request, object_id)

        def do(_data: Any) -> str:
            offers.withdraw(offer=offer, by=acting(request), at=timezone.now())
            return _("“%s” is withdrawn.") % offer

        return act_page(
            self,
            request,
            offer,
            title=_("Withdraw “%s”?") % offer,
            explanation=_("No coupon of it can be issued or redeemed any more. This cannot be undone."),
            button=_("Withdraw"),
            do=do,
            danger=True,
        )

    @admin.display(description=gettext_lazy("title"))
    def name(self, offer: Offer) -> str:
        return str(offer) or f"#{offer.pk}"

    @badge(gettext_lazy("state"), {"live": "success", "ended": "warning", "withdrawn": "danger", "draft": "info"})
    def state(self, offer: Offer) -> tuple[str, str]:
        if offer.withdrawn_at:
            return "withdrawn", _("withdrawn")
        if offer.published_at is None:
            return "draft", _("draft")
        if offer.valid_to and offer.valid_to <= timezone.now():
            return "ended", _("ended")
        return "live", _("live")

    @admin.display(description=gettext_lazy("worth"))
    def worth(self, offer: Offer) -> str:
        if offer.kind == OfferKind.PERCENT and offer.percent is not None:
            return _("%s %% off") % f"{offer.percent.normalize():f}"
        if offer.kind == OfferKind.AMOUNT and offer.amount_minor is not None:
            return _("%s off") % format_money(offer.amount_minor, offer.currency)
        return offer.get_kind_display()

    @admin.display(description=gettext_lazy("discount given"))
    def given(self, offer: Offer) -> str:
        return format_money(offer.redeemed_minor, offer.currency)
