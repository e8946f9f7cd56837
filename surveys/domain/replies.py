"""What a failed hand-over to a mail server means for the mail."""

import smtplib
from dataclasses import dataclass
from datetime import timedelta
from zlib import crc32

from loyalty_site.lib.smtp import NothingHandedOver
from surveys.models import Delivery, DeliveryState

MAX_ATTEMPTS = 12
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
REPLY_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state` of the delivery and the server's words; `connection_is_good` for the next mail."""

    state: DeliveryState
    reply: str = ""
    connection_is_good: bool = True


class ServerUnavailable(Exception):
    """No mail can be handed over now, whoever it is for; says why, for staff."""


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
            return Outcome(DeliveryState.DEFERRED, in_words(error), connection_is_good=False)
        case _:
            return Outcome(DeliveryState.UNCERTAIN, in_words(error), connection_is_good=False)


def in_words(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}")


def pause_before_retry(*, delivery: Delivery) -> timedelta:
    """Doubles with each attempt, less up to a quarter that differs from delivery to delivery."""
    pause = min(FIRST_PAUSE * 2.0 ** (delivery.attempts - 1), LONGEST_PAUSE)
    jitter = crc32(f"{delivery.pk}:{delivery.attempts}".encode()) / 2**32
    return pause * (1 - jitter / 4)


def _refused(code: int, text: bytes | str) -> Outcome:
    """421 is the server's good-bye: smtplib has hung up."""
    reply, is_good = _words(code, text), code != 421
    if 400 <= code < 500:
        return Outcome(DeliveryState.DEFERRED, reply, is_good)
    if 500 <= code < 600:
        return Outcome(DeliveryState.REJECTED, reply, is_good)
    return Outcome(DeliveryState.UNCERTAIN, reply, connection_is_good=False)


def _words(code: int, text: bytes | str) -> str:
    return one_line(f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}")


def one_line(text: str) -> str:
    """As it fits into the delivery's row, and as PostgreSQL takes it."""
    return " ".join(text.replace("\0", " ").split())[:REPLY_LENGTH]
