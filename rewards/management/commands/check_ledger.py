"""Proves the points ledger and the counters of coupons; exits 1 naming each account and counter that is off."""

import json
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from loyalty_site.lib.progress import Progress
from rewards.domain import coupon_books, ledger


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
        counters = coupon_books.differences()
        if options["json"]:
            told = {"accounts": accounts, "entries": entries, "differences": off}
            self.stdout.write(json.dumps(told | {"counters": [asdict(counter) for counter in counters]}))
        else:
            for counter in counters:
                self.stdout.write(_("%(what)s: %(claimed)s uses claimed, %(used)s found.") % asdict(counter))
        if off:
            raise CommandError(
                _("The books do not balance: %(off)s of %(accounts)s accounts are off.")
                % {"off": len(off), "accounts": accounts}
            )
        if counters:
            raise CommandError(_("Counters of coupons and offers are off: %s.") % len(counters))
        if not options["json"]:
            self.stdout.write(
                _("The books balance: %(accounts)s accounts, %(entries)s entries.")
                % {"accounts": accounts, "entries": entries}
            )
