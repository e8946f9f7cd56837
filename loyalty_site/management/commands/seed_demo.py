"""Loads a store chain to look at, on real data."""

from argparse import ArgumentParser, ArgumentTypeError
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty_site.demo import loading
from loyalty_site.demo.journey import DataMissing
from loyalty_site.lib.progress import Progress


class Command(BaseCommand):
    help = (
        "Load the demo: a year of a real store chain's purchases with stores, customers, rewards and a survey. "
        "Interrupted, it goes on when called again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--households", type=_count, default=300, metavar="N|all", help="of 2,469 (default 300)")
        parser.add_argument("--if-needed", action="store_true", help="not when it is loaded or the stores are your own")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOYALTY_DEMO:
            raise CommandError(
                _(
                    "The demo has accounts with passwords that everybody knows: it is loaded only with DEBUG and "
                    "LOYALTY_DEMO on, never in production."
                )
            )
        if options["if_needed"] and (loading.is_complete() or loading.belongs_to_somebody()):
            return
        begun = perf_counter()
        progress = Progress(self.stdout)
        try:
            result = loading.load(count=options["households"], at=timezone.now(), tell=progress.tell)
        except (DataMissing, loading.LinesRefused) as error:
            raise CommandError(str(error)) from error
        finally:
            progress.clear()
        self.stdout.write(
            _("The demo is loaded in %(seconds)s s: %(lines)s lines of %(purchases)s purchases (%(known)s were here).")
            % {
                "lines": result.lines,
                "purchases": result.purchases,
                "known": result.duplicates,
                "seconds": round(perf_counter() - begun, 1),
            }
        )


def _count(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(_("%(text)s is not a number of households, nor all") % {"text": repr(text)})
    return int(text)
