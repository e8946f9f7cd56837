"""The built-in outbox: where mails go when no mail server is named."""

from collections.abc import Sequence
from email.mime.base import MIMEBase

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from customers.models import OutboxMail


class OutboxBackend(BaseEmailBackend):
    """Keeps each mail as a row that the admin shows rendered."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            html = next(
                (part.content for part in getattr(message, "alternatives", []) if part.mimetype == "text/html"), ""
            )
            OutboxMail.objects.create(
                to=", ".join(message.recipients())[:1000],
                subject=str(message.subject)[:500],
                text=str(message.body),
                html=_with_pictures(str(html), message),
                headers={name: str(value) for name, value in message.message().items()},
            )
        return len(email_messages)


def _with_pictures(html: str, message: EmailMessage) -> str:
    """The page with the pictures that the mail carries, which it names by `cid:`, in their own addresses."""
    for part in message.attachments:
        if isinstance(part, MIMEBase) and (content_id := part["Content-ID"]):
            content = "".join(str(part.get_payload()).split())
            html = html.replace(f"cid:{content_id.strip('<>')}", f"data:{part.get_content_type()};base64,{content}")
    return html
