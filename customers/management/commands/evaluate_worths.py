"""Measures what customers are foretold to bring on a file of purchases; exits 1 with the reason when it cannot."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from loyalty_site.lib.errors import DomainError

LONGEST = 366


class Command(BaseCommand):
    help = (
        "Foretells the visits and the spending of each customer of a file in the import's format (CSV or Parquet) for "
        "the days from one on, learned from what was bought before it alone, and prints how far off that is, as JSON. "
        "Nothing is read from or written to the database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--from",
            type=date.fromisoformat,
            metavar="DAY",
            dest="since",
            required=True,
            help="YYYY-MM-DD: the first day that is foretold",
        )
        parser.add_argument("--days", type=int, default=84, help="how many are foretold, 1 to 366 (84)")
        parser.add_argument("--encoding", help="utf-8 or gb18030; detected when not given")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= LONGEST:
            raise CommandError(f"--days must be from 1 to {LONGEST}.")
        from customers.domain.recommendations import files  # noqa: PLC0415 - numpy is heavy
        from customers.domain.worths import evaluation  # noqa: PLC0415

        try:
            bought = files.read(options["file"], encoding=options["encoding"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        receipt = bought.line_receipt
        if not len(receipt):
            raise CommandError("No receipt in the file has a customer.")
        days = evaluation.gathered(bought.customer[receipt], bought.day[receipt], bought.amount)
        found = evaluation.evaluate(days, since=options["since"].toordinal(), ahead_days=options["days"])
        if found is None:
            raise CommandError(f"Fewer than {evaluation.REPEATERS_MIN} customers came back before that day.")
        self.stdout.write(json.dumps(found, indent=1))
