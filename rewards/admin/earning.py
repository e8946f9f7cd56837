"""Earning rules: versions that stay as they were. What changes is a new version, from a moment on."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

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
from loyalty_site.lib.money import format_money
from loyalty_site.lib.numbers import points as points_text
from rewards.domain import rules
from rewards.models import EarningKind, EarningRule, Program

TERMS = ("name", "kind", "points", "per_minor", "multiplier", "category", "product", "store", "valid_to")


class EarningRuleForm(RowForm):
    money_fields = {"per_minor": gettext_lazy("for every")}
    period = ("valid_from", "valid_to")

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
        if cleaned.get("kind") == EarningKind.BASE:
            self.need("points", _("Say how many points."))
            self.need("per_minor", _("Say for how much money."))
            cleaned["multiplier"] = None
        else:
            self.need("multiplier", _("Say how many times the points count."))
            cleaned["points"] = cleaned["per_minor"] = None
        return cleaned


def states(now: datetime) -> States:
    return {
        "now": (_("in force"), Q(valid_from__lte=now) & (Q(valid_to__isnull=True) | Q(valid_to__gt=now))),
        "later": (_("to come"), Q(valid_from__gt=now)),
        "before": (_("ended"), Q(valid_to__lte=now)),
    }


@admin.register(EarningRule)
class EarningRuleAdmin(ReadOnlyAdmin):
    form = EarningRuleForm
    list_display = (
        "name",
        "code",
        "version",
        "state",
        "worth",
        "category",
        "product",
        "store",
        "valid_from",
        "valid_to",
    )
    list_select_related = ("category", "product", "store")
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states), "kind")
    search_fields = ("name", "=code")
    autocomplete_fields = ("category", "product", "store")
    ordering = ("code", "-version")
    sortable_by = ()
    actions_detail = ("new_version",)
    annotations = {"currency": Coalesce(Subquery(Program.objects.values("currency")[:1]), Value(Program().currency))}
    fields = ("code", "name", "kind", "points", "per_minor", "multiplier", "category", "product", "store")
    conditional_fields = {
        **only_for("kind", EarningKind.BASE, "points", "per_minor"),
        **only_for("kind", EarningKind.MULTIPLIER, "multiplier", "category", "product", "store"),
    }

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        when = ("valid_from", "valid_to")
        return (*self.fields, *when) if obj is None else ("code", "version", "name", "worth", *self.fields[6:], *when)

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

    @admin.display(description=pgettext_lazy("earning rule", "worth"))
    def worth(self, rule: Any) -> str:
        if rule.points is not None and rule.per_minor is not None:
            money = format_money(rule.per_minor, rule.currency)
            return _("%(points)s for every %(money)s") % {"points": points_text(rule.points), "money": money}
        return f"× {rule.multiplier.normalize():f}" if rule.multiplier is not None else ""
