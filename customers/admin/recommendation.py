"""What customers thought of products, and how the making of their recommendations goes."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from customers.admin.consent import OfCustomerAdmin
from customers.models import ProductRating, RecommendationRun
from loyalty_site.lib.admin import ReadOnlyAdmin


@admin.register(ProductRating)
class ProductRatingAdmin(OfCustomerAdmin):
    list_display = ("product", "customer", "stars", "rated_at")
    list_select_related = ("customer", "product")
    list_filter = ("stars",)
    ordering = ("-pk",)


@admin.register(RecommendationRun)
class RecommendationRunAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "progress", "is_finished")
    fields = list_display
    ordering = ("-pk",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecommendationRun]:
        return super().get_queryset(request).defer("content")  # megabytes, which no page shows

    @admin.display(description=_("customers done"))
    def progress(self, run: Any) -> str:
        return f"{run.done} / {run.customers}"
