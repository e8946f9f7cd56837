"""A real SMTP server in a thread, which keeps its own record of what it took and misbehaves where told."""

import asyncio
import email
import email.policy
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from weakref import WeakKeyDictionary

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

DROP = "drop"  # hang up without a word
HANG = "hang"  # say nothing and stay


@dataclass
class MailServer:
    """`taken` is every mail whose whole text arrived and was not refused, in order: what customers may have got.

    `at_recipient` and `at_text` hold the reply to an address, or DROP or HANG; without one it is 250.
    """

    port: int = 0
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    at_recipient: dict[str, str] = field(default_factory=dict)
    at_text: dict[str, str] = field(default_factory=dict)
    sender_reply: str = "250 OK"
    sessions: int = 0
    seconds_per_mail: float = 0.0
    mails_per_session: int | None = None
    _mails_of: WeakKeyDictionary[Session, int] = field(default_factory=WeakKeyDictionary)

    @property
    def recipients(self) -> list[str]:
        return [address for address, _mail in self.taken]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.sessions += 1
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        self._mails_of[session] = self._mails_of.get(session, 0) + 1
        if self.mails_per_session and self._mails_of[session] > self.mails_per_session:
            return "421 4.7.0 Too many messages in this session"
        return self.sender_reply

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._answer(server, self.at_recipient.get(address, "250 OK"))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        address = envelope.rcpt_tos[0]
        reply = self.at_text.get(address, f"250 OK queued as {len(self.taken) + 1}")
        if not reply.startswith(("4", "5")):
            assert isinstance(envelope.content, bytes)
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            self.taken.append((address, mail))
        await asyncio.sleep(self.seconds_per_mail)
        return await self._answer(server, reply)

    async def _answer(self, server: SMTP, reply: str) -> str:
        if reply == HANG:
            await asyncio.sleep(3600)
        if reply == DROP:
            assert server.transport is not None
            server.transport.abort()
            raise asyncio.CancelledError
        return reply


@pytest.fixture
def mail_server(settings) -> Iterator[MailServer]:
    """Mails of this test go to it, over SMTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = MailServer(port=port)
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "loyalty_site.lib.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_TIMEOUT = 5
    yield server
    controller.stop()
