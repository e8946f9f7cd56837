"""The mail that asks a customer to answer."""

from collections.abc import Mapping

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from customers.models import Customer
from loyalty_site.lib import message_ids
from loyalty_site.lib.texts import LocalizedText, localized
from rewards.domain import letters, wording
from rewards.domain.mail_texts import Text
from rewards.models import Program
from surveys.domain import responses, scales, scoring
from surveys.models import Delivery, Survey

# Of a mail that says what its survey does.
OWN_WORDS = Text({}, {})


def compose(*, delivery: Delivery, program: Program) -> EmailMultiAlternatives:
    """In the customer's language, always the same Message-ID for a delivery, one-click unsubscribing by RFC 8058."""
    token = responses.token_for(delivery)
    unsubscribe_url = _link("survey-unsubscribe", token)
    campaign = delivery.campaign
    message = letter(
        survey=campaign.survey,
        customer=delivery.customer,
        program=program,
        text=Text(campaign.subject, campaign.introduction),
        url=_link("survey", token),
        unsubscribe_url=unsubscribe_url,
        preferences_url=letters.link("portal:mail-preferences", letters.token_for(delivery.customer)),
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
    text: Text = OWN_WORDS,
    url: str,
    unsubscribe_url: str,
    preferences_url: str = "",
    trap_url: str = "",
    is_reminder: bool = False,
) -> EmailMultiAlternatives:
    """What stands in the mail, whatever its links lead to. Only programs see the link to `trap_url`."""
    with translation.override(customer.language):
        subject, told = _told(survey, customer, program, text, url)
        message = EmailMultiAlternatives(
            subject=gettext("Reminder: %(title)s") % {"title": subject} if is_reminder else subject,
            to=[customer.email],
            headers={"Auto-Submitted": "auto-generated"},
        )
        links = {"unsubscribe_url": unsubscribe_url, "preferences_url": preferences_url, "trap_url": trap_url}
        context = {**told, **links, "is_reminder": is_reminder}
        letters.write(message, template="survey_invitation", context=context, program=program)
    return message


def preview(*, survey: Survey, program: Program, text: Text, language: str) -> str:
    """The HTML of the mail, for a customer who is called Mei."""
    with translation.override(language):
        mei = Customer(name=wording.example_name(language), language=language)
        _subject, told = _told(survey, mei, program, text, "#")
        return letters.preview(template="survey_invitation", context=told, program=program)


def _told(survey: Survey, customer: Customer, program: Program, text: Text, url: str) -> tuple[str, dict[str, object]]:
    """The subject, and what the page tells, in the active language."""
    language = customer.language
    values = {
        "first_name": wording.first_name(customer.name, language),
        "program": program.name,
        "title": localized(survey.title),
    }
    return wording.line(_in_words(text.subject, survey.title, language, values)), {
        "customer": customer,
        "survey": survey,
        "introduction": _in_words(text.body, survey.introduction, language, values),
        **_question(survey, url),
    }


def _in_words(own: LocalizedText, default: LocalizedText, language: str, values: Mapping[str, str]) -> str:
    """What the campaign says, with what it names; else what the survey says, as it stands there."""
    said = wording.written(own, default, language)
    return wording.fill(said, values) if said in own.values() else said


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
