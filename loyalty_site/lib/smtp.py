"""Django's SMTP backend, made to tell what a caller must know before it may try a mail again."""

import smtplib
from contextlib import suppress
from time import monotonic
from typing import Any

from django.core.mail.backends import smtp

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
            return super().sendmail(*args, **kwargs)
        except smtplib.SMTPServerDisconnected as error:
            if self._text_begun:
                raise
            raise NothingHandedOver(*error.args) from error

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

    @property
    def connection_class(self) -> type[_Connection]:
        return _TlsConnection if self.use_ssl else _Connection

    @property
    def last_reply(self) -> str:
        return self.connection.last_reply if self.connection else ""
