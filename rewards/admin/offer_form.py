"""An offer as staff fill it in."""

import re
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from loyalty_site.lib.admin import RowForm
from rewards.domain import offers
from rewards.models import OfferKind, Weekday

# What each kind is worth by; the first of them is needed.
OF_KIND: dict[Any, tuple[str, ...]] = {
    OfferKind.PERCENT: ("percent", "discount_max_minor"),
    OfferKind.AMOUNT: ("amount_minor",),
    OfferKind.FREE_PRODUCT: ("free_product", "discount_max_minor"),
    OfferKind.GIFT: ("cost_minor",),
    OfferKind.MULTIPLIER: ("points_multiplier",),
}
WORTH = tuple(dict.fromkeys(name for names in OF_KIND.values() for name in names))
LIMITS = tuple(offers.Limits.__annotations__)


class OfferForm(RowForm):
    money_fields = {
        "discount_max_minor": gettext_lazy("at most"),
        "amount_minor": gettext_lazy("amount"),
        "cost_minor": gettext_lazy("cost of each"),
        "min_spend_minor": gettext_lazy("minimum spend"),
        "budget_minor": gettext_lazy("budget"),
    }
    period = ("valid_from", "valid_to")

    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("weekdays"),
        choices=Weekday.choices,
        coerce=int,
        required=False,
        help_text=gettext_lazy("None: every day."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        widgets = {"blackout_dates": UnfoldAdminTextInputWidget}
        help_texts = {
            "discount_max_minor": gettext_lazy("Empty: no bound."),
            "free_product": gettext_lazy("One unit of it, which must be in the basket, costs nothing."),
            "cost_minor": gettext_lazy("What one costs the store. Customers do not see it."),
            "points_multiplier": gettext_lazy(
                "2: what the goods earn by the earning rules counts twice. More than 1, 10 at most."
            ),
            "min_spend_minor": gettext_lazy("Counted on the goods that the offer is for. 0: any purchase."),
            "products": gettext_lazy("With categories and products empty it is for everything."),
            "categories": gettext_lazy("It is for goods of these categories, and for the products."),
            "stores": gettext_lazy("Empty: all stores."),
            "segment": gettext_lazy("Empty: everybody."),
            "valid_to": gettext_lazy("Empty: until it is withdrawn."),
            "time_from": gettext_lazy("On the store's clock."),
            "time_to": gettext_lazy("May pass midnight: the night belongs to the day on which it began."),
            "blackout_dates": gettext_lazy("Dates as 2026-12-24, with commas between."),
            "starts_after_days": gettext_lazy("0: at once."),
            "coupon_days": gettext_lazy("Counted from the first day on which it can be used."),
            "redemptions_max": gettext_lazy("By all customers together. Empty: as often as anybody likes."),
            "budget_minor": gettext_lazy("The most that it may take off in all, or gifts may cost. Empty: no bound."),
            "customer_max": gettext_lazy("Empty: as often as they like."),
            "code_max": gettext_lazy("Of codes that are issued from now on. Empty: without end."),
            "period": gettext_lazy("Of the programme's calendar; weeks begin on Monday."),
            "is_stackable": gettext_lazy("With other coupons that can be combined too. Else it counts alone."),
            "priority": gettext_lazy("Of combined ones the highest comes first, then percentages."),
            "code_prefix": gettext_lazy("Codes of this offer begin with it."),
        }

    def clean(self) -> dict[str, Any]:
        """A kind's fields only: what another kind would need is left out."""
        cleaned = super().clean()
        if "kind" in self.fields:
            self._keep_what_the_kind_needs(cleaned)
            self._need_both_ends(cleaned)
            cleaned["code_prefix"] = str(cleaned.get("code_prefix") or "").upper()
            if not re.fullmatch(r"[A-Z0-9]*", cleaned["code_prefix"]):
                self.add_error("code_prefix", _("Only the letters A to Z and digits."))
        self._keep_limits_of_the_period(cleaned)
        if self.instance.published_at and "kind" in self.data:  # it was shown as a draft
            self.add_error(None, str(offers.OfferPublishedMeanwhile()))
        elif self.instance.published_at:
            self._refuse_less_than_was_used(cleaned)
        return cleaned

    def _keep_what_the_kind_needs(self, cleaned: dict[str, Any]) -> None:
        own = OF_KIND.get(cleaned.get("kind", ""), ())
        for name in set(WORTH) - set(own):
            self.errors.pop(name, None)  # it is not shown
            cleaned[name] = None
        said = {
            "percent": _("Say how many percent."),
            "amount_minor": _("Say how much."),
            "free_product": _("Say which product."),
            "cost_minor": _("Say what one costs you."),
            "points_multiplier": _("Say how many times the points count."),
        }
        for name in own[:1]:
            self.need(name, said[name])
        self._need_more_than(cleaned, "percent", 0)
        self._need_more_than(cleaned, "amount_minor", 0)
        self._need_more_than(cleaned, "cost_minor", 0)
        self._need_more_than(cleaned, "points_multiplier", 1)
        if (cleaned.get("percent") or 0) > 100:
            self.add_error("percent", _("This can be 100 at most."))

    def _need_more_than(self, cleaned: dict[str, Any], name: str, least: int) -> None:
        value = cleaned.get(name)
        if value is not None and value <= least:
            self.add_error(name, _("This must be more than %(least)s.") % {"least": least})

    def _need_both_ends(self, cleaned: dict[str, Any]) -> None:
        start, end = cleaned.get("time_from"), cleaned.get("time_to")
        if (start is None) != (end is None):
            self.add_error("time_to" if end is None else "time_from", _("Say from when until when."))
        elif start is not None and start == end:
            self.add_error("time_to", _("The end must not be the start."))

    def _keep_limits_of_the_period(self, cleaned: dict[str, Any]) -> None:
        period = cleaned.get("period") if "period" in self.fields else self.instance.period
        limits = ("period_max", "customer_period_max")
        if not period:
            cleaned.update(dict.fromkeys(limits))
        elif all(cleaned.get(name) is None for name in limits) and not any(name in self.errors for name in limits):
            self.add_error("period_max", _("Say how often in the period, in all or for a customer."))

    def _refuse_less_than_was_used(self, cleaned: dict[str, Any]) -> None:
        try:
            offers.refuse_below_used(offer=self.instance, limits=cast(offers.Limits, cleaned), at=timezone.now())
        except offers.LimitBelowUsed as refusal:
            self.add_error(str(refusal.details["limit"]), str(refusal))
