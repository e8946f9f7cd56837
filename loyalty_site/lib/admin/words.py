"""Fields that cannot be edited, as people read them: texts in the reader's language, amounts with their currency."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.db import models
from django.utils.functional import Promise

from loyalty_site.lib.money import format_money
from loyalty_site.lib.texts import LocalizedTextField, localized

Words = Callable[[Any], str]


def of_model(
    model: type[models.Model], amounts: Mapping[str, str | Promise], currency_of: Callable[[Any], str]
) -> dict[str, Words]:
    """By field name, what the admin takes in a field's place; `amounts` are names and labels."""
    texts = {
        field.name: _titled(partial(_text, field.name), field.verbose_name)
        for field in model._meta.concrete_fields
        if isinstance(field, LocalizedTextField)
    }
    money = {name: _titled(partial(_amount, name, currency_of), label) for name, label in amounts.items()}
    return {**texts, **money}


def replaced(line: Any, words: Mapping[str, Words]) -> Any:
    """A line of a fieldset, a name or several side by side, with these fields in words."""
    if isinstance(line, list | tuple):
        return tuple(replaced(name, words) for name in line)
    return words.get(line, line) if isinstance(line, str) else line


def _text(name: str, row: Any) -> str:
    return localized(getattr(row, name))


def _amount(name: str, currency_of: Callable[[Any], str], row: Any) -> str:
    minor = getattr(row, name)
    return "" if minor is None else format_money(minor, currency_of(row))


def _titled(say: "partial[str]", title: str | Promise) -> Words:
    """The admin asks a function for its name and for how it is called on the page."""
    say.__name__ = say.args[0]  # type: ignore[attr-defined]
    say.short_description = title  # type: ignore[attr-defined]
    return say
