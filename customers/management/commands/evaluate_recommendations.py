"""Measures the recommendations on a file of purchases; exits 1 with the reason when it cannot."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from loyalty_site.lib.errors import DomainError

LONGEST = 100


class Command(BaseCommand):
    help = (
        "Trains on all but each customer's last basket of a file in the import's format (CSV or Parquet), foretells "
        "that basket and prints how much of it was found, as JSON. Customers with fewer than three baskets are learned "
        "from only. Nothing is read from or written to the database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--at", choices=["product", "category"], default="product", help="what is foretold")
        parser.add_argument("--k", type=int, default=10, help="length of the lists, 1 to 100 (10)")
        parser.add_argument(
            "--sold-at-least", type=int, default=1, metavar="N", help="leave out what is in fewer baskets of the file"
        )
        parser.add_argument(
            "--from",
            type=date.fromisoformat,
            metavar="DAY",
            dest="since",
            help="YYYY-MM-DD: learn from what was bought before it and foretell the four weeks from it on",
        )
        parser.add_argument("--encoding", help="utf-8 or gb18030; detected when not given")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["k"] <= LONGEST:
            raise CommandError(f"--k must be from 1 to {LONGEST}.")
        from customers.domain.recommendations import evaluation, files  # noqa: PLC0415 - numpy and scipy are heavy

        try:
            found = evaluation.evaluate(
                files.read(options["file"], encoding=options["encoding"]),
                at=options["at"],
                size=options["k"],
                sold_at_least=options["sold_at_least"],
                since=options["since"],
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(found, indent=1))
