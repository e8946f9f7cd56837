"""Skip rules as staff write them: “0-6 > 3” leads whoever scores 0 to 6 to question 3, “2 > end” ends the survey."""

import re
from collections.abc import Mapping
from itertools import starmap

from django import forms
from django.utils.translation import gettext as _
from unfold.widgets import TEXTAREA_CLASSES

from surveys.domain import skips
from surveys.domain.surveys import Skip
from surveys.models import Question

END = "end"
_LINE = re.compile(r"([0-9]{1,3})(?:\s*[-–]\s*([0-9]{1,3}))?\s*>\s*([0-9]{1,3}|end)", re.IGNORECASE)


class SkipLinesField(forms.CharField):
    """One rule a line, kept as typed; `read` understands it."""

    widget = forms.Textarea(attrs={"rows": 3, "class": " ".join(TEXTAREA_CLASSES)})

    def has_changed(self, initial: str | None, data: str | None) -> bool:
        return "\n".join((data or "").splitlines()).strip() != (initial or "")

    def clean(self, value: str) -> str:
        text: str = super().clean(value)
        read(text)
        return text


def read(text: str) -> list[tuple[int, int, int | None]]:
    """(first, last, number of the question or None for the end) of each line. Raises ValidationError."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _LINE.fullmatch(line)
        if match is None:
            raise forms.ValidationError(_("“%s” does not say which answers lead to which question.") % line)
        first, last, target = match.groups()
        if int(last or first) < int(first):
            raise forms.ValidationError(_("“%s” begins above its end.") % line)
        found.append((int(first), int(last or first), None if target.lower() == END else int(target)))
    return found


def written(question: Question) -> str:
    """Choices that follow each other and lead to the same stand in one line, as they may be typed."""
    lines: list[tuple[int, int, int | None]] = []
    for rule in skips.rules(question):
        first, last = (rule.at_least or 0, rule.at_most or 0) if rule.choice is None else (rule.choice.position,) * 2
        goes_to = None if rule.goes_to is None else rule.goes_to.position
        if rule.choice and lines and lines[-1][1:] == (first - 1, goes_to):
            lines[-1] = (lines[-1][0], last, goes_to)
        else:
            lines.append((first, last, goes_to))
    return "\n".join(starmap(_line, lines))


def resolved(text: str, numbered: Mapping[int, Question]) -> list[Skip]:
    """With the questions in the place of their numbers."""
    return [Skip(first, last, None if number is None else numbered[number]) for first, last, number in read(text)]


def _line(first: int, last: int, goes_to: int | None) -> str:
    """A choice is told by the number of its line."""
    target = END if goes_to is None else goes_to
    return f"{first} > {target}" if first == last else f"{first}-{last} > {target}"
