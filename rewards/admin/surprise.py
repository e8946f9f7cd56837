"""Small unexpected thank-yous: the rules, and what they gave."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from customers.domain import customers
from loyalty_site.lib.admin import ModelAdmin, ReadOnlyAdmin, RowForm, acting
from loyalty_site.lib.money import format_money
from rewards.domain import experiments
from rewards.models import ExperimentKind, Surprise, SurpriseRule


class SurpriseRuleForm(RowForm):
    money_fields = {"threshold_minor": _("amount over")}
    period = ("active_from", "active_to")
    holdout_percent = forms.IntegerField(
        label=_("held out (percent)"),
        help_text=_("So many of 100 customers get none, so that one sees whether it brings people back."),
        min_value=0,
        max_value=50,
        initial=10,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "holdout_percent" in self.fields:
            experiment = self.instance.experiment
            self.initial["holdout_percent"] = experiment.holdout_percent
            self.fields["holdout_percent"].disabled = experiment.assignments.exists()

    def currency(self) -> str:
        offer = getattr(self, "cleaned_data", {}).get("offer") or (self.instance.offer if self.instance.pk else None)
        return offer.currency if offer else "CNY"


@admin.register(SurpriseRule)
class SurpriseRuleAdmin(ModelAdmin):
    form = SurpriseRuleForm
    list_display = ("name", "threshold", "offer", "active_from", "active_to", "given_count", "held_out")
    list_select_related = ("offer", "experiment")
    search_fields = ("name",)
    autocomplete_fields = ("offer",)
    ordering = ("-pk",)
    sortable_by = ("name", "active_from", "active_to", "given_count")
    fieldsets = (
        (None, {"fields": ("name", "trigger", "offer", "threshold_minor")}),
        (_("When"), {"fields": ("active_from", "active_to", "cooldown_days")}),
        (_("Limits"), {"fields": ("issued_max", "holdout_percent")}),
    )

    def currency_of(self, row: SurpriseRule) -> str:
        return row.currency

    def is_disposable(self, row: SurpriseRule) -> bool:
        return not row.surprises.exists()

    def save_model(self, request: HttpRequest, obj: SurpriseRule, form: Any, change: bool) -> None:
        percent, by, at = form.cleaned_data["holdout_percent"], acting(request), timezone.now()
        if change:
            experiments.replan(experiment=obj.experiment, holdout_percent=percent, by=by, at=at)
        else:
            obj.experiment = experiments.plan(
                kind=ExperimentKind.SURPRISE, name=obj.name, holdout_percent=percent, by=by, at=at
            )
        super().save_model(request, obj, form, change)

    @admin.display(description=_("held out (percent)"))
    def held_out(self, rule: SurpriseRule) -> int:
        return rule.experiment.holdout_percent

    @admin.display(description=_("amount over"))
    def threshold(self, rule: SurpriseRule) -> str:
        return "" if rule.threshold_minor is None else format_money(rule.threshold_minor, rule.currency)


@admin.register(Surprise)
class SurpriseAdmin(ReadOnlyAdmin):
    list_display = ("happened_at", "rule", "customer", "arm", "coupon")
    list_display_links = ("happened_at",)
    list_select_related = ("rule", "customer", "coupon")
    list_filter = (("rule", AutocompleteSelectFilter), "arm")
    search_fields = ("customer",)
    search_help_text = _("A customer's number, phone, e-mail or card")
    ordering = ("-pk",)
    sortable_by = ()

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])
