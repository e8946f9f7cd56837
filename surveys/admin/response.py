from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from customers.domain import customers
from loyalty_site.lib.admin import ReadOnlyAdmin, RowsInline
from surveys.models import Answer, SurveyResponse


class Answers(RowsInline):
    model = Answer
    fields = ("question", "answer")
    readonly_fields = ("answer",)
    ordering = ("question__position",)
    verbose_name_plural = _("answers")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Answer]:
        return super().get_queryset(request).select_related("question").prefetch_related("choices__choice")

    @admin.display(description=_("answer"))
    def answer(self, answer: Answer) -> str:
        return str(answer)


@admin.register(SurveyResponse)
class SurveyResponseAdmin(ReadOnlyAdmin):
    list_display = ("submitted_at", "customer", "survey", "store", "open_link", "language", "points_entry")
    list_display_links = ("submitted_at",)
    list_select_related = ("customer", "survey", "store", "open_link", "points_entry")
    list_filter = (
        ("survey", AutocompleteSelectFilter),
        ("store", AutocompleteSelectFilter),
        ("open_link", AutocompleteSelectFilter),
        "language",
    )
    search_fields = ("customer",)
    search_help_text = _("A customer's number, phone, e-mail or card")
    ordering = ("-pk",)
    sortable_by = ()
    inlines = (Answers,)
    fields = (("survey", "customer"), ("submitted_at", "language"), ("store", "open_link"), "points_entry")

    def matching(self, text: str) -> Q:
        found = customers.find(text=text)
        return Q(customer__in=[pk for customer in found for pk in customers.family(customer=customer)])
