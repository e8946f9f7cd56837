"""The form in which a segment is built: groups of conditions, each with the fields that its fact asks for.

Without JavaScript every button sends the form and shows it again; nothing is kept until it is saved.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.domain.segment_facts import Fact, Facts, Input
from customers.domain.segment_terms import CONDITIONS_MAX, GROUPS_MAX
from loyalty_site.lib import money

_CONDITION = re.compile(r"(0|[1-9][0-9]{0,3})-(0|[1-9][0-9]{0,3})-fact")
_WIDGET = {"class": "bo-input"}


class HeadForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("name"), max_length=200, widget=forms.TextInput({**_WIDGET, "autocomplete": "off"})
    )
    description = forms.CharField(
        label=gettext_lazy("description"), max_length=1000, required=False, widget=forms.TextInput(_WIDGET)
    )


class ConditionForm(forms.Form):
    """One condition. `key` names its fact."""

    is_not = forms.ChoiceField(
        label=gettext_lazy("is it so?"),
        choices=[("", gettext_lazy("is so")), ("on", gettext_lazy("is not so"))],
        required=False,
        widget=forms.Select(_WIDGET),
    )

    def __init__(self, data: Any, *, key: str, fact: Fact, currency: str, prefix: str, initial: Any = None) -> None:
        super().__init__(data, prefix=prefix, initial=initial)
        self.key, self.fact, self.currency = key, fact, currency
        for one in fact.inputs:
            self.fields[one.name] = _field(one, currency)

    def condition(self) -> dict[str, Any]:
        """As terms keep it, once it is valid."""
        values: dict[str, Any] = {}
        for one in self.fact.inputs:
            told = self.cleaned_data[one.name]
            values[one.name] = one_of(one, told) if one.choices else told
            if one.is_money:
                values |= {one.name: money.to_minor(told, self.currency), "currency": self.currency}
        return {"fact": self.key, "is_not": bool(self.cleaned_data["is_not"]), "values": values}

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or self.cleaned_data
        if {"least", "most"} <= told.keys() and told["least"] > told["most"]:
            self.add_error("most", _("This is less than the least."))
        return told


def one_of(one: Input, told: str) -> Any:
    """The choice whose key is written so: a form knows only text."""
    assert one.choices is not None
    return next(key for key, _label in one.choices() if str(key) == told)


def _field(one: Input, currency: str) -> forms.Field:
    if one.choices is not None:
        choices = [(str(key), label) for key, label in one.choices()]
        return forms.ChoiceField(label=one.label, choices=choices, widget=forms.Select(_WIDGET))
    if one.is_money:
        digits = money.digits(currency)
        return forms.DecimalField(
            label=f"{one.label} ({currency})",
            min_value=money.to_decimal(one.low, currency),
            max_value=money.to_decimal(one.high, currency),
            decimal_places=digits,
            initial=money.to_decimal(one.initial, currency),
            widget=forms.NumberInput({**_WIDGET, "step": "any", "inputmode": "decimal"}),
        )
    widget = forms.NumberInput({**_WIDGET, "inputmode": "numeric"})
    return forms.IntegerField(
        label=one.label, min_value=one.low, max_value=one.high, initial=one.initial, widget=widget
    )


class Builder:
    """Groups of conditions, as they were posted or as terms have them."""

    def __init__(self, groups: list[list[ConditionForm]], *, facts: Facts, currency: str) -> None:
        self.groups, self.facts, self.currency = groups, facts, currency

    @classmethod
    def posted(cls, data: Mapping[str, Any], *, facts: Facts, currency: str) -> "Builder":
        """What names no fact is left out; places are counted anew."""
        found = sorted((int(m[1]), int(m[2])) for name in data if (m := _CONDITION.fullmatch(name)))
        groups = []
        for _group, places in groupby(found, key=lambda place: place[0]):
            forms_of_group = []
            for prefix in (f"{group}-{number}" for group, number in places):
                key = data[f"{prefix}-fact"]
                if fact := facts.get(key):
                    forms_of_group.append(ConditionForm(data, key=key, fact=fact, currency=currency, prefix=prefix))
            if forms_of_group:
                groups.append(forms_of_group[:CONDITIONS_MAX])
        return cls(groups[:GROUPS_MAX], facts=facts, currency=currency)

    @classmethod
    def of_terms(cls, terms: Any, *, facts: Facts, currency: str) -> "Builder":
        built = cls([], facts=facts, currency=currency)
        for number, group in enumerate(terms):
            rows = [built._kept(condition, f"{number}-{at}") for at, condition in enumerate(group)]
            built.groups.append([row for row in rows if row])
        built.groups = [group for group in built.groups if group]
        return built

    def _kept(self, condition: Any, prefix: str) -> ConditionForm | None:
        key = condition["fact"]
        if key not in self.facts:
            return None
        fact, values = self.facts[key], condition["values"]
        currency = values.get("currency", self.currency)
        shown = {one.name: _typed(one, values[one.name], currency) for one in fact.inputs}
        shown["is_not"] = "on" if condition["is_not"] else ""
        return ConditionForm(None, key=key, fact=fact, currency=currency, prefix=prefix, initial=shown)

    def is_valid(self) -> bool:
        """Asks each row, so that each tells what is wrong with it."""
        valid = [row.is_valid() for group in self.groups for row in group]
        return bool(valid) and all(valid)

    def terms(self) -> list[list[dict[str, Any]]]:
        return [[row.condition() for row in group] for group in self.groups]

    def add(self, key: str, group: int | None) -> None:
        """A condition more: beside those of a group, or in a new one."""
        fact = self.facts.get(key)
        if fact is None:
            return
        if group is None or group >= len(self.groups):
            if len(self.groups) < GROUPS_MAX:
                self.groups.append([self._new(key, fact, len(self.groups), 0)])
        elif len(self.groups[group]) < CONDITIONS_MAX:
            last = int(self.groups[group][-1].prefix.split("-")[1])  # type: ignore[union-attr]
            first = int(self.groups[group][-1].prefix.split("-")[0])  # type: ignore[union-attr]
            self.groups[group].append(self._new(key, fact, first, last + 1))

    def _new(self, key: str, fact: Fact, group: int, number: int) -> ConditionForm:
        taken = {row.prefix for rows in self.groups for row in rows}
        while f"{group}-{number}" in taken:
            group += 1
        return ConditionForm(None, key=key, fact=fact, currency=self.currency, prefix=f"{group}-{number}")

    def drop(self, prefix: str) -> None:
        kept = [[row for row in group if row.prefix != prefix] for group in self.groups]
        self.groups = [group for group in kept if group]


def _typed(one: Input, value: Any, currency: str) -> Any:
    if one.is_money:
        return money.to_decimal(value, currency)
    return str(value) if one.choices else value


def menu(facts: Facts) -> list[tuple[str, list[tuple[str, str]]]]:
    """Facts by heading, for a list to choose from."""
    by_group: dict[str, list[tuple[str, str]]] = {}
    for key, fact in facts.items():
        by_group.setdefault(str(fact.group), []).append((key, str(fact.title)))
    return list(by_group.items())


def errors(builder: Builder) -> Sequence[str]:
    """What is wrong, each with the fact it is about."""
    return [
        f"{row.fact.title}: {error}"
        for group in builder.groups
        for row in group
        for told in row.errors.values()
        for error in told
    ]
