"""The first row of a file: which column holds what."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from loyalty_site.lib.errors import DomainError

REQUIRED = ("store", "receipt_number", "customer", "purchased_at", "sku", "quantity", "amount")
OPTIONAL = ("name", "category", "currency", "tax", "gift_card")
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
LONGEST = 200


class HeaderWrong(DomainError):
    code = "header_wrong"
    message = _("Columns missing: %(missing)s. Columns found: %(found)s.")


class ColumnNamedTwice(DomainError):
    code = "column_named_twice"
    message = _("These columns stand in the file more than once: %(columns)s.")


class TooManyColumns(DomainError):
    code = "too_many_columns"
    message = _("The file has %(count)s columns; more than %(limit)s are not read.")


@dataclass(frozen=True, slots=True)
class Header:
    """`names` as they stand in the file; `columns` their names in the staging table, others become `extra_1`, …"""

    names: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns that the import does not know."""
        return tuple(name for name, column in zip(self.names, self.columns, strict=True) if column.startswith("extra_"))


def parse(names: Sequence[str]) -> Header:
    """In any order and case. Raises HeaderWrong, ColumnNamedTwice or TooManyColumns."""
    names = [name.strip() for name in names]
    known = [name.lower() for name in names]
    missing = [name for name in REQUIRED if name not in known]
    if missing:
        shown = [_printable(name) for name in names[:LONGEST] if name]
        raise HeaderWrong(missing=", ".join(missing), found=", ".join(shown) or "–")
    if len(names) > LONGEST:
        raise TooManyColumns(count=len(names), limit=LONGEST)
    twice = sorted({name for name in known if known.count(name) > 1 and name in REQUIRED + OPTIONAL})
    if twice:
        raise ColumnNamedTwice(columns=", ".join(twice))
    columns = [
        name if name in REQUIRED + OPTIONAL else f"extra_{position}" for position, name in enumerate(known, start=1)
    ]
    return Header(tuple(names), tuple(columns))


def _printable(name: str) -> str:
    """A binary file's first line must not reach a terminal as it is."""
    return "".join(symbol if symbol.isprintable() else "\N{REPLACEMENT CHARACTER}" for symbol in name[:60])
