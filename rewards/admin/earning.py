"""Earning rules: versions that stay as they were. What changes is a new version, from a moment on."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from loyalty_site.lib.admin import (
    ReadOnlyAdmin,
    RowForm,
    States,
    act,
    act_page,
    acting,
    badge,
    only_for,
    posted,
    state_filter,
)
from rewards.domain import earning_words, rules
from rewards.models import EarningKind, EarningRule, Program, Weekday
from rewards.models.earning import POINTS_PER_MINOR_MAX

# What each kind is made of, beside its name and its dates.
OF_KIND: dict[Any, tuple[str, ...]] = {
    EarningKind.BASE: ("points", "per_minor"),
    EarningKind.MULTIPLIER: (
        "multiplier",
        "category",
        "product",
        "store",
        "tier",
        "weekdays",
        "time_from",
        "time_to",
    ),
    EarningKind.CAP: ("points", "cap_period"),
}
NEEDED = {"points", "per_minor", "multiplier", "cap_period"}
MADE_OF = tuple(dict.fromkeys(name for names in OF_KIND.values() for name in names))
TERMS = ("name", "kind", *MADE_OF, "valid_to")


class Preview(forms.Widget):
    """Says what the rule would do, as it is typed."""

    template_name = "components/rule_preview.html"

    class Media:
        js = ("js/rule-preview.js",)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["address"] = reverse("admin:rewards_earningrule_preview")
        return context


class EarningRuleForm(RowForm):
    money_fields = {"per_minor": gettext_lazy("for every")}
    period = ("valid_from", "valid_to")

    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("weekdays"),
        choices=Weekday.choices,
        coerce=int,
        required=False,
        help_text=gettext_lazy("None: every day."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    does = forms.CharField(label=gettext_lazy("what it does"), required=False, widget=Preview)

    class Meta:
        help_texts = {
            "multiplier": gettext_lazy("0 leaves these goods out."),
            "tier": gettext_lazy("Only for customers who are in this tier when they buy."),
            "time_from": gettext_lazy("On the store's clock."),
            "time_to": gettext_lazy("May pass midnight: the night belongs to the day on which it began."),
            "cap_period": gettext_lazy("Of the programme's calendar; weeks begin on Monday."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.program = Program.objects.current()
        super().__init__(*args, **kwargs)

    def currency(self) -> str:
        return self.program.currency

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        if EarningRule.objects.filter(code=code, valid_to__isnull=True).exists():
            raise forms.ValidationError(_("There is a rule with this code: open it and make a new version."))
        return code

    def clean(self) -> dict[str, Any]:
        """A kind's fields only."""
        cleaned = super().clean()
        own = OF_KIND.get(cleaned.get("kind", ""), ())
        for name in set(MADE_OF) - set(own):
            self.errors.pop(name, None)  # it is not shown
            cleaned[name] = {"weekdays": [], "cap_period": ""}.get(name)
        if "points" in own:
            self.need("points", _("Say how many points."))
        if "per_minor" in own:
            self.need("per_minor", _("Say for how much money."))
            self._refuse_absurd(cleaned)
        if "multiplier" in own:
            self.need("multiplier", _("Say how many times the points count."))
            self._need_both_ends(cleaned)
        if "cap_period" in own:
            self.need("cap_period", _("Say for how long."))
        return cleaned

    def _refuse_absurd(self, cleaned: dict[str, Any]) -> None:
        points, per_minor = cleaned.get("points"), cleaned.get("per_minor")
        if per_minor == 0:
            self.add_error("per_minor", _("Say for how much money."))
        elif points and per_minor and points > per_minor * POINTS_PER_MINOR_MAX:
            message = _("At most %s points for the smallest unit of money.")
            self.add_error("points", message % POINTS_PER_MINOR_MAX)

    def _need_both_ends(self, cleaned: dict[str, Any]) -> None:
        start, end = cleaned.get("time_from"), cleaned.get("time_to")
        if start is not None:
            self.need("time_to", _("Say until when."))
        if end is not None:
            self.need("time_from", _("Say from when."))
        if start is not None and start == end:
            self.add_error("time_to", _("The end must be another time; for the whole day leave both empty."))


