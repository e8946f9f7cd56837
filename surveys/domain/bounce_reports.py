"""What servers say became of a mail: that it did not arrive (RFC 3464, and qmail's words), or that its reader
complained (RFC 5965). Whatever bytes come, nothing is raised. Nothing is believed before its signature is looked at.
"""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses

from loyalty_site.lib import mail_replies

TEXT_LENGTH = 50_000
PARTS_MAX = 50
_ADDRESS = re.compile(r"[^\s<>;:,\"()]{1,200}@[^\s<>;:,\"()]{1,200}")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# Enhanced codes (RFC 3463) that speak of the mailbox or its domain, and will not change by themselves. 5.4.1 is what
# Exchange says of an unknown mailbox.
_NO_MAILBOX = frozenset({(1, 0), (1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1), (4, 1), (4, 4)})
_NO_MAILBOX_WORDS = re.compile(
    r"user unknown|unknown user|no such (user|mailbox|address|recipient)|does ?n[o']t exist|invalid recipient"
    r"|mailbox (unavailable|not found|disabled)|(recipient|address) (rejected|unknown|not found)|no mailbox here"
    r"|account (has been |is )?(disabled|closed)|host or domain name not found|not a valid (user|mailbox)",
    re.IGNORECASE,
)
# What is about the mail or about us, not about the mailbox, whatever else is said.
_NOT_THE_MAILBOX = re.compile(
    r"spam|block|black ?list|policy|reputation|dmarc|spf|dkim|quota|mailbox (is )?full|too large|rate limit",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class BounceReport:
    """`told`: texts in which one of our mails may be named, the surest first; `addresses`: whom it may have been for.

    `is_final`: it did not arrive and is not tried again. `is_hard`: because there is no such mailbox.
    """

    is_complaint: bool
    is_final: bool
    is_hard: bool
    told: tuple[str, ...]
    addresses: tuple[str, ...]
    detail: str


def read(raw: bytes, *, recipient: str = "") -> BounceReport | None:
    """None of what is neither. `recipient` is the address that the mail server says it was for."""
    try:
        message = message_from_bytes(raw)
        parts = [part for _number, part in zip(range(PARTS_MAX), message.walk(), strict=False)]
    except RecursionError:
        return None
    by_kind = {kind: [part for part in parts if part.get_content_type() == kind] for kind in _KINDS}
    told = _told(message, parts, recipient)
    if by_kind["message/feedback-report"]:
        return _complaint(_fields(by_kind["message/feedback-report"][0])[0], parts, told)
    if by_kind["message/delivery-status"]:
        groups = [group for part in by_kind["message/delivery-status"] for group in _fields(part)]
        return _report([group for group in groups if "action" in group or "final-recipient" in group], parts, told)
    return _in_words(message, parts, told)


_KINDS = ("message/feedback-report", "message/delivery-status")


def _complaint(fields: dict[str, str], parts: list[Message], told: tuple[str, ...]) -> BounceReport | None:
    """Of the kinds of feedback, `not-spam` is praise, and `auth-failure` is for whoever set up the server."""
    if fields.get("feedback-type", "abuse").lower() not in ("abuse", "fraud", "opt-out", "opt-out-list", "other"):
        return None
    removed = _addresses(fields.get("original-rcpt-to", ""), fields.get("removal-recipient", ""))
    detail = mail_replies.one_line(fields.get("user-agent", ""))
    return BounceReport(True, True, True, told, (*removed, *_original_recipients(parts)), detail)


def _report(groups: list[dict[str, str]], parts: list[Message], told: tuple[str, ...]) -> BounceReport:
    failed = [group for group in groups if group.get("action", "failed").lower().startswith("failed")]
    reported = [group.get(name, "") for group in failed for name in ("original-recipient", "final-recipient")]
    diagnostics = " ".join(group.get("diagnostic-code", "") for group in failed)
    status = " ".join(group.get("status", "") for group in failed)
    return BounceReport(
        is_complaint=False,
        is_final=bool(failed),
        is_hard=_is_hard(status, diagnostics),
        told=told,
        addresses=(*_addresses(*reported), *_original_recipients(parts)),
        detail=mail_replies.one_line(f"{status} {diagnostics}"),
    )


def _in_words(message: Message, parts: list[Message], told: tuple[str, ...]) -> BounceReport | None:
    """qmail's and others': a text of a mailer daemon, without a report."""
    senders = [address.lower() for _said, address in getaddresses(_texts(message, "from"))]
    if not any(sender.split("@")[0] in ("mailer-daemon", "postmaster") for sender in senders):
        return None
    text = "\n".join(_body(part) for part in parts if _is_text(part))
    if not text.strip():
        return None
    said = text.split("--- Below this line", 1)[0].split("------ This is a copy", 1)[0]
    is_delay = bool(re.search(r"\b(delayed|will (retry|be retried|keep trying)|still trying)\b", said, re.IGNORECASE))
    found = tuple(dict.fromkeys(address.lower().strip(".") for address in _ADDRESS.findall(text)))[:20]
    detail = mail_replies.one_line(said)
    return BounceReport(False, not is_delay, _is_hard("", said), told, found, detail)


def _is_hard(status: str, words: str) -> bool:
    """The diagnosis is nearer to the truth than the status: Exim says 5.0.0 of everything."""
    codes = [(int(kind), int(subject), int(detail)) for kind, subject, detail in _STATUS.findall(f"{words} {status}")]
    exact = [code for code in codes if code[1:] != (0, 0)]
    if exact:
        kind, *rest = exact[0]
        return kind == 5 and tuple(rest) in _NO_MAILBOX and not _NOT_THE_MAILBOX.search(words)
    is_temporary = any(code[0] == 4 for code in codes) or re.search(r"(^|\s)4\d\d[ -]", words)
    return not is_temporary and bool(_NO_MAILBOX_WORDS.search(words)) and not _NOT_THE_MAILBOX.search(words)


def _told(message: Message, parts: list[Message], recipient: str) -> tuple[str, ...]:
    """The addresses it came to, then what it carries of the mail that came back."""
    came_to = [
        text for name in ("delivered-to", "x-original-to", "envelope-to", "to") for text in _texts(message, name)
    ]
    originals = [text for part in parts[1:] for text in _texts(part, "message-id")]
    carried = [_body(part) for part in parts if not part.is_multipart()]
    answered = [text for name in ("in-reply-to", "references") for text in _texts(message, name)]
    return (recipient, *came_to, *originals, *carried, *answered)


def _original_recipients(parts: list[Message]) -> tuple[str, ...]:
    """Of the mail that came back, whole or its headers alone."""
    names = ("to", "delivered-to", "x-hmxmroriginalrecipient")
    headers = [text for part in parts[1:] for name in names for text in _texts(part, name)]
    lines = [
        line
        for part in parts
        if part.get_content_type() == "text/rfc822-headers"
        for line in _body(part).splitlines()
        if line.lower().startswith(("to:", "delivered-to:"))
    ]
    return _addresses(*headers, *lines)


def _addresses(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.lower() for text in texts for found in _ADDRESS.findall(text)))[:20]


