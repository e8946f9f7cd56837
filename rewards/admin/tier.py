"""Tiers, who is in them, and how everybody came there."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.domain import customers
from loyalty_site.lib.admin import ModelAdmin, ReadOnlyAdmin, RowForm, actor_label, named
from rewards.domain import tiers
from rewards.models import EarningRule, Program, Tier, TierBasis, TierChange, TierMembership


def _of_program(name: str) -> Coalesce:
    return Coalesce(Subquery(Program.objects.values(name)[:1]), Value(getattr(Program(), name)))


class TierForm(RowForm):
    """The threshold is typed in points, or in money where that is what counts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.program = Program.objects.current()
        if self.program.tier_basis == TierBasis.SPEND:
            self.money_fields = {"threshold": gettext_lazy("reached with")}  # type: ignore[misc]
        super().__init__(*args, **kwargs)
        if "threshold" in self.fields:
            self.fields["threshold"].help_text = self.program.get_tier_basis_display()

    def currency(self) -> str:
        return self.program.currency

    def clean(self) -> dict[str, Any]:
        """The higher, the more it takes."""
        cleaned = super().clean()
        rank, threshold = cleaned.get("rank"), cleaned.get("threshold")
        if rank is not None and threshold is not None and cleaned.get("is_active"):
            others = Tier.objects.filter(is_active=True).exclude(pk=self.instance.pk)
            wrong = others.filter(
                Q(rank__lt=rank, threshold__gte=threshold) | Q(rank__gt=rank, threshold__lte=threshold)
            )
            if other := wrong.first():
                message = _("The higher the rank, the more it must take: compare with “%(tier)s”, %(threshold)s.")
                basis, currency = self.program.tier_basis, self.program.currency
                values = {"tier": other, "threshold": tiers.amount(other.threshold, basis=basis, currency=currency)}
                self.add_error("threshold", message % values)
        return cleaned


@admin.register(Tier)
class TierAdmin(ModelAdmin):
    form = TierForm
    list_display = ("__str__", "rank", "reached_with", "is_active")
    search_fields = ("code",)
    ordering = ("rank",)
    annotations = {"basis": _of_program("tier_basis"), "currency": _of_program("currency")}
    sortable_by = ()
    fields = ("name", "code", ("rank", "threshold"), "is_active")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return self.fields
        return ("name", "code", "rank", "reached_with", "is_active")

    def is_disposable(self, row: Tier) -> bool:
        history = TierChange.objects.filter(Q(from_tier=row) | Q(to_tier=row))
        return not (row.memberships.exists() or history.exists() or EarningRule.objects.filter(tier=row).exists())

    @admin.display(description=gettext_lazy("reached with"))
    def reached_with(self, tier: Any) -> str:
        return tiers.amount(tier.threshold, basis=tier.basis, currency=tier.currency)


class _OfCustomerAdmin(ReadOnlyAdmin):
    search_fields = ("customer",)
    search_help_text = gettext_lazy("A customer's number, phone, e-mail or card")
    sortable_by = ()

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])


@admin.register(TierMembership)
class TierMembershipAdmin(_OfCustomerAdmin):
    list_display = ("customer", "tier", "since", "keep_until")
    list_select_related = ("customer", "tier")
    list_filter = ("tier",)
    ordering = ("-pk",)
    fields = ("customer", "tier", "since", ("counts_from", "keep_until"))


@admin.register(TierChange)
class TierChangeAdmin(_OfCustomerAdmin):
    list_display = ("happened_at", "customer", "from_tier", "to_tier", "why", "who")
    list_display_links = ("happened_at",)
    list_select_related = ("customer", "from_tier", "to_tier")
    list_filter = ("why", "to_tier")
    ordering = ("-happened_at", "-pk")
    annotations = {"named_actor": named("actor")}
    fields = ("customer", ("from_tier", "to_tier"), "why", ("happened_at", "who"))

    @admin.display(description=gettext_lazy("actor"))
    def who(self, change: Any) -> str:
        return actor_label(change.named_actor)