def states(now: datetime) -> States:
    return {
        "now": (_("in force"), Q(valid_from__lte=now) & (Q(valid_to__isnull=True) | Q(valid_to__gt=now))),
        "later": (_("to come"), Q(valid_from__gt=now)),
        "before": (_("ended"), Q(valid_to__lte=now)),
    }


@admin.register(EarningRule)
class EarningRuleAdmin(ReadOnlyAdmin):
    form = EarningRuleForm
    list_display = ("name", "code", "version", "state", "words", "valid_from", "valid_to")
    list_select_related = ("category", "product", "store", "tier")
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states), "kind")
    search_fields = ("name", "=code")
    autocomplete_fields = ("category", "product", "store")
    ordering = ("code", "-version")
    sortable_by = ()
    actions_detail = ("new_version",)
    annotations = {"currency": Coalesce(Subquery(Program.objects.values("currency")[:1]), Value(Program().currency))}
    fields = ("code", "name", "kind", *MADE_OF, "valid_from", "valid_to", "does")
    conditional_fields = {
        name: only_for("kind", [kind for kind, names in OF_KIND.items() if name in names], name)[name]
        for name in MADE_OF
    }

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A version stays as it is: a sentence says what it does."""
        return self.fields if obj is None else ("code", "version", "name", "words", "valid_from", "valid_to")

    def get_urls(self) -> list[Any]:
        preview = path("preview/", self.admin_site.admin_view(self.preview), name="rewards_earningrule_preview")
        return [preview, *super().get_urls()]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """The sentence for what is typed so far, empty while there is too little of it."""
        if request.method != "POST" or not self.has_add_permission(request):
            raise PermissionDenied
        form = self.get_form(request)(request.POST)
        form.full_clean()
        told = {name: form.cleaned_data.get(name) for name in ("kind", *MADE_OF)}
        needed = [name for name in OF_KIND.get(told["kind"], ()) if name in NEEDED]
        words = ""
        if needed and all(told[name] not in (None, "") for name in needed):
            told = {**told, "weekdays": told["weekdays"] or [], "cap_period": told["cap_period"] or ""}
            words = earning_words.of_rule(EarningRule(**told), Program.objects.current().currency)
        return HttpResponse(words, content_type="text/plain; charset=utf-8")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.add_earningrule")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        rule = self._change(request, obj.code, form.cleaned_data)
        obj.pk, obj.version = rule.pk, rule.version

    def offers(self, act: str, row: EarningRule) -> bool:
        return row.valid_to is None

    @act(
        title=gettext_lazy("New version"),
        permission="rewards.add_earningrule",
        icon="published_with_changes",
        variant="primary",
    )
    def new_version(self, request: HttpRequest, object_id: int) -> HttpResponse:
        rule: EarningRule = self.row(request, object_id)
        form_class = self.get_form(request, None, fields=[*TERMS[:-1], "valid_from", "valid_to"])
        terms = {name: rule.serializable_value(name) for name in TERMS}
        form = form_class(posted(request), initial={**self.get_changeform_initial_data(request), **terms})

        def do(data: Any) -> str:
            made = self._change(request, rule.code, data)
            return _("Version %(version)s of “%(rule)s” is in the books.") % {"version": made.version, "rule": made}

        return act_page(
            self,
            request,
            rule,
            title=_("A new version of “%s”") % rule,
            explanation=_(
                "The present version ends when the new one begins. Purchases keep the version of their time."
            ),
            button=_("Change the rule"),
            do=do,
            form=form,
        )

    def _change(self, request: HttpRequest, code: str, data: Any) -> EarningRule:
        terms: Any = {name: data[name] for name in TERMS}
        return rules.change(code=code, valid_from=data["valid_from"], by=acting(request), at=timezone.now(), **terms)

    @badge(gettext_lazy("state"), {"now": "success", "later": "info", "before": "warning"})
    def state(self, rule: EarningRule) -> tuple[str, str]:
        now = timezone.now()
        if rule.valid_to and rule.valid_to <= now:
            return "before", _("ended")
        return ("now", _("in force")) if rule.valid_from <= now else ("later", _("to come"))

    @admin.display(description=gettext_lazy("what it does"))
    def words(self, rule: Any) -> str:
        return earning_words.of_rule(rule, rule.currency)
