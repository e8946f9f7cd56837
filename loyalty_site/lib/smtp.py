"""Django's SMTP backend, made to tell what a caller must know before it may try a mail again."""

import smtplib
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from loyalty_site.lib import mail_bytes

# Servers and the balancers before them end connections that carry on for long, or are silent for long.
MAILS_PER_CONNECTION = 100
IDLE_SECONDS = 10


class NothingHandedOver(smtplib.SMTPServerDisconnected):
    """The connection was lost before the server had asked for the mail's text: it has not got the mail.

    A plain SMTPServerDisconnected may have come after the text was sent: then nobody can know (RFC 1047).
    """


class _Connection(smtplib.SMTP):
    last_reply = ""
    mails = 0
    used_at = 0.0
    _text_begun = False
    # Verbs that were sent already, whose answers are still to be read.
    _ahead: tuple[str, ...] = ()

    @property
    def is_fresh(self) -> bool:
        """Good for one more mail: it has not had its share, and after a silence the server is still there."""
        if self.mails >= MAILS_PER_CONNECTION:
            return False
        if monotonic() - self.used_at < IDLE_SECONDS:
            return True
        try:
            return self.noop()[0] == 250
        except OSError:  # smtplib's errors are such
            return False

    def sendmail(self, *args: Any, **kwargs: Any) -> Any:
        self._text_begun = False
        self.mails += 1
        self.used_at = monotonic()
        try:
            self.ehlo_or_helo_if_needed()
            if self.has_extn("pipelining"):
                self._send_ahead(*args)
            return super().sendmail(*args, **kwargs)
        except smtplib.SMTPServerDisconnected as error:
            if self._text_begun:
                raise
            raise NothingHandedOver(*error.args) from error

    def _send_ahead(self, sender: str, recipients: Sequence[str], text: bytes) -> None:
        """Sender, recipients and the wish to send a text in one go, as the server allows (RFC 2920): one way there and
        back instead of three."""
        size = f" size={len(text)}" if self.has_extn("size") else ""
        named = [f"rcpt TO:{smtplib.quoteaddr(recipient)}" for recipient in recipients]
        commands = [f"mail FROM:{smtplib.quoteaddr(sender)}{size}", *named, "data"]
        if any("\r" in command or "\n" in command for command in commands):
            raise ValueError("an address of several lines")
        self.send("".join(f"{command}\r\n" for command in commands))
        self._ahead = ("mail", *("rcpt" for _ in named), "data")

    def putcmd(self, cmd: str, args: str = "") -> None:
        if self._ahead and cmd == self._ahead[0]:
            self._ahead = self._ahead[1:]
            return
        for verb in self._ahead:  # it was refused before its end
            code, _text = self.getreply()
            if verb == "data" and code == 354:
                self.send(b".\r\n")
                self.getreply()
        self._ahead = ()
        super().putcmd(cmd, args)

    def close(self) -> None:
        self._ahead = ()
        super().close()

    def data(self, msg: Any) -> tuple[int, bytes]:
        self._text_begun = True
        code, text = super().data(msg)
        self.last_reply = f"{code} {text.decode(errors='replace')}"
        return code, text


class _TlsConnection(_Connection, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    """Raises NothingHandedOver where it applies; `last_reply` is what the server said when it took the last mail."""

    connection: _Connection | None

    def open(self) -> bool | None:
        """As Django's; one that has had its share of mails, or that the server has left, is renewed."""
        if self.connection and not self.connection.is_fresh:
            with suppress(OSError):
                self.close()
        opened = super().open()
        if opened and self.connection:
            self.connection.used_at = monotonic()
        return opened

    def _send(self, message: EmailMessage) -> bool:
        """As Django's, which takes far longer over the mail's text."""
        if recipients := [mail_bytes.address(one) for one in message.recipients()]:
            assert self.connection is not None
            sender = mail_bytes.address(message.from_email)
            self.connection.sendmail(sender, recipients, mail_bytes.of(message))
        return bool(recipients)

    @property
    def connection_class(self) -> type[_Connection]:
        return _TlsConnection if self.use_ssl else _Connection

    @property
    def last_reply(self) -> str:
        return self.connection.last_reply if self.connection else ""
