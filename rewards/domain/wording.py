"""Mails in the words of marketing: placeholders like {first_name} are replaced, once, and nothing else is read.

What a customer is called is never read as a text, so braces in a name stay braces. No Django template ever sees it.
"""

import re
from collections.abc import Collection, Mapping

from django.utils.translation import gettext_lazy as _

from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.texts import LocalizedText, localized

# What a text may name where a coupon is told of, where points are, and where a survey asks.
OF_COUPON = ("first_name", "program", "coupon_title", "code", "expires_on", "recommendations")
OF_POINTS = ("first_name", "program", "points", "recommendations")
OF_SURVEY = ("first_name", "program", "title")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LONE_BRACE = re.compile(r"[{}]")
_SUBJECT_LENGTH = 150


class PlaceholderUnknown(DomainError):
    code = "placeholder_unknown"
    message = _("%(wrong)s is not known here. What you can write: %(allowed)s.")


class BraceAlone(DomainError):
    code = "brace_alone"
    message = _("A brace has lost its other half. What you can write: %(allowed)s.")


def check(text: LocalizedText, *, allowed: Collection[str]) -> None:
    """Raises PlaceholderUnknown or BraceAlone, naming what is allowed."""
    named = " ".join(f"{{{name}}}" for name in allowed)
    for written in text.values():
        for found in _PLACEHOLDER.finditer(written):
            if found[1] not in allowed:
                raise PlaceholderUnknown(wrong=found[0], allowed=named)
        if _LONE_BRACE.search(_PLACEHOLDER.sub("", written)):
            raise BraceAlone(allowed=named)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with what `values` say; a placeholder without a value stays as it is written."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def fill_line(text: str, values: Mapping[str, str]) -> str:
    """As `fill`, in one line."""
    return line(fill(text, values))


def line(text: str) -> str:
    """In one line, as a subject must be, and no longer than one is read."""
    return " ".join(text.split())[:_SUBJECT_LENGTH]


def written(text: LocalizedText, default: LocalizedText, language: str) -> str:
    """What marketing wrote in that language; in another one only where they wrote nothing in it and there is no default
    either."""
    return text.get(language) or default.get(language) or localized(text, language) or localized(default, language)


def first_name(name: str, language: str) -> str:
    """`Anna Maria Berg` → `Anna`; a name without spaces is kept whole. Who gave none is greeted as a customer."""
    return name.split()[0] if name.split() else ("顾客" if language.startswith("zh") else "customer")


def example_name(language: str) -> str:
    """Who a mail is for that is only looked at."""
    return "小梅" if language.startswith("zh") else "Mei"
