"""Small unexpected thank-yous: the rules, from draft to ended, and what they gave."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from customers.domain import customers
from loyalty_site.lib import numbers
from loyalty_site.lib.admin import (
    ModelAdmin,
    ReadOnlyAdmin,
    States,
    act,
    act_page,
    acting,
    badge,
    only_for,
    state_filter,
)
from loyalty_site.lib.money import format_money
from rewards.admin import surprise_pages
from rewards.admin.surprise_form import NEEDED, NEW, TRIGGER_FIELDS, Gives, SurpriseRuleForm, begun_with, examples
from rewards.domain import experiments, surprises
from rewards.models import PURCHASE_TRIGGERS, ExperimentKind, GestureText, Program, Surprise, SurpriseRule, Trigger

# What an active rule may still change: its words, and limits that leave more.
OPEN = ("name", "title", "message", "budget_minor", "issued_max")


def states(now: datetime) -> States:
    is_over = Q(ended_at__isnull=False) | Q(active_to__lte=now)
    return {
        "draft": (_("draft"), Q(activated_at__isnull=True)),
        "active": (pgettext("rule", "active"), Q(activated_at__isnull=False) & ~is_over),
        "ended": (_("ended"), Q(activated_at__isnull=False) & is_over),
    }


@admin.register(SurpriseRule)
class SurpriseRuleAdmin(ModelAdmin):
    form = SurpriseRuleForm
    list_display = ("name", "state", "trigger", "gives_what", "given_count", "spent", "budget", "held_out")
    list_select_related = ("offer", "experiment")
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states), "trigger")
    search_fields = ("name",)
    autocomplete_fields = ("offer", "category")
    ordering = ("-pk",)
    sortable_by = ("name", "given_count")
    actions_detail = ("activate", "mail_text", "draws", "end")
    change_form_before_template = "admin/rewards/surpriserule/examples.html"
    conditional_fields = {
        **{
            name: only_for("trigger", [trigger for trigger, names in NEEDED.items() if name in names], name)[name]
            for name in TRIGGER_FIELDS
        },
        **only_for("trigger", Trigger.OVERDUE, "stays_away_percent"),
        **only_for("trigger", Trigger.NTH_VISIT, "visit_repeats"),
        **only_for("trigger", [*PURCHASE_TRIGGERS], "at_till"),
        **only_for("gives", Gives.OFFER, "offer"),
        **only_for("gives", Gives.POINTS, "points"),
        **only_for("gives", [Gives.NEW_AMOUNT, Gives.NEW_PERCENT], "worth"),
        **only_for("gives", [*NEW], "coupon_days"),
    }  # fmt: skip
    when = ("trigger", *TRIGGER_FIELDS, "stays_away_percent", "visit_repeats", "at_till")
    what = ("gives", "worth", "coupon_days", "offer", "points")
    limits = ("cost_minor", "customer_max", "cooldown_days", "quiet_days", "priority", "holdout_percent")
    fieldsets = (
        (None, {"fields": ("name", *when)}),
        (gettext_lazy("What it gives"), {"fields": (*what, "title", "message")}),
        (gettext_lazy("Money"), {"fields": (("cost_minor", "budget_minor"),)}),
        (
            gettext_lazy("How often"),
            {
                "fields": (
                    ("cooldown_days", "quiet_days"),
                    ("issued_max", "customer_max"),
                    "holdout_percent",
                    "priority",
                )
            },
        ),
        (gettext_lazy("When"), {"fields": ("active_from", "active_to")}),
    )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """An active rule's gesture is said by what it gives, no longer by how it is made."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not obj.activated_at and self.has_change_permission(request, obj):
            return fieldsets
        hidden = {"gives", "worth", "coupon_days", "holdout_percent"}
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in hidden]})
            for title, options in fieldsets
        ]

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        if not (obj and obj.activated_at):
            return ()
        return (*(name for name in (*self.when, "offer", "points", *self.limits) if name != "holdout_percent"),
                "active_from", "active_to")  # fmt: skip

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        example = begun_with(
            request.GET.get("template", ""), program=Program.objects.current(), now=timezone.localtime()
        )
        return {**super().get_changeform_initial_data(request), **example}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        chosen = request.GET.get("template")
        context = {"examples": examples(), "chosen": chosen, "title": _("Add a surprise rule")}
        return super().add_view(request, form_url, {**context, **(extra_context or {})})

    def response_add(self, request: HttpRequest, obj: SurpriseRule, post_url_continue: Any = None) -> HttpResponse:
        """On to what it would have done, and to its activation."""
        if {"_continue", "_addanother", "_popup"} & request.POST.keys():
            return super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(reverse("admin:rewards_surpriserule_activate", args=[obj.pk]))

    def currency_of(self, row: SurpriseRule) -> str:
        return row.currency

    def is_disposable(self, row: SurpriseRule) -> bool:
        return row.activated_at is None and not row.surprises.exists()

    def save_model(self, request: HttpRequest, obj: SurpriseRule, form: Any, change: bool) -> None:
        if obj.activated_at:
            super().save_model(request, obj, form, change)
            return
        percent, by, at = form.cleaned_data["holdout_percent"], acting(request), timezone.now()
        if offer := form.new_offer():
            offer.save()
            obj.offer = offer
        if change:
            experiments.replan(experiment=obj.experiment, holdout_percent=percent, by=by, at=at)
        else:
            obj.experiment = experiments.plan(
                kind=ExperimentKind.SURPRISE, name=obj.name, holdout_percent=percent, by=by, at=at
            )
        obj.save()

    def offers(self, act: str, row: SurpriseRule) -> bool:
        if act == "activate":
            return row.activated_at is None
        if act == "mail_text":
            return True
        if act == "draws":
            return bool(row.seed)
        return row.activated_at is not None and row.ended_at is None

    @act(
        title=gettext_lazy("Look and activate"),
        permission="rewards.change_surpriserule",
        icon="celebration",
        variant="primary",
    )
    def activate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        rule: SurpriseRule = self.row(request, object_id)

        def do(_data: Any) -> str:
            surprises.activate(rule=rule, by=acting(request), at=timezone.now())
            return _("“%s” is active.") % rule

        return act_page(
            self,
            request,
            rule,
            title=_("Activate “%s”?") % rule,
            explanation=_(
                "It surprises customers from then on. Later its words can be changed and its limits grow, nothing else."
            ),
            button=_("Activate"),
            do=do,
            template="admin/rewards/surpriserule/activate.html",
            context=surprise_pages.preview(rule, timezone.now()),
        )

    @act(title=gettext_lazy("End"), permission="rewards.change_surpriserule", icon="block", variant="danger")
    def end(self, request: HttpRequest, object_id: int) -> HttpResponse:
        rule: SurpriseRule = self.row(request, object_id)

        def do(_data: Any) -> str:
            surprises.end(rule=rule, by=acting(request), at=timezone.now())
            return _("“%s” has ended.") % rule

        return act_page(
            self,
            request,
            rule,
            title=_("End “%s”?") % rule,
            explanation=_("It surprises nobody any more. What it gave stays good. This cannot be undone."),
            button=_("End"),
            do=do,
            danger=True,
        )

    @act(title=gettext_lazy("Words of its mail"), permission="rewards.change_gesturetext", icon="mail")
    def mail_text(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To what marketing wrote for this rule, or where they can."""
        rule: SurpriseRule = self.row(request, object_id)
        if text := GestureText.objects.filter(rule=rule).first():
            return HttpResponseRedirect(reverse("admin:rewards_gesturetext_change", args=[text.pk]))
        return HttpResponseRedirect(f"{reverse('admin:rewards_gesturetext_add')}?{urlencode({'rule': rule.pk})}")

    @act(title=gettext_lazy("Draw again"), permission="rewards.view_surprisedraw", icon="casino")
    def draws(self, request: HttpRequest, object_id: int) -> HttpResponse:
        rule: SurpriseRule = self.row(request, object_id)
        now = timezone.now()
        form = PeriodForm(request.GET or {"first": (now - timedelta(days=7)).date(), "last": timezone.localdate(now)})
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": rule,
            "title": _("Lucky draws of “%s”") % rule,
            "form": form,
            **(surprise_pages.draws(rule, **form.cleaned_data, now=now) if rule.seed and form.is_valid() else {}),
        }
        return TemplateResponse(request, "admin/rewards/surpriserule/draws.html", context)

    @badge(gettext_lazy("state"), {"active": "success", "ended": "warning", "draft": "info"})
    def state(self, rule: SurpriseRule) -> tuple[str, str]:
        if rule.activated_at is None:
            return "draft", _("draft")
        if rule.ended_at or rule.active_to and rule.active_to <= timezone.now():
            return "ended", _("ended")
        return "active", pgettext("rule", "active")

    @admin.display(description=gettext_lazy("gives"))
    def gives_what(self, rule: SurpriseRule) -> str:
        if rule.points:
            return numbers.points(rule.points)
        return _("%(name)s: %(number)s") % {"name": rule.gesture.label, "number": rule.offer}

    @admin.display(description=gettext_lazy("held out (percent)"))
    def held_out(self, rule: SurpriseRule) -> int:
        return rule.experiment.holdout_percent

    @admin.display(description=gettext_lazy("spent"))
    def spent(self, rule: SurpriseRule) -> str:
        return format_money(rule.spent_minor, rule.currency)

    @admin.display(description=gettext_lazy("budget"))
    def budget(self, rule: SurpriseRule) -> str:
        return "–" if rule.budget_minor is None else format_money(rule.budget_minor, rule.currency)


class PeriodForm(forms.Form):
    first = forms.DateField(
        label=gettext_lazy("from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(label=gettext_lazy("to"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and not first <= last <= first + timedelta(days=surprise_pages.DAYS_MAX):
            self.add_error("last", _("At most %s days, and not before they begin.") % surprise_pages.DAYS_MAX)
        return cleaned


@admin.register(Surprise)
class SurpriseAdmin(ReadOnlyAdmin):
    list_display = ("happened_at", "rule", "customer", "arm", "gave", "cost", "occasion")
    list_display_links = ("happened_at",)
    list_select_related = ("rule", "customer", "coupon", "points_entry")
    list_filter = (("rule", AutocompleteSelectFilter), "arm")
    search_fields = ("customer",)
    search_help_text = gettext_lazy("A customer's number, phone, e-mail or card")
    ordering = ("-pk",)
    sortable_by = ()

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])

    def currency_of(self, row: Surprise) -> str:
        return row.rule.currency

    @admin.display(description=gettext_lazy("gave"))
    def gave(self, surprise: Surprise) -> str:
        if surprise.points_entry:
            return numbers.points(surprise.points_entry.points)
        return str(surprise.coupon or "–")

    @admin.display(description=gettext_lazy("cost"))
    def cost(self, surprise: Surprise) -> str:
        return format_money(surprise.cost_minor, surprise.rule.currency)
