"""Texts that staff write in several languages, kept as {"en": "…", "zh-hans": "…"}."""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

from django import forms
from django.conf import settings
from django.db import models
from django.utils.translation import get_language, pgettext

LocalizedText = Mapping[str, str]


def localized(text: LocalizedText, language: str | None = None) -> str:
    """The text in `language` (or the active one), else in the first language it was written in."""
    wanted = language or get_language() or settings.LANGUAGE_CODE
    return text.get(wanted) or next((text[code] for code, _ in settings.LANGUAGES if text.get(code)), "")


def joined(sentences: Iterable[str]) -> str:
    """One text of several sentences of the active language: Chinese has no space between them."""
    return reduce(_followed, sentences, "")


def _followed(text: str, sentence: str) -> str:
    return pgettext("sentences", "%(text)s %(sentence)s") % {"text": text, "sentence": sentence} if text else sentence


class LocalizedTextWidget(forms.MultiWidget):
    """One input a language."""

    template_name = "components/localized_text.html"

    def __init__(self, widget: type[forms.Widget] = forms.TextInput, attrs: dict[str, str] | None = None) -> None:
        super().__init__({code: widget(attrs={"lang": code}) for code, _ in settings.LANGUAGES}, attrs)

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Without the admin theme's binding by field name: it would copy one language over the others."""
        attrs = super().build_attrs(base_attrs, extra_attrs)
        return {name: value for name, value in attrs.items() if not name.startswith("x-model")}

    def decompress(self, value: LocalizedText | None) -> list[str]:
        return [(value or {}).get(code, "") for code, _ in settings.LANGUAGES]


class LocalizedTextFormField(forms.MultiValueField):
    """Needs a text in at least one language when required."""

    def __init__(
        self, *, widget: type[forms.Widget] = forms.TextInput, max_length: int = 2000, **kwargs: object
    ) -> None:
        kwargs.pop("encoder", None)
        kwargs.pop("decoder", None)
        fields = [forms.CharField(required=False, max_length=max_length) for _ in settings.LANGUAGES]
        super().__init__(fields, require_all_fields=False, widget=LocalizedTextWidget(widget), **kwargs)  # type: ignore[arg-type]

    def compress(self, data_list: list[str]) -> dict[str, str]:
        texts = {code: text for (code, _), text in zip(settings.LANGUAGES, data_list or [], strict=False) if text}
        if self.required and data_list and not texts:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return texts

    def has_changed(self, initial: LocalizedText | None, data: list[str] | None) -> bool:
        return [text or "" for text in data or []] != [(initial or {}).get(code, "") for code, _ in settings.LANGUAGES]


class LocalizedTextField(models.JSONField):
    """A short text by language code; `long=True` gives it text areas in forms."""

    def __init__(self, *args: object, long: bool = False, **kwargs: object) -> None:
        self.long = long
        kwargs.setdefault("default", dict)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def deconstruct(self) -> tuple[str, str, list[object], dict[str, object]]:
        name, path, args, kwargs = super().deconstruct()
        if self.long:
            kwargs["long"] = True
        return name, path, list(args), dict(kwargs)

    def formfield(self, **kwargs: Any) -> Any:
        kwargs.pop("widget", None)  # the admin's override for JSON does not fit
        kwargs["show_hidden_initial"] = False  # a default that is a function would ask for it, as one text
        if self.long:
            kwargs["widget"] = forms.Textarea
        return super().formfield(form_class=LocalizedTextFormField, **kwargs)
