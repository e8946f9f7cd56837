"""Where a list goes on: opaque to clients, one or two whole numbers to us."""

import base64
import binascii
import re
from typing import Annotated

from django.utils.translation import gettext as _
from pydantic import BeforeValidator, WithJsonSchema


def written(*numbers: int) -> str:
    """(12, 345) → `MTIuMzQ1`."""
    return base64.urlsafe_b64encode(".".join(map(str, numbers)).encode()).decode().rstrip("=")


def _read(value: object, count: int) -> tuple[int, ...]:
    try:
        text = str(value).encode("ascii")
        plain = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError) as error:
        raise ValueError(_("This is no cursor that was given out.")) from error
    if not re.fullmatch(r"[1-9][0-9]{0,17}" + r"\.[1-9][0-9]{0,17}" * (count - 1), plain):
        raise ValueError(_("This is no cursor that was given out."))
    return tuple(int(number) for number in plain.split("."))


_schema = WithJsonSchema({"type": "string", "maxLength": 60})

Cursor = Annotated[int, BeforeValidator(lambda value: _read(value, 1)[0]), _schema]
PairCursor = Annotated[tuple[int, int], BeforeValidator(lambda value: _read(value, 2)), _schema]
