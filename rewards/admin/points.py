"""The ledger and what it keeps: read here, written by `rewards.domain.points` alone."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from customers.domain import customers
from loyalty_site.lib.admin import ChangeList, ReadOnlyAdmin, RowsInline, actor_label, named, state_filter
from loyalty_site.lib.numbers import signed
from rewards.admin import liability, simulation
from rewards.domain import explanations
from rewards.models import PointsAccount, PointsAllocation, PointsEntry, PointsLot


class OfAccountAdmin(ReadOnlyAdmin):
    """Rows of a points account, found by whose it is."""

    customer_path = "customer"
    search_fields = ("customer",)
    search_help_text = _("A customer's number, phone, e-mail or card")
    sortable_by = ()

    def matching(self, text: str) -> Q:
        return Q(**{f"{self.customer_path}__in": [customer.pk for customer in customers.find(text=text)]})


@admin.register(PointsAccount)
class PointsAccountAdmin(OfAccountAdmin):
    list_display = ("customer", "balance", "debt")
    list_select_related = ("customer",)
    list_filter = (
        state_filter(name="debt", label=_("debt"), states=lambda now: {"yes": (_("in debt"), Q(debt__gt=0))}),
    )
    ordering = ("-pk",)
    fields = ("customer", "balance", "debt")


class AllocationsOfEntry(RowsInline):
    model = PointsAllocation
    fk_name = "entry"
    fields = ("lot", "points", "lapses_at")
    readonly_fields = ("lapses_at",)
    verbose_name_plural = _("taken from (−: given back to)")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PointsAllocation]:
        return super().get_queryset(request).select_related("lot")

    @admin.display(description=_("lapses at"))
    def lapses_at(self, allocation: PointsAllocation) -> Any:
        return allocation.lot.expires_at


class ExplainedEntries(ChangeList):
    """A page of the ledger in words, with as many queries for fifty entries as for one."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = explanations.explained(self.result_list)


@admin.register(PointsEntry)
class PointsEntryAdmin(OfAccountAdmin):
    list_display = ("happened_at", "whose", "kind", "signed_points", "headline", "balance_after", "who")
    list_display_links = ("happened_at",)
    list_select_related = ("customer__customer",)
    list_filter = ("kind", ("recorded_at", RangeDateTimeFilter))
    ordering = ("-recorded_at", "-id")
    inlines = (AllocationsOfEntry,)
    annotations = {"named_actor": named("actor")}
    fields = (
        ("whose", "seq"),
        ("kind", "signed_points"),
        "words",
        ("balance_after", "who"),
        ("happened_at", "recorded_at"),
        ("reference", "corrects"),
        "reason",
        "breakdown",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ExplainedEntries

    @admin.display(description=_("customer"))
    def whose(self, entry: PointsEntry) -> str:
        return str(entry.customer.customer)

    @admin.display(description=_("points"))
    def signed_points(self, entry: PointsEntry) -> str:
        return signed(entry.points)

    @admin.display(description=_("what happened"))
    def words(self, entry: PointsEntry) -> str:
        return explanations.explain(entry)

    @admin.display(description=_("what happened"))
    def headline(self, entry: PointsEntry) -> str:
        return entry.headline

    @admin.display(description=_("actor"))
    def who(self, entry: Any) -> str:
        return actor_label(entry.named_actor)


@admin.register(PointsLot)
class PointsLotAdmin(OfAccountAdmin):
    list_display = ("whose", "points", "remaining", "available_at", "expires_at")
    list_select_related = ("customer__customer",)
    ordering = ("-pk",)
    fields = (("whose", "entry"), ("points", "remaining"), ("available_at", "expires_at"))

    def get_urls(self) -> list[Any]:
        """With the pages of what all lots sum to, and of what they would under other rules."""
        pages = [
            path(f"{address}/", self.admin_site.admin_view(partial(page, site=self.admin_site)), name=name)
            for address, page, name in (
                ("liability", liability.page, "rewards_liability"),
                ("what-if", simulation.page, "rewards_simulation"),
            )
        ]
        return [*pages, *super().get_urls()]

    @admin.display(description=_("customer"))
    def whose(self, lot: PointsLot) -> str:
        return str(lot.customer.customer)


@admin.register(PointsAllocation)
class PointsAllocationAdmin(OfAccountAdmin):
    list_display = ("whose", "entry", "lot", "points")
    list_select_related = ("customer__customer", "entry", "lot")
    ordering = ("-pk",)
    fields = ("whose", "entry", "lot", "points")

    @admin.display(description=_("customer"))
    def whose(self, allocation: PointsAllocation) -> str:
        return str(allocation.customer.customer)
