"""The mail that asks a customer to answer."""

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from customers.models import Customer
from loyalty_site.lib import message_ids
from loyalty_site.lib.texts import localized
from rewards.domain import letters
from rewards.models import Program
from surveys.domain import responses, scales, scoring
from surveys.models import Delivery, Survey

_inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


def compose(*, delivery: Delivery, program: Program) -> EmailMultiAlternatives:
    """In the customer's language, always the same Message-ID for a delivery, one-click unsubscribing by RFC 8058."""
    token = responses.token_for(delivery)
    unsubscribe_url = _link("survey-unsubscribe", token)
    message = letter(
        survey=delivery.campaign.survey,
        customer=delivery.customer,
        program=program,
        url=_link("survey", token),
        unsubscribe_url=unsubscribe_url,
        trap_url=_link("survey-trap", token),
        is_reminder=delivery.touch > 1,
    )
    reference = f"survey-delivery-{delivery.pk}"
    if sender := message_ids.envelope_sender(reference=reference, address=delivery.customer.email):
        message.from_email = sender
    message.reply_to = letters.answers_to(program)
    message.extra_headers |= {
        "From": letters.sender(program),
        "Message-ID": message_ids.message_id(reference=reference, address=delivery.customer.email),
        "List-Id": message_ids.list_id("surveys"),
        "List-Unsubscribe": f"<{unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return message


def letter(
    *,
    survey: Survey,
    customer: Customer,
    program: Program,
    url: str,
    unsubscribe_url: str,
    trap_url: str = "",
    is_reminder: bool = False,
) -> EmailMultiAlternatives:
    """What stands in the mail, whatever its links lead to. Only programs see the link to `trap_url`."""
    with translation.override(customer.language):
        context = {
            "program": program,
            "customer": customer,
            "survey": survey,
            "unsubscribe_url": unsubscribe_url,
            "trap_url": trap_url,
            "is_reminder": is_reminder,
            **_question(survey, url),
        }
        title = " ".join(localized(survey.title).split())
        message = EmailMultiAlternatives(
            subject=gettext("Reminder: %(title)s") % {"title": title} if is_reminder else title,
            body=render_to_string("emails/survey_invitation.txt", context),
            to=[customer.email],
            headers={"Auto-Submitted": "auto-generated"},
        )
        message.attach_alternative(
            _inliner.inline(render_to_string("emails/survey_invitation.html", context)), "text/html"
        )
    return message


def _question(survey: Survey, url: str) -> dict[str, object]:
    """A scale that begins the survey stands in the mail, one link a score; the page asks again before it counts."""
    first = min(survey.questions.all(), key=lambda question: question.position, default=None)
    scale = scoring.SCALES.get(first.kind) if first else None
    # A score in an address would stand in logs beside the token, and tell what an anonymous answer was.
    if first is None or scale is None or survey.is_anonymous:
        return {"url": url}
    low, high = scales.ends(first.kind)
    return {
        "url": url,
        "question": first,
        "scores": [(score, f"{url}?score={score}") for score in scale.scores],
        "low": f"{scale.scores[0]} = {low}",
        "high": f"{scale.scores[-1]} = {high}",
    }


def _link(name: str, token: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=[token])}"
