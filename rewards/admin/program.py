from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib.admin import ModelAdmin, RowForm, only_for
from rewards.models import ExpiryPolicy, Program


class ProgramForm(RowForm):
    money_fields = {"point_value_minor": _("value of a point")}

    class Meta:
        labels = {"shortfall_policy": _("missing points")}
        help_texts = {"shortfall_policy": _("When points of a returned purchase are spent already.")}


@admin.register(Program)
class ProgramAdmin(ModelAdmin):
    """One row: its list leads straight to it."""

    form = ProgramForm
    conditional_fields = only_for("expiry_policy", ExpiryPolicy.ROLLING, "expiry_months", "expiry_period_end")
    fieldsets = (
        (None, {"fields": ("name", "timezone", "currency")}),
        (_("Points"), {"fields": ("point_value_minor", "pending_days", "shortfall_policy", "adjustment_threshold")}),
        (_("Rewards"), {"fields": ("customer_cancel_hours",)}),
        (_("Lapse"), {"fields": ("expiry_policy", "expiry_months", "expiry_period_end")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Program.objects.exists()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        program = Program.objects.first()
        if program and self.has_view_permission(request, program):
            return HttpResponseRedirect(reverse("admin:rewards_program_change", args=[program.pk]))
        if self.has_add_permission(request):
            return HttpResponseRedirect(reverse("admin:rewards_program_add"))
        return super().changelist_view(request, extra_context)