def _fields(part: Message) -> list[dict[str, str]]:
    """Groups of fields: the parser makes a mail of each."""
    payload = part.get_payload()
    groups = [group for group in payload if isinstance(group, Message)] if isinstance(payload, list) else []
    if not groups:
        text = _body(part)
        return [
            {name.strip().lower(): value.strip() for name, colon, value in _lines(group) if colon}
            for group in re.split(r"\r?\n\s*\r?\n", text)
        ]
    if part.get_content_type() == "message/feedback-report" and len(groups) == 1 and not groups[0].items():
        return [{name.strip().lower(): value.strip() for name, colon, value in _lines(_body(groups[0])) if colon}]
    return [{name.lower(): " ".join(_told_in(value).split()) for name, value in group.raw_items()} for group in groups]


def _lines(text: str) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in re.sub(r"\r?\n[ \t]+", " ", text).splitlines()]


def _texts(message: Message, name: str) -> list[str]:
    return [_told_in(value)[:TEXT_LENGTH] for key, value in message.raw_items() if key.lower() == name]


def _told_in(header: object) -> str:
    """The parser makes surrogates of bytes that are not ASCII, which neither a signature nor PostgreSQL takes."""
    return str(header).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_text(part: Message) -> bool:
    """What says that it has parts and has none is text."""
    is_plain = part.get_content_type() == "text/plain" or part.get_content_maintype() == "multipart"
    return is_plain and not part.is_multipart()


def _body(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload[:TEXT_LENGTH].decode("utf-8", "replace") if isinstance(payload, bytes) else ""
