"""What stores may give to say sorry: their budgets, and the offers with what each costs."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.domain import audit
from loyalty_site.lib.admin import ModelAdmin, RowForm, acting
from loyalty_site.lib.money import format_money
from loyalty_site.lib.numbers import grouped
from surveys.models import GestureBudget, GestureOffer


class GestureBudgetForm(RowForm):
    money_fields = {"budget_minor": gettext_lazy("money at most")}

    def currency(self) -> str:
        cleaned = getattr(self, "cleaned_data", {})
        store = cleaned.get("store") or (self.instance.store if self.instance.store_id else None)
        return str(store.currency) if store else "CNY"

    def clean_month(self) -> date:
        """Any day of it."""
        month: date = self.cleaned_data["month"]
        return month.replace(day=1)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name, spent in (("points_max", self.instance.points_spent), ("budget_minor", self.instance.spent_minor)):
            if cleaned.get(name) is not None and cleaned[name] < spent:
                self.add_error(name, _("More than this has been given already."))
        return cleaned


@admin.register(GestureBudget)
class GestureBudgetAdmin(ModelAdmin):
    form = GestureBudgetForm
    list_display = ("store", "when", "points_given", "money_given")
    list_select_related = ("store",)
    list_filter = ("month",)
    search_fields = ("store__name",)
    autocomplete_fields = ("store",)
    ordering = ("-month", "store__name")
    sortable_by = ()
    store_lookup = "store"
    fields = ("store", "month", "points_max", "budget_minor")

    def currency_of(self, row: GestureBudget) -> str:
        return row.store.currency

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("store", "month") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"month": timezone.localdate().replace(day=1), **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: GestureBudget, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        data: dict[str, object] = {"points": obj.points_max, "minor": obj.budget_minor}
        subject = f"gesture-budget:{obj.pk}"
        audit.record(
            actor=acting(request), action="gesture_budget.written", subject=subject, data=data, at=timezone.now()
        )

    @admin.display(description=gettext_lazy("month"))
    def when(self, row: GestureBudget) -> str:
        return f"{row.month:%Y-%m}"

    @admin.display(description=gettext_lazy("points given"))
    def points_given(self, row: GestureBudget) -> str:
        return _("%(spent)s of %(limit)s") % {"spent": grouped(row.points_spent), "limit": grouped(row.points_max)}

    @admin.display(description=gettext_lazy("money given"))
    def money_given(self, row: GestureBudget) -> str:
        spent, limit = (format_money(minor, row.store.currency) for minor in (row.spent_minor, row.budget_minor))
        return _("%(spent)s of %(limit)s") % {"spent": spent, "limit": limit}


class GestureOfferForm(RowForm):
    money_fields = {"cost_minor": gettext_lazy("cost of each")}

    def currency(self) -> str:
        cleaned = getattr(self, "cleaned_data", {})
        offer = cleaned.get("offer") or (self.instance.offer if self.instance.offer_id else None)
        return str(offer.currency) if offer else "CNY"


@admin.register(GestureOffer)
class GestureOfferAdmin(ModelAdmin):
    form = GestureOfferForm
    list_display = ("offer", "cost")
    list_select_related = ("offer",)
    search_fields = ("offer__title",)
    autocomplete_fields = ("offer",)
    ordering = ("-pk",)
    sortable_by = ()
    fields = ("offer", "cost_minor")

    def currency_of(self, row: GestureOffer) -> str:
        return row.offer.currency

    def is_disposable(self, row: GestureOffer) -> bool:
        return True

    @admin.display(description=gettext_lazy("cost of each"))
    def cost(self, row: GestureOffer) -> str:
        return format_money(row.cost_minor, row.offer.currency)
