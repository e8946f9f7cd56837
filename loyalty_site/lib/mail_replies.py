"""Handing a mail over to a server, and what its answer means for the mail."""

import logging
import smtplib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from zlib import crc32

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from loyalty_site.lib.mail_causes import Cause, cause_of
from loyalty_site.lib.smtp import NothingHandedOver

MAX_ATTEMPTS = 12
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
REPLY_LENGTH = 500

# No other mail would fare better now.
OF_ALL = (Cause.RATE, Cause.QUOTA, Cause.SENDER, Cause.SERVER)

logger = logging.getLogger(__name__)


class Fate(StrEnum):
    """Of a mail: taken; refused for now; refused for good; nobody knows, so it must not be sent again by itself."""

    ACCEPTED = "ACCEPTED"
    DEFERRED = "DEFERRED"
    REJECTED = "REJECTED"
    UNCERTAIN = "UNCERTAIN"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The mail's fate and the server's words; `cause` where it refused; `connection_is_good` for the next mail."""

    fate: Fate
    reply: str = ""
    cause: Cause | None = None
    connection_is_good: bool = True


class ServerUnavailable(Exception):
    """No mail can be handed over now, whoever it is for: `cause` and `reply` say why, for staff."""

    def __init__(self, reply: str, cause: Cause = Cause.SERVER) -> None:
        super().__init__(reply)
        self.reply, self.cause = reply, cause


def hand_over(message: EmailMessage, mailer: BaseEmailBackend) -> Outcome:
    """A connection that has had its share of mails is renewed, once. Raises ServerUnavailable."""
    outcome = _hand_over(message, mailer)
    if outcome.cause != Cause.SESSION:
        return outcome
    hang_up(mailer)
    connect(mailer)
    return _hand_over(message, mailer)


def _hand_over(message: EmailMessage, mailer: BaseEmailBackend) -> Outcome:
    try:
        mailer.send_messages([message])
    except Exception as error:
        return outcome_of(error)
    return Outcome(Fate.ACCEPTED, one_line(getattr(mailer, "last_reply", "")))


def outcome_of(error: Exception) -> Outcome:
    """Definite refusals by code and words; whatever leaves a doubt is UNCERTAIN, because a second mail cannot be
    undone.

    Raises ServerUnavailable when it is not about this mail: the server refuses us, or has had enough for now.
    """
    match error:
        case smtplib.SMTPSenderRefused() | smtplib.SMTPHeloError():
            return _refused(error.smtp_code, error.smtp_error, names_an_address=False)
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
    """Opens it, or makes sure that it still is. Raises ServerUnavailable."""
    try:
        mailer.open()
    except smtplib.SMTPResponseException as error:
        reply = _words(error.smtp_code, error.smtp_error)
        raise ServerUnavailable(reply, _cause_before_an_address(reply)) from error
    except OSError as error:  # smtplib's other errors are such
        raise ServerUnavailable(in_words(error)) from error


def hang_up(mailer: BaseEmailBackend) -> None:
    """A connection that is broken already cannot be closed politely."""
    try:
        mailer.close()
    except OSError as error:
        logger.info("the mail server was left without a good-bye: %s", type(error).__name__)


def _refused(code: int, text: bytes | str, *, names_an_address: bool = True) -> Outcome:
    """421 is the server's good-bye: smtplib has hung up."""
    reply = _words(code, text)
    if not 400 <= code < 600:
        return Outcome(Fate.UNCERTAIN, reply, connection_is_good=False)
    cause = cause_of(reply) if names_an_address else _cause_before_an_address(reply)
    if cause in OF_ALL:
        raise ServerUnavailable(reply, cause)
    fate = Fate.DEFERRED if code < 500 or cause == Cause.SESSION else Fate.REJECTED
    return Outcome(fate, reply, cause, connection_is_good=code != 421)


def _cause_before_an_address(reply: str) -> Cause:
    """No customer is named yet, so none is to blame."""
    cause = cause_of(reply)
    if cause != Cause.RECIPIENT:
        return cause
    return Cause.SENDER if reply.startswith("5") else Cause.SERVER


def _words(code: int, text: bytes | str) -> str:
    return one_line(f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}")


def one_line(text: str) -> str:
    """As it fits into a row, and as PostgreSQL takes it."""
    return " ".join(text.replace("\0", " ").split())[:REPLY_LENGTH]
