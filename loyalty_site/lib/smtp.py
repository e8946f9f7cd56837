"""Django's SMTP backend, made to tell what a caller must know before it may try a mail again."""

import smtplib
from typing import Any

from django.core.mail.backends import smtp


class NothingHandedOver(smtplib.SMTPServerDisconnected):
    """The connection was lost before the server had asked for the mail's text: it has not got the mail.

    A plain SMTPServerDisconnected may have come after the text was sent: then nobody can know (RFC 1047).
    """


class _Connection(smtplib.SMTP):
    last_reply = ""
    _text_begun = False

    def sendmail(self, *args: Any, **kwargs: Any) -> Any:
        self._text_begun = False
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

    @property
    def connection_class(self) -> type[_Connection]:
        return _TlsConnection if self.use_ssl else _Connection

    @property
    def last_reply(self) -> str:
        return self.connection.last_reply if self.connection else ""
