"""Hold-outs: the plan, which stays with the first assignment, and the report of what came of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import DateTimeField, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, Value
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from loyalty_site.lib.admin import ModelAdmin, RowForm, States, act, acting, badge, state_filter
from loyalty_site.lib.numbers import grouped
from rewards.admin import experiment_report
from rewards.domain import experiments
from rewards.models import Assignment, Experiment

PLAN = ("holdout_percent", "window_days", "horizon_days", "returning_percent", "difference_percent")


def holdout_field(help_text: Any) -> forms.IntegerField:
    """For the forms of what has an experiment of its own."""
    return forms.IntegerField(
        label=gettext_lazy("held out (percent)"),
        help_text=help_text,
        min_value=0,
        max_value=50,
        initial=10,
        widget=UnfoldAdminIntegerFieldWidget,
    )


class ExperimentForm(RowForm):
    class Meta:
        help_texts = {
            "holdout_percent": gettext_lazy(
                "So many of 100 customers, chosen by chance, get none. 0 compares nothing."
            ),
            "window_days": gettext_lazy("Who buys again in so many days has come back."),
            "horizon_days": gettext_lazy("From the start; before that day the result is only preliminary."),
            "returning_percent": gettext_lazy("A guess. 50 is on the safe side: it asks for the most customers."),
            "difference_percent": gettext_lazy("The smaller it is, the more customers it takes to see it."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        returning, more = (cleaned.get(name) for name in ("returning_percent", "difference_percent"))
        if returning and more and returning + more >= 100:
            self.add_error("difference_percent", _("Together with those who come back anyway this must be below 100."))
        return cleaned


_DAY = Value(timedelta(days=1), output_field=DurationField())
READ_ON = ExpressionWrapper(F("started_at") + F("horizon_days") * _DAY, output_field=DateTimeField())
HAS_BEGUN = Exists(Assignment.objects.filter(experiment=OuterRef("pk")))


def states(now: datetime) -> States:
    """By what the list knows without counting; whether there are enough customers is said by the report."""
    compares = Q(holdout_percent__gt=0)
    return {
        "none": (_("nobody is held out"), Q(holdout_percent=0)),
        "waiting": (_("nobody assigned yet"), compares & Q(has_begun=False)),
        "running": (_("running"), compares & Q(has_begun=True, to_be_read_on__gt=now)),
        "due": (_("to be read"), compares & Q(has_begun=True, to_be_read_on__lte=now)),
    }


@admin.register(Experiment)
class ExperimentAdmin(ModelAdmin):
    form = ExperimentForm
    list_display = ("name", "kind", "state", "holdout_percent", "started_at", "read_on", "look")
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states), "kind")
    search_fields = ("name",)
    ordering = ("-pk",)
    sortable_by = ("name", "started_at")
    actions_detail = ("report",)
    annotations = {"to_be_read_on": READ_ON, "has_begun": HAS_BEGUN}
    fieldsets = (
        (None, {"fields": ("name", "kind", "started_at")}),
        (gettext_lazy("Plan"), {"fields": (*PLAN, "read_on", "size")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Each is made with the rule or mailing that it measures."""
        return False

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        kept = PLAN if obj is not None and obj.has_begun else ()
        return ("kind", "started_at", "read_on", "size", *kept)

    def save_model(self, request: HttpRequest, obj: Experiment, form: Any, change: bool) -> None:
        planned = {name: form.cleaned_data[name] for name in PLAN if name in form.changed_data}
        experiments.replan(experiment=obj, by=acting(request), at=timezone.now(), **planned)
        if "name" in form.changed_data:
            obj.save(update_fields=["name"])

    @badge(gettext_lazy("state"), {"running": "info", "due": "success", "waiting": "warning"})
    def state(self, experiment: Any) -> tuple[str, str]:
        if not experiment.holdout_percent:
            key = "none"
        elif not experiment.has_begun:
            key = "waiting"
        else:
            key = "due" if experiment.to_be_read_on <= timezone.now() else "running"
        return key, str(states(timezone.now())[key][0])

    @admin.display(description=gettext_lazy("to be read on"))
    def read_on(self, experiment: Experiment) -> str:
        return date_format(timezone.localtime(experiments.read_on(experiment)), "DATE_FORMAT")

    @admin.display(description=gettext_lazy("customers needed"))
    def size(self, experiment: Experiment) -> str:
        size = experiments.size_planned(experiment)
        if size is None:
            return "–"
        values = {"all": grouped(size.total), "treated": grouped(size.treated), "held_out": grouped(size.holdout)}
        return _("%(all)s: %(treated)s treated and %(held_out)s held out") % values

    @admin.display(description=gettext_lazy("report"))
    def look(self, experiment: Experiment) -> str:
        address = reverse("admin:rewards_experiment_report", args=[experiment.pk])
        return format_html('<a href="{}">{}</a>', address, _("Look at it"))

    @act(title=gettext_lazy("Report"), permission="rewards.view_experiment", icon="monitoring")
    def report(self, request: HttpRequest, object_id: int) -> HttpResponse:
        experiment: Experiment = self.row(request, object_id)
        found = experiments.report(experiment=experiment, at=timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": experiment,
            "title": _("Hold-out: %s") % experiment,
            **experiment_report.context(found),
        }
        return TemplateResponse(request, "admin/rewards/experiment/report.html", context)
