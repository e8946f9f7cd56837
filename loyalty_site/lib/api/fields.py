"""Types of what machines send: strict, bounded, and nothing that the database cannot hold.

Whatever is not exactly right is refused with its place: a till's programmer learns of it at the first try.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from django.utils.translation import gettext as _
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

MAX_AMOUNT = 10**12
FIRST_YEAR, LAST_YEAR = 2000, 2100

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MOMENT = re.compile(
    r"([0-9]{4})-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_QUANTITY = r"^[0-9]{1,9}(\.[0-9]{1,3})?$"


class Told(BaseModel):
    """A body, or a part of one. Unknown fields are refused, and so is a text for a number."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Shown(BaseModel):
    """An answer, or a part of one."""


def _readable(text: object) -> object:
    """Asked before blanks at the ends are taken away: a form feed is one, and no description allows it."""
    if isinstance(text, str) and _CONTROL.search(text):
        raise ValueError(_("Control characters are not allowed."))
    return text


def _moment(value: object) -> datetime:
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if not found or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        raise ValueError(_("Write a time with its offset, for example 2026-11-23T10:15:00+08:00."))
    fraction = found[2] or ""
    try:
        return datetime.fromisoformat(str(value).replace(fraction, fraction[:7], 1).upper())
    except ValueError as error:
        raise ValueError(_("There is no such time.")) from error


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError(_("Write a date as 1990-12-31."))
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(_("There is no such date.")) from error


def _quantity(value: object) -> Decimal:
    if not isinstance(value, str) or not re.fullmatch(_QUANTITY, value):
        raise ValueError(_("Write a quantity as a text with at most three decimals, for example “1.250”."))
    return Decimal(value)


def _digits(value: object) -> object:
    """Numbers in addresses, which Python would also read with underscores, signs and full-width digits."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError(_("Write a whole number."))
    return int(value) if isinstance(value, str) else value


_text = BeforeValidator(_readable)
_plain = Field(json_schema_extra={"pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"})

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), _text, _plain]
OptionalText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), _text, _plain]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), _text, _plain]
OptionalWord = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), _text, _plain]
Sku = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), _text, _plain]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), _text, _plain]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
Points = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
PointsOrNone = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": "^20[0-9]{2}-.*([Zz]|[+-][0-9]{2}:[0-9]{2})$"}),
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Quantity = Annotated[
    Decimal, BeforeValidator(_quantity), WithJsonSchema({"type": "string", "pattern": _QUANTITY, "examples": ["1.250"]})
]
Limit = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=100)]


def within_bounds(amounts: list[int]) -> None:
    """Raises ValueError when the sum leaves what a basket may come to."""
    if sum(amounts) > MAX_AMOUNT:
        raise ValueError(_("The lines come to more than %(most)s.") % {"most": MAX_AMOUNT})
