"""Reading a mail that somebody sent: whatever bytes come, what is readable of them comes out, and nothing is run.

Only the standard library's lenient parser: its newer policies raise at headers that are broken in ways of their own.
Attachments are named and not kept. Sources: RFC 5322 (threads), RFC 3834 (automatic answers), RFC 3464 (bounces).
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from html.parser import HTMLParser

TEXT_LENGTH = 20_000
HTML_LENGTH = 60_000  # without its styles; what is made to be slow then takes a second, not an hour
HEADER_LENGTH = 20_000
ID_LENGTH = 250
PARTS_MAX = 100
IDS_MAX = 50
NAMES_MAX = 20
NAME_LENGTH = 100
SUBJECT_LENGTH, SUBJECT_RAW = 200, 2000

_RECIPIENT_HEADERS = ("delivered-to", "x-original-to", "envelope-to", "to", "cc", "resent-to")
_ID = re.compile(r"<[^<>\s]{1,248}>")
# What mail programs call them, and the superset that reads what is really in them.
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "us-ascii": "utf-8", "ascii": "utf-8"}
_UNDECIDED = ("utf-8", "gb18030", "latin-1")


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """`recipients` are all addresses it may have come to, lower case; `references` what it answers, the nearest first.

    `is_automatic`: nobody wrote it (an absence note, a list, a receipt). `is_bounce`: a server says that a mail of ours
    did not arrive; `references` then names that mail.
    """

    sender: str
    sender_name: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    message_id: str
    references: tuple[str, ...]
    attachments: tuple[str, ...]
    is_automatic: bool
    is_bounce: bool


def read(raw: bytes) -> IncomingMail:
    """Never raises, whatever `raw` is; what cannot be read is left out. Without a Message-ID it gets one made of its
    bytes, so that the same mail told twice is the same."""
    try:
        message = message_from_bytes(raw)
        parts = list(_parts(message))
    except RecursionError:  # a thousand mails in one another: nobody wrote that
        message, parts = BytesHeaderParser().parsebytes(raw), []
    sender_name, sender = _sender(message)
    is_bounce = _is_bounce(message, sender)
    return IncomingMail(
        sender=sender,
        sender_name=sender_name,
        recipients=_addresses(message, *_RECIPIENT_HEADERS),
        subject=_one_line(_header(message, "subject"))[:SUBJECT_LENGTH],
        text=_text(parts),
        message_id=_message_id(message, raw),
        references=_references(message, parts if is_bounce else []),
        attachments=_attachments(parts),
        is_automatic=is_bounce or _is_automatic(message),
        is_bounce=is_bounce,
    )


def reduced(html: str) -> str:
    """What a person would read of it: no scripts, styles or comments, nothing loaded; lines where blocks end."""
    for start, end in (("<!--", "-->"), ("<style", "</style>"), ("<script", "</script>")):
        html = _without(html, start, end)
    reader = _Reader()
    reader.feed(html[:HTML_LENGTH])
    reader.close()
    return _tidy("".join(reader.said))


def split_quoted(text: str) -> tuple[str, str]:
    """What was written, and what it quotes at its end: from the first line of the last block that begins with `>` on,
    with the line that introduces it."""
    lines = text.splitlines()
    start = len(lines)
    while start and (not lines[start - 1].strip() or lines[start - 1].lstrip().startswith(">")):
        start -= 1
    if not any(line.lstrip().startswith(">") for line in lines[start:]):
        return text, ""
    if start and lines[start - 1].rstrip().endswith((":", "：")):
        start -= 1
    return "\n".join(lines[:start]).strip(), "\n".join(lines[start:]).strip()


def _without(html: str, start: str, end: str) -> str:
    """Without what stands between these; what never ends, ends the whole. In one pass, unlike a pattern."""
    kept, position, low = [], 0, html.lower()
    if len(low) != len(html):  # some signs are longer in lower case
        low = html
    while (found := low.find(start, position)) >= 0:
        kept.append(html[position:found])
        ended = low.find(end, found)
        if ended < 0:
            return "".join(kept)
        position = ended + len(end)
    return "".join([*kept, html[position:]])


class _Reader(HTMLParser):
    """Collects text outside of what is never shown."""

    HIDDEN = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "svg"})
    BLOCKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "hr", "blockquote"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._hidden and tag in self.HIDDEN:
            self._hidden = tag
        elif tag in self.BLOCKS:
            self.said.append("\n")
        elif tag in ("td", "th"):
            self.said.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden or tag == "head" or tag == "body":
            self._hidden = ""
        if tag in self.BLOCKS:
            self.said.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.BLOCKS:
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.said.append(" ".join(data.split("\n")) if data.strip() else " ")


def _parts(message: Message) -> Iterator[Message]:
    """The leaves, and reports within; no more than a mail that people write has."""
    for number, part in enumerate(message.walk()):
        if number >= PARTS_MAX:
            return
        if not part.is_multipart() or part.get_content_type() == "message/rfc822":
            yield part


def _text(parts: list[Message]) -> str:
    """The first plain text, else the first HTML as text."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if _kind(part) == kind and not _file_name(part):
                said = _decoded(part)
                said = reduced(said) if kind == "text/html" else _tidy(said)
                if said:
                    return said if len(said) <= TEXT_LENGTH else f"{said[:TEXT_LENGTH]} […]"
    return ""


def _kind(part: Message) -> str:
    """What says that it has parts and has none is text."""
    return "text/plain" if part.get_content_maintype() == "multipart" else part.get_content_type()


