"""Which texts of a survey are not written in every language that customers may read."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from loyalty_site.lib.texts import LocalizedText
from surveys.domain import skips
from surveys.models import CHOOSING, Survey


@dataclass(frozen=True, slots=True)
class MissingText:
    """`where` it stands, in the reader's language; the codes of the languages that have it and of those that do not."""

    where: str
    written: tuple[str, ...]
    missing: tuple[str, ...]


def of(survey: Survey) -> list[MissingText]:
    """In the order of the survey. What is written in no language at all and may be left out is not missing."""
    codes = [code for code, _name in settings.LANGUAGES]
    found = []
    for where, text in _texts(survey):
        missing = tuple(code for code in codes if not text.get(code))
        if missing:
            found.append(MissingText(where, tuple(code for code in codes if text.get(code)), missing))
    return found


def _texts(survey: Survey) -> Iterator[tuple[str, LocalizedText]]:
    yield _("Title"), survey.title
    for where, text in ((_("Introduction"), survey.introduction), (_("Thanks"), survey.thanks)):
        if any(text.values()):
            yield where, text
    for number, question in enumerate(skips.questions(survey), start=1):
        yield _("Question %(number)s") % {"number": number}, question.text
        if question.kind in CHOOSING:
            for choice in sorted(question.choices.all(), key=lambda choice: choice.position):
                places = {"number": number, "choice": choice.position}
                yield _("Question %(number)s, choice %(choice)s") % places, choice.text
