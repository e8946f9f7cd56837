"""Why rows are rejected, in words, and the file that lists them."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection
from django.utils.translation import gettext_lazy as _

from customers.domain.imports.header import Header
from customers.domain.imports.scratch import Scratch
from loyalty_site.lib import spreadsheets
from loyalty_site.lib.errors import DomainError

REASONS = {
    "missing": _("A value is missing."),
    "too_long": _("The text is too long."),
    "formula": _("The text begins with =, +, - or @: a spreadsheet would take it for a formula."),
    "control_character": _("There is a control character in the text."),
    "bytes_invalid": _("There are bytes that are no text in the file's encoding."),
    "quotes_unbalanced": _("A quote is opened and not closed, or there is text after the closing one."),
    "cells_missing": _("The row has fewer cells than the header."),
    "cells_extra": _("The row has more cells than the header."),
    "row_too_long": _("The row is too long to be read."),
    "customer_closed": _("This customer has left the programme."),
    "time_unreadable": _("This is no date and time such as 2026-11-23T10:15:00+08:00 or 2026-11-23 10:15."),
    "time_in_future": _("This is in the future."),
    "currency_unknown": _("A currency is three letters, such as CNY."),
    "not_a_number": _(
        "This is no plain number such as 12.50: no thousands separators, no exponent, no sign of currency."
    ),
    "too_large": _("The number is too large."),
    "quantity_too_fine": _("A quantity has at most three decimals."),
    "amount_too_fine": _("The amount is finer than the smallest unit of the currency."),
    "signs_differ": _("Quantity and amount are both negative for a return, and neither for a purchase."),
    "two_customers": _("The receipt names two customers."),
    "two_currencies": _("The receipt names two currencies."),
    "two_gift_cards": _("The receipt tells two different amounts that gift cards paid; its rows tell one, or none."),
    "gift_card_exceeds": _("Gift cards cannot pay less than nothing or more than the goods of the receipt cost."),
    "tax_exceeds": _("The tax is contained in the amount: it cannot be more, or have the other sign."),
    "other_line_wrong": _("Another line of this receipt is wrong; a receipt is imported whole or not at all."),
    "told_otherwise": _(
        "This receipt is known already with another customer, time, total, number of lines, tax or gift cards."
    ),
    "return_without_customer": _("A return needs a customer, or nobody can tell which purchase it belongs to."),
    "return_without_purchase": _(
        "No earlier purchase of this product by this customer in this store has so much left to return."
    ),
}

PREVIEWED_FINDINGS = 200


class RejectsNotWritable(DomainError):
    code = "rejects_not_writable"
    message = _("Rejected rows cannot be written to %(path)s. Put the file where it can be written beside it.")


class Finding(NamedTuple):
    """One rejected row: its number in the file (the header is 1), the column if it is one, why, and its cells."""

    row: int
    column: str
    code: str
    cells: list[str]


def rejects_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.rejects.csv")


def refuse_unwritable(path: Path) -> None:
    """Before hours of work. Raises RejectsNotWritable."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise RejectsNotWritable(path=path)


def findings(scratch: Scratch, header: Header, *, limit: int | None = None) -> Iterator[Finding]:
    """In the order of the file."""
    cells = ", ".join(f"staged.{column}" for column in header.columns)
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            scratch.sql(
                f"SELECT row_no, finding.column_name, finding.code, {cells}"  # noqa: S608 - our own column names
                " FROM scratch.findings finding JOIN scratch.staged staged USING (row_no) ORDER BY row_no LIMIT %s"
            ),
            [limit],
        )
        for row, column, code, *values in cursor:
            yield Finding(row, column, code, values)


def preview(scratch: Scratch, header: Header) -> dict[str, Any]:
    """What the check found, ready for JSON: how much of what, the first rows, the first findings, how many of each."""
    cells = ", ".join(header.columns)
    ((purchases, customers, duplicates, amounts),) = scratch.run_for_rows("preview")
    reasons = scratch.execute(
        "SELECT column_name, code, count(*) FROM scratch.findings GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
    )
    first = scratch.execute(f"SELECT {cells} FROM scratch.staged ORDER BY row_no LIMIT 10")  # noqa: S608
    return {
        "columns": list(header.names),
        "ignored": list(header.ignored),
        "rows": scratch.number_of("staged"),
        "purchases": purchases,
        "customers": customers,
        "duplicates": duplicates,
        "amount_minor": json.loads(amounts),
        "rejected": scratch.number_of("findings"),
        "reasons": [list(reason) for reason in reasons],
        "first": [list(row) for row in first],
        "findings": [list(finding) for finding in findings(scratch, header, limit=PREVIEWED_FINDINGS)],
    }


def write_rejects(scratch: Scratch, header: Header, path: Path) -> Path | None:
    """The file, whole or not at all; None, and no file of an earlier run left, when nothing was rejected."""
    if not scratch.number_of("findings"):
        path.unlink(missing_ok=True)
        return None
    unfinished = path.with_name(f"{path.name}.part")
    with unfinished.open("w", encoding="utf-8-sig", newline="") as file:
        written = csv.writer(file)
        written.writerow(["row", "column", "reason", *map(spreadsheets.harmless, header.names)])
        for finding in findings(scratch, header):
            cells = map(spreadsheets.harmless, finding.cells)
            written.writerow([finding.row, spreadsheets.harmless(finding.column), str(REASONS[finding.code]), *cells])
    unfinished.replace(path)
    return path
