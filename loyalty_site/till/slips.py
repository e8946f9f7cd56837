"""What makes one booking of a button that is pressed twice.

A page that books carries a slip, signed by us: the number that the booking will have, and its moment. Told again, the
number and the moment are the same, so the domain finds the first booking.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.core import signing

from loyalty_site.lib import codes
from rewards.domain.takebacks import PAGE_OPEN_FOR

# A page that lay open for longer is shown anew, so that nothing is booked at a moment long gone.
GOOD_FOR = PAGE_OPEN_FOR
NUMBER_LENGTH = 12
_SALT = "till-slip"


class SlipTooOld(Exception):
    """It is not ours, or its page lay open for too long."""


@dataclass(frozen=True, slots=True)
class Slip:
    number: str
    at: datetime

    def __str__(self) -> str:
        return signing.dumps([self.number, self.at.timestamp()], salt=_SALT)

    @property
    def receipt_number(self) -> str:
        """For people: `T4K2-9QXB-7FMA`."""
        return codes.grouped(self.number)


def issue(*, at: datetime) -> Slip:
    return Slip(codes.generate(length=NUMBER_LENGTH, start="T"), at.replace(microsecond=0))


def read(*, text: str, at: datetime) -> Slip:
    """Raises SlipTooOld."""
    try:
        number, moment = signing.loads(text, salt=_SALT)
    except signing.BadSignature as error:
        raise SlipTooOld from error
    slip = Slip(number, datetime.fromtimestamp(moment, UTC))
    if at - slip.at > GOOD_FOR:
        raise SlipTooOld
    return slip


def read_or_issue(*, text: str, at: datetime) -> tuple[Slip, bool]:
    """The page's slip, and whether it is good; else a new one."""
    try:
        return read(text=text, at=at), True
    except SlipTooOld:
        return issue(at=at), False
