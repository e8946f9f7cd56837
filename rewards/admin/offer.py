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

from loyalty_site.lib.admin import ModelAdmin, States, act, act_page, acting, badge, only_for, state_filter
from loyalty_site.lib.money import format_money
from rewards.admin import offer_report
from rewards.admin.offer_form import LIMITS, OF_KIND, WORTH, OfferForm
from rewards.domain import offer_words, offers
from rewards.models import Offer, OfferKind, OfferPeriod


def states(now: datetime) -> States:
    out = Q(published_at__isnull=False, withdrawn_at__isnull=True)
    return {
        "draft": (_("draft"), Q(published_at__isnull=True)),
        "live": (_("live"), out & (Q(valid_to__isnull=True) | Q(valid_to__gt=now))),
        "ended": (_("ended"), out & Q(valid_to__lte=now)),
        "withdrawn": (_("withdrawn"), Q(withdrawn_at__isnull=False)),
    }


_OF_PERIOD = ("period", "period_max", "customer_period_max")


@admin.register(Offer)
class OfferAdmin(ModelAdmin):
    """What a published offer promises no longer changes: coupons of it are in customers' hands. Its limits may."""

    form = OfferForm
    list_display = ("name", "state", "worth", "valid_from", "valid_to", "redeemed_count", "given")
    list_select_related = ("free_product",)
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states), "kind")
    search_fields = ("title", "=code_prefix")
    autocomplete_fields = ("free_product", "products", "categories", "stores", "segment")
    ordering = ("-pk",)
    sortable_by = ("valid_from", "valid_to", "redeemed_count")
    actions_list = ("compare",)
    actions_detail = ("publish", "report", "copy", "withdraw")
    conditional_fields = {
        **only_for("kind", OfferKind.PERCENT, "percent"),
        **only_for("kind", OfferKind.AMOUNT, "amount_minor"),
        **only_for("kind", OfferKind.FREE_PRODUCT, "free_product"),
        **only_for("kind", OfferKind.GIFT, "cost_minor"),
        **only_for("kind", OfferKind.MULTIPLIER, "points_multiplier"),
        **only_for("kind", [OfferKind.PERCENT, OfferKind.FREE_PRODUCT], "discount_max_minor"),
        **only_for("period", OfferPeriod.values, "period_max", "customer_period_max"),
    }
    fieldsets = (
        (None, {"fields": ("title", "description")}),
        (gettext_lazy("What it gives"), {"fields": ("currency", "kind", *WORTH)}),
        (
            gettext_lazy("For which purchases"),
            {"fields": ("min_spend_minor", "categories", "products", "stores", "segment")},
        ),
        (
            gettext_lazy("When"),
            {
                "fields": (
                    "valid_from",
                    "valid_to",
                    "weekdays",
                    ("time_from", "time_to"),
                    "blackout_dates",
                    ("starts_after_days", "coupon_days"),
                )
            },
        ),
        (
            gettext_lazy("How often"),
            {
                "fields": (
                    ("redemptions_max", "budget_minor"),
                    ("customer_max", "code_max"),
                    "period",
                    ("period_max", "customer_period_max"),
                )
            },
        ),
        (gettext_lazy("With other coupons"), {"fields": ("is_stackable", "priority", "code_prefix")}),
    )
    promised = (
        "currency",
        "kind",
        *WORTH,
        "min_spend_minor",
        "categories",
        "products",
        "stores",
        "segment",
        "weekdays",
        "time_from",
        "time_to",
        "blackout_dates",
        "starts_after_days",
        "period",
        "code_prefix",
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With what it says, in words, once there is something to say; of what is fixed only what counts."""
        told = [(title, dict(options)) for title, options in super().get_fieldsets(request, obj)]
        if obj:
            told[0][1]["fields"] = (*told[0][1]["fields"], "says")
        if obj and obj.published_at:
            idle = set(WORTH) - set(OF_KIND[obj.kind]) | ({*_OF_PERIOD} if not obj.period else set())
            for _title, options in told:
                counting = (line for line in options["fields"] if not _names(line) <= idle)
                options["fields"] = ["days" if line == "weekdays" else line for line in counting]
        return told

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("says", "days", *(self.promised if obj and obj.published_at else ()))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Once a customer: what most offers are meant to be."""
        return {"customer_max": 1, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A draft is saved only while it is one. Limits of a published offer are the domain's: it is redeemed at this
        moment."""
        if not obj.published_at:
            if change:
                offers.keep_draft(offer=obj)
            super().save_model(request, obj, form, change)
            return
        limits = {name: form.cleaned_data[name] for name in LIMITS if name in form.changed_data}
        form.changed_data = [name for name in form.changed_data if name not in LIMITS]
        super().save_model(request, obj, form, change)
        if limits:
            offers.change_limits(offer=obj, by=acting(request), at=timezone.now(), **limits)

    def is_disposable(self, row: Offer) -> bool:
        return row.published_at is None

    def offers(self, act: str, row: Offer) -> bool:
        if act == "copy":
            return True
        if act == "publish":
            return row.published_at is None
        if act == "report":
            return row.published_at is not None
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

    @act(title=gettext_lazy("Report"), permission="rewards.view_offer", icon="monitoring")
    def report(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return offer_report.page(self, request, self.row(request, object_id))

    @act(title=gettext_lazy("Compare offers"), permission="rewards.view_offer", icon="monitoring")
    def compare(self, request: HttpRequest) -> HttpResponse:
        return offer_report.comparison(self, request, self.get_queryset(request))

    @act(title=gettext_lazy("Copy"), permission="rewards.add_offer", icon="content_copy")
    def copy(self, request: HttpRequest, object_id: int) -> HttpResponse:
        offer: Offer = self.row(request, object_id)

        def do(_data: Any) -> str:
            draft = offers.copy(offer=offer, by=acting(request), at=timezone.now())
            return _("“%s” was copied: the draft stands first in this list.") % draft

        return act_page(
            self,
            request,
            None,
            title=_("Copy “%s”?") % offer,
            explanation=_(
                "The copy is a draft that says the same and was never used. Change it before you publish it."
            ),
            button=_("Copy"),
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
        return offer_words.worth(offer)

    @admin.display(description=gettext_lazy("weekdays"))
    def days(self, offer: Offer) -> str:
        return offer_words.days(offer) or _("every day")

    @admin.display(description=gettext_lazy("in words"))
    def says(self, offer: Offer) -> str:
        return offer_words.summary(offer)

    @admin.display(description=gettext_lazy("discount given"))
    def given(self, offer: Offer) -> str:
        return format_money(offer.redeemed_minor, offer.currency)


def _names(line: Any) -> set[str]:
    """Of the fields in a line of a fieldset: names, or functions that are called so."""
    several = line if isinstance(line, list | tuple) else (line,)
    return {name if isinstance(name, str) else name.__name__ for name in several}
