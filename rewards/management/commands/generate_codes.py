"""Makes coupon codes of an offer; exits 1 with the reason when it cannot."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty_site.lib import actors
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.numbers import grouped
from loyalty_site.lib.progress import Progress
from rewards.domain import code_batches, code_files
from rewards.models import BatchState, CodeBatch, Coupon, Offer


class Command(BaseCommand):
    help = (
        "Makes COUNT coupon codes of OFFER (its number, or its code prefix), each good as often as the offer says, and "
        "writes them to FILE, one a line, else to the standard output."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("offer")
        parser.add_argument("count", type=int)
        parser.add_argument("--out", type=Path, metavar="FILE", help="where the codes go; it must not exist")
        parser.add_argument("--prefix", help="instead of the offer's own")
        parser.add_argument("--length", type=int, default=Coupon.BODY_LENGTH, help="symbols after the prefix")
        parser.add_argument("--chunk", type=int, default=code_batches.CHUNK, help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with self._opened(options["out"]) as out:
                batch = self._made(options)
                for line in code_files.plain_lines(batch=batch, by=actors.SYSTEM, at=timezone.now()):
                    out.write(line)
        except DomainError as error:
            raise CommandError(str(error)) from error
        except BrokenPipeError:
            sys.stderr.close()

    def _opened(self, path: Path | None) -> Any:
        """Before anything is made: codes that could not be written would be of no use to anybody."""
        if path is None:
            return nullcontext(self.stdout)
        try:
            return _exclusive(path)
        except OSError as error:
            raise CommandError(_("%(path)s: %(error)s") % {"path": path, "error": error.strerror}) from error

    def _made(self, options: dict[str, Any]) -> CodeBatch:
        batch = code_batches.order(
            offer=_offer(options["offer"]),
            count=options["count"],
            code_prefix=options["prefix"],
            body_length=options["length"],
            by=actors.SYSTEM,
            at=timezone.now(),
        )
        bar = Progress(self.stderr) if self.stderr.isatty() else None
        said = _("Making codes")

        def tell(made: int) -> None:
            if bar:
                bar.tell(said, made / batch.count)

        code_batches.work(batch_id=batch.pk, clock=timezone.now, progress=tell, chunk=options["chunk"])
        if bar:
            bar.clear()
        batch.refresh_from_db()
        if batch.state != BatchState.DONE:
            values = {"made": grouped(batch.made_count), "count": grouped(batch.count), "batch": batch.pk}
            raise CommandError(
                _("%(made)s of %(count)s codes were made (batch %(batch)s). %(error)s")
                % {**values, "error": batch.error}
            )
        self.stderr.write(
            _("%(count)s codes were made (batch %(batch)s).")
            % {
                "count": grouped(batch.count),
                "batch": batch.pk,
            }
        )
        return batch


def _exclusive(path: Path) -> TextIO:
    return path.open("x", encoding="utf-8", newline="\n")


def _offer(text: str) -> Offer:
    """By its number, else by the code prefix that only one offer has."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        found = list(Offer.objects.filter(pk=int(text)))
    else:
        found = list(Offer.objects.filter(code_prefix=text.upper()).exclude(code_prefix="")[:2])
    if not found:
        raise CommandError(_("There is no offer %s.") % text)
    if len(found) > 1:
        raise CommandError(_("Several offers have the code prefix %s; give the offer's number.") % text)
    return found[0]
