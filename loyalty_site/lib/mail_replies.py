"""Handing a mail over to a server, and what its answer means for the mail."""

import logging
import smtplib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from zlib import crc32

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from loyalty_site.lib.smtp import NothingHandedOver

MAX_ATTEMPTS = 12
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
REPLY_LENGTH = 500

logger = logging.getLogger(__name__)


class Fate(StrEnum):
    """Of a mail: taken; refused for now; refused for good; nobody knows, so it must not be sent again by itself."""

    ACCEPTED = "ACCEPTED"
    DEFERRED = "DEFERRED"
    REJECTED = "REJECTED"
    UNCERTAIN = "UNCERTAIN"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The mail's fate and the server's words; `connection_is_good` for the next mail."""

    fate: Fate
    reply: str = ""
    connection_is_good: bool = True


class ServerUnavailable(Exception):
    """No mail can be handed over now, whoever it is for; says why, for staff."""


def hand_over(message: EmailMessage, mailer: BaseEmailBackend) -> Outcome:
    """Raises ServerUnavailable."""
    try:
        mailer.send_messages([message])
    except Exception as error:
        return outcome_of(error)
    return Outcome(Fate.ACCEPTED, one_line(getattr(mailer, "last_reply", "")))


def outcome_of(error: Exception) -> Outcome:
    """Definite refusals by their code; whatever leaves a doubt is UNCERTAIN, because a second mail cannot be undone.

    Raises ServerUnavailable when it is not about this mail: the server refuses us.
    """
    match error:
        case smtplib.SMTPSenderRefused() | smtplib.SMTPHeloError():
            raise ServerUnavailable(_words(error.smtp_code, error.smtp_error)) from error
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            return _refused(*next(iter(refused.values())))
        case smtplib.SMTPDataError():
            return _refused(error.smtp_code, error.smtp_error)
        case NothingHandedOver():
            return Outcome(Fate.DEFERRED, in_words(error), connection_is_good=False)
        case _:
            return Outcome(Fate.UNCERTAIN, in_words(error), connection_is_good=False)


def in_words(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}")


def pause_before_retry(*, attempts: int, seed: int) -> timedelta:
    """Doubles with each attempt, less up to a quarter that differs from mail to mail."""
    pause = min(FIRST_PAUSE * 2.0 ** (attempts - 1), LONGEST_PAUSE)
    jitter = crc32(f"{seed}:{attempts}".encode()) / 2**32
    return pause * (1 - jitter / 4)


def connect(mailer: BaseEmailBackend) -> None:
    """Raises ServerUnavailable."""
    try:
        mailer.open()
    except OSError as error:  # smtplib's errors are such
        raise ServerUnavailable(in_words(error)) from error


def hang_up(mailer: BaseEmailBackend) -> None:
    """A connection that is broken already cannot be closed politely."""
    try:
        mailer.close()
    except OSError as error:
        logger.info("the mail server was left without a good-bye: %s", type(error).__name__)


def _refused(code: int, text: bytes | str) -> Outcome:
    """421 is the server's good-bye: smtplib has hung up."""
    reply, is_good = _words(code, text), code != 421
    if 400 <= code < 500:
        return Outcome(Fate.DEFERRED, reply, is_good)
    if 500 <= code < 600:
        return Outcome(Fate.REJECTED, reply, is_good)
    return Outcome(Fate.UNCERTAIN, reply, connection_is_good=False)


def _words(code: int, text: bytes | str) -> str:
    return one_line(f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}")


def one_line(text: str) -> str:
    """As it fits into a row, and as PostgreSQL takes it."""
    return " ".join(text.replace("\0", " ").split())[:REPLY_LENGTH]
