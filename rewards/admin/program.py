from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib.admin import ModelAdmin, RowForm, only_for
from rewards.models import ExpiryPolicy, Program, TierWindow

_PERIODS = (ExpiryPolicy.ROLLING, ExpiryPolicy.INACTIVITY)


class ProgramForm(RowForm):
    money_fields = {"point_value_minor": _("value of a point")}

    class Meta:
        labels = {"shortfall_policy": _("missing points")}
        help_texts = {
            "shortfall_policy": _("When points of a returned purchase are spent already."),
            "expiry_policy": _("Points keep the rule under which they were earned. They lapse at midnight."),
            "expiry_months": _(
                "Counted from the day on which the points can be spent, or from the last purchase or redemption. With"
                " fixed days 0 means the next one."
            ),
            "expiry_period_end": _("So that a customer's points lapse together."),
            "tier_basis": _("The tiers say how much it takes: look at them again when you change this."),
            "tier_window": _(
                "With the calendar year, a tier is kept through the year after the one it was reached in."
            ),
            "expiry_days": _("Month-day, several with commas: 06-30, 12-31. 02-29 is the last day of February."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        policy = cleaned.get("expiry_policy")
        if cleaned.get("expiry_months") == 0 and policy == ExpiryPolicy.NEVER:
            cleaned["expiry_months"] = Program._meta.get_field("expiry_months").default  # not shown, so not asked
        elif cleaned.get("expiry_months") == 0 and policy != ExpiryPolicy.FIXED:
            self.add_error("expiry_months", _("Give at least one month; only with fixed days there may be none."))
        if "quiet_until" not in self.errors and (cleaned.get("quiet_from") is None) != (
            cleaned.get("quiet_until") is None
        ):
            self.add_error("quiet_until", _("Say when they begin and when they end, or neither."))
        elif cleaned.get("quiet_from") and cleaned["quiet_from"] == cleaned["quiet_until"]:
            self.add_error("quiet_until", _("They end at another time than they begin."))
        return cleaned


@admin.register(Program)
class ProgramAdmin(ModelAdmin):
    """One row: its list leads straight to it."""

    form = ProgramForm
    conditional_fields = {
        **only_for("expiry_policy", (*_PERIODS, ExpiryPolicy.FIXED), "expiry_months"),
        **only_for("expiry_policy", _PERIODS, "expiry_period_end"),
        **only_for("expiry_policy", ExpiryPolicy.FIXED, "expiry_days"),
        **only_for("tier_window", TierWindow.ROLLING, "tier_months"),
    }
    fieldsets = (
        (None, {"fields": ("name", "timezone", "currency")}),
        (
            _("Points"),
            {
                "fields": (
                    "point_value_minor",
                    "earns_on_tax",
                    "pending_days",
                    "shortfall_policy",
                    "adjustment_threshold",
                )
            },
        ),
        (_("Rewards"), {"fields": ("customer_cancel_hours",)}),
        (
            _("Mails"),
            {
                "fields": (
                    ("mail_max", "mail_days"),
                    ("quiet_from", "quiet_until"),
                    "mails_per_minute",
                    ("sender_name", "reply_to"),
                    "postal_address",
                )
            },
        ),
        (_("Lapse"), {"fields": ("expiry_policy", "expiry_months", "expiry_period_end", "expiry_days")}),
        (_("Tiers"), {"fields": ("tier_basis", "tier_window", "tier_months", "tier_grace_days", "tier_downgrade")}),
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
