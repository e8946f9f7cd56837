"""The mail that says which points lapse when, and the link in it that stops such mails."""

from urllib.parse import urlsplit

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.signing import BadSignature, Signer
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Customer
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.numbers import points as points_text
from rewards.models import PointsNotice, Program

_inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
_signer = Signer(salt="rewards.news", sep=".")


class NewsLinkUnknown(DomainError):
    code = "news_link_unknown"
    message = gettext_lazy("This link is not complete. Please open it from the mail again.")


def compose(*, notice: PointsNotice, program: Program) -> EmailMultiAlternatives:
    """In the customer's language, always the same Message-ID for a notice, one-click unsubscribing by RFC 8058."""
    customer = notice.customer
    unsubscribe_url = _link("portal:news-unsubscribe", token_for(customer))
    with translation.override(customer.language):
        points, day = points_text(notice.points or 0), date_format(notice.last_day, "DATE_FORMAT")
        context = {
            "program": program,
            "customer": customer,
            "points": points,
            "day": day,
            "url": _link("portal:rewards"),
            "unsubscribe_url": unsubscribe_url,
        }
        message = EmailMultiAlternatives(
            subject=_("Use %(points)s by %(day)s") % {"points": points, "day": day},
            body=render_to_string("emails/points_notice.txt", context),
            to=[customer.email],
            headers={
                "Message-ID": f"<points-notice-{notice.pk}@{urlsplit(settings.BASE_URL).hostname}>",
                "Auto-Submitted": "auto-generated",
                "List-Unsubscribe": f"<{unsubscribe_url}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )
        message.attach_alternative(_inliner.inline(render_to_string("emails/points_notice.html", context)), "text/html")
    return message


def token_for(customer: Customer) -> str:
    """For the address of the page that stops these mails: the customer's id, signed."""
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


def _link(name: str, *arguments: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=arguments)}"
