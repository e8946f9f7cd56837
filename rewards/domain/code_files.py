"""A batch's codes on their way out: whoever takes them is in the audit log."""

import csv
from collections.abc import Iterator
from datetime import datetime
from io import StringIO

from django.utils import timezone
from django.utils.translation import gettext as _

from customers.domain import audit
from loyalty_site.lib.actors import Actor
from rewards.models import CodeBatch

ROWS_AT_ONCE = 5000
CODES_A_SHEET = 40 * 24  # pages, codes a page
BOM = "\ufeff"  # by which spreadsheets know UTF-8
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def plain_lines(*, batch: CodeBatch, by: Actor, at: datetime) -> Iterator[str]:
    """Each code as people read it and a line feed. Noted before the first line is given."""
    note_taken(batch=batch, form="lines", by=by, at=at)
    return (f"{batch.shown(code)}\n" for code, *_rest in _rows(batch))


def csv_lines(*, batch: CodeBatch, by: Actor, at: datetime) -> Iterator[str]:
    """A CSV for spreadsheets, line by line: code, offer, good from, good until (programme's clock), state."""
    note_taken(batch=batch, form="csv", by=by, at=at)
    return _csv_lines(batch)


def note_taken(*, batch: CodeBatch, form: str, by: Actor, at: datetime, data: dict[str, object] | None = None) -> None:
    """`form`: what kind of file the codes left in."""
    told = {"form": form, "codes": batch.made_count, **(data or {})}
    audit.record(actor=by, action="code_batch.downloaded", subject=f"codebatch:{batch.pk}", data=told, at=at)


def sheets(*, batch: CodeBatch) -> int:
    """How many files of CODES_A_SHEET codes it takes to print them."""
    return -(-batch.made_count // CODES_A_SHEET)


def safe_cell(text: str) -> str:
    """What a spreadsheet shows as text: nothing that begins like a formula is left to be one."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv_lines(batch: CodeBatch) -> Iterator[str]:
    offer = safe_cell(str(batch.offer))
    yield BOM + _line([_("code"), _("offer"), _("good from"), _("good until"), _("state")])
    for code, state, starts_at, expires_at in _rows(batch):
        yield _line([safe_cell(batch.shown(code)), offer, _moment(starts_at), _moment(expires_at), state])


def _rows(batch: CodeBatch) -> Iterator[tuple[str, str, datetime | None, datetime | None]]:
    found = batch.coupons.order_by("pk").values_list("code", "state", "starts_at", "expires_at")
    return found.iterator(chunk_size=ROWS_AT_ONCE)


def _line(cells: list[str]) -> str:
    text = StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _moment(at: datetime | None) -> str:
    return at.astimezone(timezone.get_current_timezone()).strftime("%Y-%m-%d %H:%M") if at else ""
