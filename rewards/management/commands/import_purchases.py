"""Imports a file of purchases; exits 1 with the reason when it cannot be read."""

import json
import time
from argparse import SUPPRESS
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty_site.lib import actors, money
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.progress import Progress
from rewards.domain import imports
from rewards.domain.imports import ImportResult

_SAID = {
    "reading": gettext_lazy("Reading the file"),
    "checking": gettext_lazy("Checking the rows"),
    "booking": gettext_lazy("Booking purchases"),
}


class Command(BaseCommand):
    help = (
        "Imports purchases from a CSV (UTF-8 or GB18030) or Parquet file: one row a line of a receipt, with the "
        "columns store, receipt_number, customer, purchased_at, sku, quantity, amount and, if there are, name, "
        "category, currency, tax, gift_card. Rejected rows are listed in FILE.rejects.csv. The same file again "
        "books nothing twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--encoding", help="utf-8 or gb18030; detected when not given")
        parser.add_argument("--delimiter", help="comma, semicolon or tab; detected when not given")
        parser.add_argument("--facts-only", action="store_true", help="record purchases without awarding points")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
        parser.add_argument("--chunk-receipts", type=int, default=imports.CHUNK_RECEIPTS, help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        talks = not options["json"] and not options["quiet"]
        bar = Progress(self.stderr) if talks and self.stderr.isatty() else None
        try:
            result = imports.run(
                path=options["file"],
                encoding=options["encoding"],
                delimiter=options["delimiter"],
                award_points=not options["facts_only"],
                by=actors.SYSTEM,
                at=timezone.now(),
                progress=partial(_show, bar) if bar else None,
                chunk_receipts=options["chunk_receipts"],
            )
        except DomainError as error:
            raise CommandError(_("%(path)s: %(error)s") % {"path": options["file"], "error": error}) from error
        finally:
            if bar:
                bar.clear()
        seconds = round(time.monotonic() - started, 2)
        if options["json"]:
            self.stdout.write(json.dumps(result.counts() | {"seconds": seconds}))
        elif talks:
            self._tell(result, seconds)

    def _tell(self, result: ImportResult, seconds: float) -> None:
        amounts = [money.format_money(amount, currency) for currency, amount in sorted(result.amount_minor.items())]
        self.stdout.write(
            _(
                "%(rows)s rows in %(seconds)s s: %(purchases)s purchases with %(lines)s lines, %(returns)s returned "
                "lines, %(customers)s new customers, %(points)s points, %(amounts)s."
            )
            % {
                "rows": result.rows,
                "seconds": seconds,
                "purchases": result.purchases,
                "lines": result.lines,
                "returns": result.returns,
                "customers": result.customers,
                "points": result.points_awarded,
                "amounts": ", ".join(amounts) or "0",
            }
        )
        if result.duplicates:
            self.stdout.write(_("%(rows)s rows were known already.") % {"rows": result.duplicates})
        if result.rejects:
            values = {"rows": result.rejected, "path": result.rejects}
            self.stdout.write(_("%(rows)s rows were rejected; they and the reasons are in %(path)s.") % values)
        if result.ignored:
            self.stdout.write(_("Columns that are not read: %(columns)s.") % {"columns": ", ".join(result.ignored)})


def _show(bar: Progress, phase: str, done: int, total: int) -> None:
    bar.tell(str(_SAID[phase]), imports.share_done(phase, done, total))
