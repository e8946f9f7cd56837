"""What servers write when a mail does not arrive or is complained of, as they write it. `{name}` is our Message-ID."""

from tests.surveys.letters import multipart, part

DAEMON = "MAILER-DAEMON@mx.example"


def report(status: str, *, original: str, said: str = "Sorry.", **headers: str) -> bytes:
    told = {"From": DAEMON, "Subject": "Undelivered Mail Returned to Sender", "Message_ID": "<b1@mx.example>"} | headers
    parts = [part(said), part(status, "message/delivery-status")]
    if original:
        parts.append(part(original, "text/rfc822-headers"))
    return multipart(*parts, kind="report; report-type=delivery-status", **told)


def postfix(name: str, address: str = "mei@example.org") -> bytes:
    return report(
        "Reporting-MTA: dns; mx.shop.example\r\nArrival-Date: Sat, 28 Nov 2026 10:00:00 +0000"
        f"\r\n\r\nFinal-Recipient: rfc822; {address}\r\nOriginal-Recipient: rfc822;{address}\r\nAction: failed\r\n"
        "Status: 5.1.1\r\nRemote-MTA: dns; mx.example.org\r\nDiagnostic-Code: smtp; 550 5.1.1 <mei@example.org>:\r\n"
        "    Recipient address rejected: User unknown in virtual mailbox table",
        original=f"From: hello@shop.example\r\nTo: {address}\r\nMessage-ID: {name}\r\nSubject: How was it?",
    )


def exim(name: str) -> bytes:
    return report(
        "Reporting-MTA: dns; mx.shop.example\r\n\r\nAction: failed\r\nFinal-Recipient: rfc822;mei@example.org\r\n"
        "Status: 5.0.0\r\nRemote-MTA: dns; mx.example.org\r\nDiagnostic-Code: smtp; 550 No such user here",
        original=f"Message-Id: {name}\r\nTo: Mei <mei@example.org>",
        X_Failed_Recipients="mei@example.org",
    )


def exchange(name: str) -> bytes:
    inner = f"From: hello@shop.example\r\nTo: mei@example.org\r\nMessage-ID: {name}\r\nSubject: x\r\n\r\nHello"
    status = (
        "Reporting-MTA: dns;AM0.prod.outlook.com\r\nReceived-From-MTA: dns;mx.shop.example\r\n\r\n"
        "Final-Recipient: rfc822;mei@example.org\r\nAction: failed\r\nStatus: 5.1.10\r\n"
        "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"
    )
    return multipart(
        part("<p>Your message couldn't be delivered</p>", "text/html"),
        part(status, "message/delivery-status"),
        part(inner, "message/rfc822"),
        kind="report; report-type=delivery-status",
        From="postmaster@outlook.com",
        Subject="Undeliverable: x",
        Message_ID="<b2@outlook.example>",
    )


def gmail(name: str) -> bytes:
    inner = f"From: hello@shop.example\r\nTo: mei@example.org\r\nMessage-ID: {name}\r\nSubject: x\r\n\r\nHello"
    status = (
        "Reporting-MTA: dns; googlemail.com\r\nX-Original-Message-ID: " + name + "\r\n\r\n"
        "Final-Recipient: rfc822; mei@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist."
    )
    return multipart(
        part("** Address not found **"),
        part(status, "message/delivery-status"),
        part(inner, "message/rfc822"),
        kind="report; report-type=delivery-status",
        From="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        Message_ID="<b3@googlemail.example>",
    )


def full_mailbox(name: str) -> bytes:
    return report(
        "Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; mei@example.org\r\nAction: failed\r\n"
        "Status: 5.2.2\r\nDiagnostic-Code: smtp; 552 5.2.2 Mailbox full",
        original=f"Message-ID: {name}",
    )


def expired(name: str) -> bytes:
    return report(
        "Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; mei@example.org\r\nAction: failed\r\n"
        "Status: 4.4.1\r\nDiagnostic-Code: X-Postfix; connect to mx.example.org: Connection timed out",
        original=f"Message-ID: {name}",
    )


def taken_for_spam(name: str) -> bytes:
    return report(
        "Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; mei@example.org\r\nAction: failed\r\n"
        "Status: 5.7.1\r\nDiagnostic-Code: smtp; 550 5.7.1 Recipient address rejected: blocked by policy, see spam FAQ",
        original=f"Message-ID: {name}",
    )


def delayed(name: str) -> bytes:
    return report(
        "Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; mei@example.org\r\nAction: delayed\r\n"
        "Status: 4.4.1\r\nWill-Retry-Until: Sun, 29 Nov 2026 10:00:00 +0000",
        original=f"Message-ID: {name}",
    )


def qmail(name: str) -> bytes:
    text = (
        "Hi. This is the qmail-send program at mx.example.\r\nI'm afraid I wasn't able to deliver your message to the"
        " following addresses.\r\nThis is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n"
        "<mei@example.org>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
        "--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <hello@shop.example>\r\n"
        f"Message-ID: {name}\r\nTo: mei@example.org\r\n\r\nHello"
    )
    head = f"From: {DAEMON}\r\nTo: bounces@shop.example\r\nSubject: failure notice\r\n\r\n"
    return (head + text).encode()


def without_the_original(name: str, recipient: str) -> bytes:
    """Some leave out what came back: only the address that the report comes to names the mail."""
    return report(
        "Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; mei@example.org\r\nAction: failed\r\n"
        "Status: 5.1.1",
        original="",
        to=recipient,
    )


def without_boundaries(name: str) -> bytes:
    """What a broken relay makes of a report: one text with everything in it."""
    return (
        f"From: {DAEMON}\r\nSubject: Undeliverable\r\nContent-Type: multipart/report; boundary=none\r\n\r\n"
        f"550 5.1.1 User unknown <mei@example.org>\r\nMessage-ID: {name}\r\n"
    ).encode()


def complaint(name: str, *, address: str = "mei@example.org", kind: str = "abuse") -> bytes:
    inner = f"From: hello@shop.example\r\nTo: {address}\r\nMessage-ID: {name}\r\nSubject: x\r\n\r\nHello"
    fields = f"Feedback-Type: {kind}\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\nArrival-Date: Sat, 28 Nov 2026"
    return multipart(
        part("This is an email abuse report."),
        part(fields, "message/feedback-report"),
        part(inner, "message/rfc822"),
        kind="report; report-type=feedback-report",
        From="feedback@provider.example",
        Message_ID="<c1@provider.example>",
    )
