"""A mail as it goes over the wire: ASCII in short lines, whatever people wrote, so that no server on the way has a
reason to write it anew, which would break what a signature of it (DKIM) says.

Texts are quoted-printable (RFC 2045), written by C. The email package does the same in Python, in most of the time that
a mail took.
"""

import re
from binascii import b2a_qp
from collections.abc import Iterator
from email.header import Header
from email.mime.base import MIMEBase
from email.utils import formatdate, make_msgid
from functools import lru_cache
from secrets import token_hex
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.message import ADDRESS_HEADERS, BadHeaderError, forbid_multi_line_headers, sanitize_address
from django.core.mail.utils import DNS_NAME

LINE = 76
_PLAIN_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)*", re.ASCII)


def of(message: EmailMessage) -> bytes:
    """Raises BadHeaderError for a header of several lines."""
    head = "".join(f"{name}: {_value(name, str(value))}\r\n" for name, value in _headers(message))
    return b"MIME-Version: 1.0\r\n" + head.encode("ascii") + _content(message)


def address(written: str) -> str:
    """As it stands in an envelope. Raises ValueError for what is none."""
    return written if _PLAIN_ADDRESS.fullmatch(written) else _sanitized(written)


def _headers(message: EmailMessage) -> Iterator[tuple[str, object]]:
    own = dict(message.extra_headers)
    yield "Subject", message.subject
    yield "From", own.pop("From", message.from_email)
    for name, addresses in (("To", message.to), ("Cc", message.cc), ("Reply-To", message.reply_to)):
        if value := own.pop(name, ", ".join(addresses)):
            yield name, value
    yield "Date", own.pop("Date", None) or formatdate()
    yield "Message-ID", own.pop("Message-ID", None) or make_msgid(domain=DNS_NAME.get_fqdn())
    yield from own.items()


def _value(name: str, value: str) -> str:
    if "\n" in value or "\r" in value:
        raise BadHeaderError(f"a header of several lines: {name}")
    if value.isascii() and (" " not in value or len(name) + len(value) <= LINE):
        return value
    return _folded(name, value)


@lru_cache(maxsize=256)
def _folded(name: str, value: str) -> str:
    """Most are those of the mail before."""
    if name.lower() in ADDRESS_HEADERS:
        _name, value = forbid_multi_line_headers(name, value, "utf-8")
    return Header(value, None if value.isascii() else "utf-8", LINE, name).encode(linesep="\r\n")


@lru_cache(maxsize=256)
def _sanitized(written: str) -> str:
    return sanitize_address(written, "utf-8")


def _content(message: EmailMessage) -> bytes:
    """From its Content-Type on: the text, what shows it otherwise, and what belongs to both."""
    texts = [_text(str(message.body), f"text/{message.content_subtype}")] if message.body else []
    texts += [_text(str(part.content), part.mimetype) for part in getattr(message, "alternatives", ())]
    content = texts[0] if len(texts) == 1 else _several("alternative", texts)
    if not message.attachments:
        return content
    attached = [_attached(message, part) for part in message.attachments]
    return _several(message.mixed_subtype, [content, *attached])  # type: ignore[attr-defined]  # the stubs' gap


def _text(text: str, mimetype: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    head = f'Content-Type: {mimetype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    # It ends the lines that it breaks as it finds the first one to end, so all of them are made the wire's afterwards.
    return head.encode("ascii") + b2a_qp(lines.encode(), istext=True).replace(b"\n", b"\r\n")


def _attached(message: EmailMessage, part: Any) -> bytes:
    whole = part if isinstance(part, MIMEBase) else message._create_attachment(*part)  # type: ignore[attr-defined]
    return whole.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _several(kind: str, parts: list[bytes]) -> bytes:
    boundary = f"=_{token_hex(12)}"  # quoted-printable and base64 cannot contain its beginning
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode("ascii")
    line = f"\r\n--{boundary}".encode("ascii")
    return (
        head
        + b"".join(line[2 if number == 0 else 0 :] + b"\r\n" + part for number, part in enumerate(parts))
        + line
        + b"--\r\n"
    )
