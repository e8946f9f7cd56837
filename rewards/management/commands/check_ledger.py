"""Proves the points ledger; exits 1 naming each account that is off."""

import json
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from loyalty_site.lib.progress import Progress
from rewards.domain import ledger


class Command(BaseCommand):
    help = "Computes every points balance again from the ledger. Exits 1 naming each account that is off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts, entries = ledger.size()
        off = []
        bar = Progress(self.stderr) if self.stderr.isatty() else None
        for difference in ledger.differences(progress=partial(bar.tell, _("Proving the books")) if bar else None):
            if bar:
                bar.clear()
            off.append({"customer": difference.customer_number, "findings": dict(difference.findings)})
            if not options["json"]:
                self.stdout.write(f"{difference.customer_number}: {'; '.join(difference.findings.values())}")
        if bar:
            bar.clear()
        if options["json"]:
            self.stdout.write(json.dumps({"accounts": accounts, "entries": entries, "differences": off}))
        if off:
            raise CommandError(
                _("The books do not balance: %(off)s of %(accounts)s accounts are off.")
                % {"off": len(off), "accounts": accounts}
            )
        if not options["json"]:
            self.stdout.write(
                _("The books balance: %(accounts)s accounts, %(entries)s entries.")
                % {"accounts": accounts, "entries": entries}
            )
