"""`manage.py take_mail < message`: what a mail server pipes in, or a fetcher of mail."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from loyalty_site.lib.errors import DomainError
from surveys.domain import bounce_reports, bounces, case_replies, incoming_mail

SIZE_MAX = 10 * 1024 * 1024
SECONDS_MAX = 20.0
TRY_LATER = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the mail and comes again


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Mails can be made so that reading them takes hours."""

    def stop(_signal: int, _frame: object) -> None:
        raise CommandError("The mail could not be read in time.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Command(BaseCommand):
    help = (
        "Takes a mail from the standard input: what says that a mail of ours came back or was reported as spam stops"
        " mail to that address; anything else is kept with the case it answers, or opens one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--recipient", default="", help="whom the mail was for, as the mail server knows it (${original_recipient})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        raw = sys.stdin.buffer.read(SIZE_MAX + 1)
        if len(raw) > SIZE_MAX:
            raise CommandError(f"The mail is larger than {SIZE_MAX // 1024 // 1024} MB.")
        if not raw.strip():
            raise CommandError("There is no mail on the standard input.")
        with _within(SECONDS_MAX):
            report = bounce_reports.read(raw, recipient=options["recipient"])
            mail = incoming_mail.read(raw)
        try:
            if report and (fate := bounces.take(report=report, at=timezone.now())):
                self.stdout.write(fate.value)
                return
            taken = case_replies.take(mail=mail, recipient=options["recipient"], at=timezone.now())
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        except DatabaseError as error:
            raise CommandError(f"Try again later: {type(error).__name__}.", returncode=TRY_LATER) from error
        self.stdout.write(f"{taken.fate.value}{f' case {taken.case.pk}' if taken.case else ''}")
