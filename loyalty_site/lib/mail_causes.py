"""Whom a mail server's refusal is about, by its code and its words.

A code alone does not say: 454 is too fast a rate here and a missing password there; 550 is an address that is gone, a
sender nobody allowed, or an account whose day is full. What no signature knows is about the one mail: taken for the
server's own trouble it would hold up everybody. Enhanced codes: RFC 3463 and RFC 5248.
"""

import re
from enum import StrEnum


class Cause(StrEnum):
    """RECIPIENT: this address. CONTENT: what the mail says, or its size. SESSION: this connection has had its share.
    RATE: too many at a time. QUOTA: no more today. SENDER: the server will not take mail from us until somebody mends
    it. SERVER: it is away or ill."""

    RECIPIENT = "RECIPIENT"
    CONTENT = "CONTENT"
    SESSION = "SESSION"
    RATE = "RATE"
    QUOTA = "QUOTA"
    SENDER = "SENDER"
    SERVER = "SERVER"


# Asked from above: the first whose words are there decides.
_SIGNATURES: tuple[tuple[Cause, str], ...] = (
    # Mailboxes have quotas and rates of their own.
    (Cause.RECIPIENT, r"grey ?list|mailbox|user unknown|unknown user|no such (user|recipient)|user you are trying"),
    (Cause.RECIPIENT, r"recipient('s)? (storage|quota|inbox)|over ?quota|(account|inbox|user) is (full|disabled)"),
    (Cause.SESSION, r"(messages?|mails?|recipients?|transactions?|deliveries)\b.*\b(session|connection)\b"),
    (Cause.RATE, r"\brate\b|concurrent"),
    (Cause.QUOTA, r"\b(daily|hourly|monthly|24.?hours?|per (day|hour|month)|an hour|this month)\b"),
    (Cause.QUOTA, r"credits? exceeded|messaging limits?|sending (limit|quota)|(limit|quota) (exceeded|reached)"),
    (Cause.RATE, r"throttl|too (fast|quickly|frequent|busy)|too many (concurrent|connections|messages|mails)"),
    (Cause.RATE, r"slow down|server (is )?busy|unusual(ly)? (rate|volume|high)|4\.7\.28"),
    (Cause.RATE, r"temporarily deferred|complaints|resources? (temporarily )?(unavailable|insufficient)"),
    (Cause.SENDER, r"\bauth\w*|credential|password|\bstarttls\b|\btls (is )?required|\b[45]\.7\.8\b"),
    (
        Cause.SENDER,
        r"relay\w*\b.*(denied|prohibited|permitted|not allowed)|(denied|unable|not \w+) to relay|we do not relay",
    ),
    (
        Cause.SENDER,
        r"not (been )?(verified|allowed to send|permitted to send|authori[sz]ed)|unverified|unauthori[sz]ed",
    ),
    (Cause.SENDER, r"\bsender\b|from address|send ?as|sending domain|bad outbound|domain of .*\bfrom\b"),
    (Cause.SENDER, r"\bspf\b|\bdkim\b|\bdmarc\b|reverse dns|\bptr\b|cannot find your (hostname|reverse)|helo command"),
    (Cause.SENDER, r"(block|black|deny) ?list|blocked using|client host|spamhaus|barracuda|sorbs|reputation"),
    (Cause.SENDER, r"(account|sending|service) .*\b(suspended|disabled|paused|deactivated)|[45]\.1\.[78]\b"),
    (Cause.CONTENT, r"spam|unsolicited|virus|malware|phish|content|polic(y|ies)|\burls?\b|\blinks?\b|attachment"),
    (Cause.CONTENT, r"too (large|big|long)|size (limit|exceed)|message size|(message|mail) (was )?(rejected|refused)"),
    (Cause.CONTENT, r"\b[45]\.6\.\d|\b[45]\.3\.4\b|header"),
    (
        Cause.SERVER,
        r"(system|disk) (storage|space|resources)|insufficient|shutting down|maintenance|out of (memory|disk)",
    ),
)
_KNOWN = tuple((cause, re.compile(words, re.IGNORECASE)) for cause, words in _SIGNATURES)
_AUTHENTICATION = (454, 530, 534, 535, 538)
# x.1.1–x.1.6 are about an address, x.2.x about a mailbox.
_ADDRESS = re.compile(r"^\d{3}[- ]?[45]\.(1\.[1-6]|2\.[124])\b")


def cause_of(reply: str) -> Cause:
    """Of a refusal as the server wrote it, code first: `550 5.1.1 No such user`."""
    if _ADDRESS.match(reply):
        return Cause.RECIPIENT
    for cause, words in _KNOWN:
        if words.search(reply):
            return cause
    return Cause.SENDER if reply[:3].isdigit() and int(reply[:3]) in _AUTHENTICATION else Cause.RECIPIENT