def _attachments(parts: list[Message]) -> tuple[str, ...]:
    """Names alone: the files are not kept."""
    named = (_one_line(_file_name(part))[:NAME_LENGTH] for part in parts)
    return tuple(name for name in named if name)[:NAMES_MAX]


def _file_name(part: Message) -> str:
    """Of an attached file; empty for what is the mail itself."""
    try:
        name = part.get_filename()
        attached = part.get_content_disposition() == "attachment"
    except (HeaderParseError, ValueError, LookupError, TypeError):
        return "?"
    if name:
        return _words(str(name))
    is_text = part.get_content_maintype() in ("text", "message", "multipart")
    return part.get_content_type() if attached or not is_text else ""


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    body = payload if isinstance(payload, bytes) else b""
    try:
        named = str(part.get_content_charset() or "")
    except (ValueError, LookupError, TypeError):
        named = ""
    return _read(body, named)


def _read(body: bytes, named: str) -> str:
    """In the charset that is named, if it is one and fits; else in the first one that fits."""
    for charset in (_SUPERSETS.get(named.lower(), named), *_UNDECIDED):
        try:
            return body.decode(charset)
        except (LookupError, UnicodeError, ValueError):
            continue
    return body.decode("latin-1")


def _header(message: Message, name: str) -> str:
    return next((_words(value[:SUBJECT_RAW]) for value in _raw(message, name)), "")


def _raw(message: Message, name: str) -> list[str]:
    """As they came: `get` would replace the bytes of eight-bit headers, which are not allowed and common."""
    values = [str(value)[:HEADER_LENGTH] for key, value in message.raw_items() if key.lower() == name]
    return [_unescaped(value) for value in values]


def _unescaped(text: str) -> str:
    """The parser keeps bytes as surrogates."""
    return text if text.isascii() else _read(text.encode("utf-8", "surrogateescape"), "")


def _words(value: str) -> str:
    """A header as people read it. What is not encoded in it comes back in an encoding of its own."""
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(text if isinstance(text, str) else _piece(text, charset) for text, charset in pieces)


def _piece(text: bytes, charset: str | None) -> str:
    if charset is None:
        return text.decode("raw-unicode-escape", "replace")
    return _read(text, charset)


def _sender(message: Message) -> tuple[str, str]:
    for name in ("from", "reply-to", "sender"):
        for said, address in _pairs(message, name):
            if "@" in address:
                return _one_line(_words(said))[:NAME_LENGTH], address[:320]
    return "", ""


def _addresses(message: Message, *names: str) -> tuple[str, ...]:
    found = (address for name in names for _said, address in _pairs(message, name))
    return tuple(dict.fromkeys(address for address in found if "@" in address))


def _pairs(message: Message, name: str) -> list[tuple[str, str]]:
    try:
        found = getaddresses(_raw(message, name))
    except RecursionError:  # brackets in brackets
        return []
    return [(said, _one_line(address).lower()) for said, address in found]


def _message_id(message: Message, raw: bytes) -> str:
    found = _ID.search(_one_line("".join(_raw(message, "message-id")[:1])))
    if found and len(found.group()) <= ID_LENGTH:
        return found.group()
    return f"<{hashlib.sha256(raw).hexdigest()}@no-message-id>"


def _references(message: Message, reported: list[Message]) -> tuple[str, ...]:
    """The nearest first. Of a bounce, what it says of the mail that came back."""
    told = [*_raw(message, "in-reply-to")]
    for text in _raw(message, "references"):
        told.extend(_ID.findall(text)[::-1])
    for part in reported:
        told.extend(_original_ids(part))
    ids = (found for text in told for found in _ID.findall(_clean(text)))
    return tuple(dict.fromkeys(ids))[:IDS_MAX]


def _original_ids(part: Message) -> Iterator[str]:
    """The Message-ID of the mail that a bounce carries, whole or its headers alone."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        if isinstance(inner, list) and inner and isinstance(inner[0], Message):
            yield str(inner[0].get("message-id") or "")
    elif part.get_content_type() in ("text/rfc822-headers", "text/plain"):
        yield from re.findall(r"(?im)^message-id:\s*(<[^<>\s]+>)", _decoded(part)[:100_000])


def _is_bounce(message: Message, sender: str) -> bool:
    is_report = message.get_content_type() == "multipart/report"
    is_about_delivery = is_report and "delivery-status" in str(message.get("content-type") or "").lower()
    is_postmaster = sender.split("@")[0] in ("mailer-daemon", "postmaster")
    return is_about_delivery or is_postmaster


def _is_automatic(message: Message) -> bool:
    """RFC 3834 and what servers said before it."""
    auto = str(message.get("auto-submitted") or "no").split(";")[0].strip().lower()
    precedence = str(message.get("precedence") or "").strip().lower()
    return (
        auto != "no"
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or str(message.get("return-path") or "").strip() == "<>"
        or message.get_content_type() == "multipart/report"
        or any(message.get(name) for name in ("x-autoreply", "x-autorespond", "list-id", "list-unsubscribe"))
    )


def _one_line(text: str) -> str:
    return " ".join(_clean(text).split())


def _tidy(text: str) -> str:
    """Lines without spaces at their ends, and no more than one empty one between."""
    lines = "\n".join(line.strip() for line in _clean(text).replace("\xa0", " ").splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _clean(text: str) -> str:
    """Without NUL, lone surrogates and signs that hide or turn text around."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", "", text)
