"""What every mail of the programme has: the customer's language, a name of its own, and the way to stop such mails."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formataddr, parseaddr

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.signing import BadSignature, Signer
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy

from customers.models import Customer
from loyalty_site.lib import message_ids
from loyalty_site.lib.errors import DomainError
from rewards.domain import logos
from rewards.models import Program

_inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
_signer = Signer(salt="rewards.news", sep=".")


class NewsLinkUnknown(DomainError):
    code = "news_link_unknown"
    message = gettext_lazy("This link is not complete. Please open it from the mail again.")


@dataclass(frozen=True, slots=True)
class Shown:
    """A mail for a page of the back office: what lists of mail programs show of it, and its HTML."""

    sender: str
    subject: str
    page: str


def letter(
    *,
    reference: str,
    customer: Customer,
    program: Program,
    subject: str,
    template: str,
    context: Mapping[str, object],
) -> EmailMultiAlternatives:
    """In the active language. `reference` (`points-notice-17`) makes the Message-ID, always the same one; one-click
    unsubscribing by RFC 8058. `template` names a text and an HTML file in templates/emails. Where bounces have an
    address, the envelope has that one.
    """
    token = token_for(customer)
    unsubscribe_url = link("portal:news-unsubscribe", token)
    links = {"unsubscribe_url": unsubscribe_url, "preferences_url": link("portal:mail-preferences", token)}
    filled = {"customer": customer, **links, **context}
    message = EmailMultiAlternatives(
        subject=subject,
        to=[customer.email],
        reply_to=answers_to(program),
        from_email=message_ids.envelope_sender(reference=reference, address=customer.email) or None,
        headers={
            "From": sender(program),
            "Message-ID": message_ids.message_id(reference=reference, address=customer.email),
            "Auto-Submitted": "auto-generated",
            "List-Id": message_ids.list_id("news"),
            "List-Unsubscribe": f"<{unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    write(message, template=template, context=filled, program=program)
    return message


def write(message: EmailMultiAlternatives, *, template: str, context: Mapping[str, object], program: Program) -> None:
    """Gives the message its text, its page and the programme's logo, in the active language."""
    logo = logos.of(program)
    filled = {**context, "program": program, "logo": logo}
    message.body = render_to_string(f"emails/{template}.txt", filled)
    message.attach_alternative(html(template=template, context=filled), "text/html")
    logos.attach(message, logo)


def sender(program: Program) -> str:
    """The address that is set up, under the programme's name for it."""
    return formataddr(_name_and_address(program))


def _name_and_address(program: Program) -> tuple[str, str]:
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return " ".join(program.sender_name.split()) or name, address


def answers_to(program: Program) -> list[str]:
    """Where answers go, unless it is the sender."""
    return [program.reply_to] if program.reply_to else []


def preview(*, subject: str, template: str, context: Mapping[str, object], program: Program) -> Shown:
    """Its links lead nowhere."""
    nowhere = dict.fromkeys(("url", "unsubscribe_url", "preferences_url"), "#")
    shown = {**nowhere, **context, "program": program, "logo": logos.shown(program)}
    name, address = _name_and_address(program)
    return Shown(f"{name} <{address}>".strip(), subject, html(template=template, context=shown))


def html(*, template: str, context: Mapping[str, object]) -> str:
    """As mail programs show it: the styles are in the tags."""
    return _inliner.inline(render_to_string(f"emails/{template}.html", dict(context)))


def token_for(customer: Customer) -> str:
    """For the addresses of the pages that stop these mails and choose among all: the customer's id, signed."""
    return _signer.sign(str(customer.pk))


def read_token(token: str) -> Customer:
    """Raises NewsLinkUnknown."""
    try:
        customer = Customer.objects.filter(pk=int(_signer.unsign(token))).first()
    except BadSignature as error:
        raise NewsLinkUnknown from error
    if customer is None:
        raise NewsLinkUnknown
    return customer


def link(name: str, *arguments: object) -> str:
    """The whole address of one of our pages."""
    return f"{settings.BASE_URL}{reverse(name, args=arguments)}"
