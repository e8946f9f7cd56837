"""The built-in outbox: where mails go when no mail server is named."""

from collections.abc import Sequence

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
                html=str(html),
                headers={name: str(value) for name, value in message.message().items()},
            )
        return len(email_messages)
