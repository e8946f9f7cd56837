"""What servers and providers answer, and whom it is about: words that they document, or that people quote."""

import pytest

from loyalty_site.lib.mail_causes import cause_of

REPLIES = {
    "RECIPIENT": [
        "550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown in local recipient table",
        "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the address",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        "550 No such user here",
        "550 Requested action not taken: mailbox unavailable",
        "553 5.1.3 The recipient address is not a valid RFC-5321 address",
        "552 5.2.2 Mailbox full",
        "452 4.2.2 The email account that you tried to reach is over quota",
        "552 5.2.2 The recipient's inbox is out of storage space and inactive",
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend later",
        "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents delivery",
        "550 5.2.1 The email account that you tried to reach is disabled",
        "450 4.2.0 <ann@example.org>: Recipient address rejected: Greylisted, see the help page",
        "451 4.7.1 Greylisting in action, please come back later",
        "450 4.1.2 <ann@example.invalid>: Recipient address rejected: Domain not found",
        "550 5.1.2 Host unknown",
        "554 delivery error: dd This user doesn't have a yahoo.com account",
        "451 4.3.0 <ann@example.org>: Temporary lookup failure",
        "550 5.4.1 Recipient address rejected: Access denied",
        "451 try again later",
        "550 no",
    ],
    "CONTENT": [
        "554 5.7.1 Message rejected as spam by the content filter",
        "550 5.7.1 Our system has detected that this message is likely unsolicited mail. It has been blocked",
        "554 5.7.9 Message not accepted for policy reasons",
        "552 5.7.0 This message was blocked because its content presents a potential security issue",
        "550 5.7.1 Message contains a virus",
        "552 5.3.4 Message size exceeds fixed limit",
        "552 5.2.3 Message too large",
        "554 5.6.0 Corrupt message content",
        "550 5.7.1 [CS] Message blocked: a URL in it is listed",
        "554 Message refused",
        "550 5.7.509 Phishing message detected",
    ],
    "SESSION": [
        "421 4.7.0 Too many messages in this session",
        "421 Maximum message count per session reached",
        "452 4.5.3 Too many recipients in this session",
        "421 4.4.2 transaction limit for this connection reached",
        "421 4.7.0 Closing connection: 100 messages per connection allowed",
    ],
    "RATE": [
        "454 Throttling failure: Maximum sending rate exceeded.",
        "421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address",
        "450 4.7.1 Error: too much mail, rate limited",
        "451 4.7.500 Server busy. Please try again later",
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints",
        "421 Too many concurrent SMTP connections from this IP address; please try again later",
        "432 4.3.2 Concurrent connections limit exceeded",
        "451 4.7.1 Slow down",
        "421 4.3.2 Too many connections from your host",
    ],
    "QUOTA": [
        "454 Throttling failure: Daily message quota exceeded.",
        "550 5.4.5 Daily sending quota exceeded",
        "550 5.4.5 Daily SMTP relay limit exceeded for customer",
        "451 Authentication failed: Maximum credits exceeded",
        "450 4.2.0 You have exceeded the number of messages allowed per hour",
        "451 You have exceeded your messaging limits",
        "420 4.7.1 Sending limit reached",
        "550 5.2.0 Your account has reached its 24-hour limit of messages",
        "554 5.7.1 The monthly limit of your plan is reached",
    ],
    "SENDER": [
        "530 5.7.0 Authentication required",
        "530 5.7.0 Must issue a STARTTLS command first",
        "535 5.7.8 Username and Password not accepted",
        "535 5.7.3 Authentication unsuccessful",
        "454 4.7.0 Temporary authentication failure",
        "554 Message rejected: Email address is not verified.",
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        "554 5.2.0 STOREDRV.Submission.Exception: SendAsDeniedException",
        "550 5.1.8 Access denied, bad outbound sender",
        "550 The from address does not match a verified Sender Identity",
        "554 5.7.1 <ann@example.org>: Relay access denied",
        "454 4.7.1 <ann@example.org>: Relay access denied",
        "550 5.7.1 Unable to relay",
        "450 4.1.8 <care@example.org>: Sender address rejected: Domain not found",
        "550 5.7.26 This mail is unauthenticated, which poses a security risk (SPF and DKIM did not pass)",
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using a block list",
        "450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]",
        "550 5.7.1 Domain example.org is not allowed to send",
        "550 5.1.8 unconfigured sending domain <example.org>",
        "550 5.7.509 Access denied, sending domain does not pass DMARC verification",
        "553 5.7.1 Sender address rejected: not owned by user",
        "554 5.7.0 Your account is suspended",
    ],
    "SERVER": [
        "452 4.3.1 Insufficient system storage",
        "421 4.3.2 System is shutting down",
        "452 4.3.1 Out of memory",
        "421 4.3.0 Down for maintenance",
    ],
}


@pytest.mark.parametrize(("cause", "reply"), [(cause, reply) for cause, all_of in REPLIES.items() for reply in all_of])
def test_refusal_is_about(cause, reply):
    assert cause_of(reply) == cause


def test_many_are_tried():
    assert sum(map(len, REPLIES.values())) >= 60
