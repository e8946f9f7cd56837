"""How staff type money, periods, time zones and texts in several languages."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.functional import Promise
from django.utils.text import capfirst, format_lazy
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from unfold.widgets import INPUT_CLASSES, TEXTAREA_CLASSES, UnfoldAdminDecimalFieldWidget, UnfoldAdminSelect2Widget

from loyalty_site.lib import money, timezones
from loyalty_site.lib.texts import LocalizedTextFormField

MAX_DIGITS = 14


class RowForm(forms.ModelForm):  # type: ignore[type-arg]
    """A row as staff type it.

    `money_fields`: shown as `12.50` and kept as 1250, with the label they then have. `period`: the fields with the
    start and the end of a time, which must not be empty.
    """

    money_fields: ClassVar[Mapping[str, str | Promise]] = {}
    period: ClassVar[tuple[str, str] | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.money_fields.keys() & self.fields.keys():
            self._take_major_units(name)
        for field in self.fields.values():
            field.label = capfirst(field.label)

    def currency(self) -> str:
        """The currency of the row: as typed, else as stored."""
        cleaned: Mapping[str, Any] = getattr(self, "cleaned_data", {})
        return str(cleaned.get("currency") or self.instance.currency)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in self.money_fields:
            if cleaned.get(name) is not None:
                self._keep_minor_units(name)
        start, end = (cleaned.get(name) for name in self.period or ("", ""))
        if self.period and start and end and end <= start:
            self.add_error(self.period[1], _("The end must come after the start."))
        return cleaned

    def need(self, name: str, message: str) -> None:
        """In `clean`: says what is missing, beside its field."""
        if self.cleaned_data.get(name) in (None, "") and name not in self.errors:
            self.add_error(name, message)

    def _take_major_units(self, name: str) -> None:
        minor = self.fields[name]
        self.fields[name] = forms.DecimalField(
            label=str(self.money_fields[name]),
            help_text=minor.help_text,
            required=minor.required,
            min_value=0,
            max_digits=MAX_DIGITS,
            widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any", "inputmode": "decimal"}),
        )
        stored = self.initial.get(name, minor.initial)
        if stored is not None:
            self.initial[name] = money.to_decimal(int(stored), self.currency())

    def _keep_minor_units(self, name: str) -> None:
        try:
            self.cleaned_data[name] = money.to_minor(self.cleaned_data[name], self.currency())
        except ValueError:
            self.add_error(name, _("This is finer than the smallest unit of %s.") % self.currency())


def only_for(kind: str, values: str | Sequence[str], *names: str) -> dict[str, str]:
    """For `conditional_fields`: the fields that are shown while the field `kind` has this value, or one of these.

    Where the page cannot be edited nothing is hidden: the theme then knows no `kind`.
    """
    shown = [f"{kind} == '{value}'" for value in ([values] if isinstance(values, str) else values)]
    return dict.fromkeys(names, " || ".join([f"typeof {kind} === 'undefined'", *shown]))


def dress(field: LocalizedTextFormField) -> LocalizedTextFormField:
    """The theme's look for the inputs of a text in several languages; each is read out with its language."""
    for (code, _name), widget in zip(settings.LANGUAGES, field.widget.widgets, strict=True):
        widget.attrs["aria-label"] = format_lazy("{}, {}", field.label or "", get_language_info(code)["name_local"])
        if isinstance(widget, forms.Textarea):
            widget.attrs.update({"class": " ".join(TEXTAREA_CLASSES), "rows": "3"})
        else:
            widget.attrs["class"] = " ".join(INPUT_CLASSES)
    return field


def timezone_field(label: Any, **kwargs: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=_timezones, widget=UnfoldAdminSelect2Widget, **kwargs)


def _timezones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(timezones.names())]
