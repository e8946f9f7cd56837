"""Numbers as people read them, in the active language."""

from django.utils.formats import number_format
from django.utils.translation import ngettext


def grouped(number: int) -> str:
    """1234 → `1,234`, as the reader's language groups digits."""
    digits = number_format(abs(number), use_l10n=True, force_grouping=True)
    return f"−{digits}" if number < 0 else str(digits)


def signed(number: int) -> str:
    """A movement: `+120`, `−40`."""
    return f"+{grouped(number)}" if number > 0 else grouped(number)


def points(number: int) -> str:
    """1234 → `1,234 points`."""
    return ngettext("%(number)s point", "%(number)s points", abs(number)) % {"number": grouped(number)}
