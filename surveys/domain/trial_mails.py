"""The mail of a survey, sent to whoever writes the survey before any customer gets it."""

from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, User
from loyalty_site.lib import mail_replies
from loyalty_site.lib.errors import DomainError
from rewards.domain import wording
from rewards.domain.mail_texts import Text
from rewards.models import Program
from surveys.domain import invitations
from surveys.models import Survey


class MailNotTaken(DomainError):
    code = "mail_not_taken"
    message = _("The mail server did not take the mail: %(reply)s")


def send(
    *, survey: Survey, text: Text = invitations.OWN_WORDS, to: User, language: str, url: str, mailer: BaseEmailBackend
) -> None:
    """To the account's own address, as a customer of that name would get it; all links lead to `url`. `text` is what a
    campaign says instead.

    Nothing is kept: it is no delivery and counts nowhere. Raises MailNotTaken.
    """
    reader = Customer(name=to.get_full_name(), email=to.email, language=language)
    program = Program.objects.current()
    message = invitations.letter(
        survey=survey, text=text, customer=reader, program=program, url=url, unsubscribe_url=url
    )
    message.subject, message.connection = wording.line(str(message.subject)), mailer
    try:
        message.send()
    except OSError as error:  # what SMTP says is one too
        raise MailNotTaken(reply=mail_replies.in_words(error)) from error
