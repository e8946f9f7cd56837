"""Merges of customers: who became part of whom, and the way back."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.domain import customers
from customers.domain import merges as customers_merges
from customers.models import CustomerMerge
from loyalty_site import merges
from loyalty_site.lib.admin import ReadOnlyAdmin, act, act_page, acting, actor_label, named
from rewards.models import PointsEntry


@admin.register(CustomerMerge)
class CustomerMergeAdmin(ReadOnlyAdmin):
    list_display = ("merged_at", "source", "target", "who", "undone_at")
    list_display_links = ("merged_at",)
    list_select_related = ("source", "target")
    list_filter = (("undone_at", admin.EmptyFieldListFilter),)
    search_fields = ("source",)
    search_help_text = gettext_lazy("A customer's number, phone, e-mail or card")
    ordering = ("-merged_at", "-pk")
    sortable_by = ()
    annotations = {"named_actor": named("merged_by"), "named_undoer": named("undone_by")}
    fields = (("source", "target"), ("merged_at", "who"), "reason", "went_over", ("undone_at", "undoer"))
    actions_detail = ("undo",)

    def matching(self, text: str) -> Q:
        ids = {row.pk for row in customers.holders(text=text)} | {row.pk for row in customers.find(text=text)}
        return Q(source__in=ids) | Q(target__in=ids)

    def offers(self, act: str, row: CustomerMerge) -> bool:
        in_time = timezone.now() <= row.merged_at + customers_merges.UNDO_WITHIN
        is_open = row.undone_at is None and row.target.closed_at is None
        return is_open and in_time and customers_merges.is_latest(merge=row)

    @act(title=gettext_lazy("Undo"), permission="customers.change_customermerge", icon="undo", variant="primary")
    def undo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        merge: CustomerMerge = self.row(request, object_id)

        def do(_data: Any) -> str:
            merges.undo(merge=merge, by=acting(request), at=timezone.now())
            return _("They are two customers again.")

        return act_page(
            self,
            request,
            merge,
            title=_("Separate %(source)s from %(target)s again?") % {"source": merge.source, "target": merge.target},
            explanation=_(
                "What is left of the points goes back, with purchases, coupons and cards. What came in or was used "
                "since the merge stays with %s."
            )
            % merge.target,
            button=_("Undo the merge"),
            do=do,
            danger=True,
        )

    @admin.display(description=gettext_lazy("merged by"))
    def who(self, merge: Any) -> str:
        return actor_label(merge.named_actor)

    @admin.display(description=gettext_lazy("undone by"))
    def undoer(self, merge: Any) -> str:
        return actor_label(merge.named_undoer)

    @admin.display(description=gettext_lazy("went over"))
    def went_over(self, merge: CustomerMerge) -> str:
        moved = [(name, len(ids)) for name, ids in merge.moved.items() if ids and "." in name]
        points = PointsEntry.objects.filter(customer=merge.target_id, reference=f"merge:{merge.pk}").first()
        told = [(PointsEntry._meta.get_field("points").verbose_name, points.points)] if points else []
        told += [(apps.get_model(name)._meta.verbose_name_plural, number) for name, number in moved]
        return " · ".join(_("%(name)s: %(number)s") % {"name": name, "number": number} for name, number in told)
