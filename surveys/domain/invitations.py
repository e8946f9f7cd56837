"""The mail that asks a customer to answer."""

from collections.abc import Mapping
from copy import copy
from functools import cache
from secrets import randbelow, token_hex

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
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

# Whom a mail is written to in place of all who get it alike: no text holds them by chance.
_SOMEBODY = 10**17 + randbelow(10**17)
_FIRST_NAME = token_hex(8)
_NAME = f"{_FIRST_NAME} {token_hex(8)}"

Alike = dict[object, EmailMultiAlternatives]


def compose(*, delivery: Delivery, program: Program, alike: Alike | None = None) -> EmailMultiAlternatives:
    """In the customer's language, always the same Message-ID for a delivery, one-click unsubscribing by RFC 8058.

    `alike` keeps what others get too, of which only names and links differ: to write it takes most of a mail's time. It
    is good as long as campaigns and `program` stay as they were read.
    """
    customer, alike = delivery.customer, {} if alike is None else alike
    name = _NAME if customer.name.split() else customer.name
    key = (delivery.campaign_id, delivery.touch > 1, name, customer.language)
    if key not in alike:
        somebody = Customer(pk=_SOMEBODY, name=name, language=customer.language)
        likewise = Delivery(pk=_SOMEBODY, campaign=delivery.campaign, customer=somebody, touch=delivery.touch)
        alike[key] = _letter_of(likewise, program)
    message = _filled(alike[key], _words(delivery))
    message.to = [customer.email]
    reference = f"survey-delivery-{delivery.pk}"
    if sender := message_ids.envelope_sender(reference=reference, address=customer.email):
        message.from_email = sender
    message.reply_to = letters.answers_to(program)
    message.extra_headers = message.extra_headers | {
        "From": letters.sender(program),
        "Message-ID": message_ids.message_id(reference=reference, address=customer.email),
        "List-Id": message_ids.list_id("surveys"),
        "List-Unsubscribe": f"<{_link('survey-unsubscribe', responses.token_for(delivery))}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return message


def _letter_of(delivery: Delivery, program: Program) -> EmailMultiAlternatives:
    token = responses.token_for(delivery)
    campaign = delivery.campaign
    return letter(
        survey=campaign.survey,
        customer=delivery.customer,
        program=program,
        text=Text(campaign.subject, campaign.introduction),
        url=_link("survey", token),
        unsubscribe_url=_link("survey-unsubscribe", token),
        preferences_url=letters.link("portal:mail-preferences", letters.token_for(delivery.customer)),
        trap_url=_link("survey-trap", token),
        is_reminder=delivery.touch > 1,
    )


def _words(delivery: Delivery) -> dict[str, str]:
    """What stands in a letter to somebody, and what it is in this delivery's; whole names first: they hold others."""
    customer, (of_survey, of_customer) = delivery.customer, _tokens_of_somebody()
    return {
        of_survey: responses.token_for(delivery),
        of_customer: letters.token_for(customer),
        _NAME: customer.name,
        _FIRST_NAME: wording.first_name(customer.name, customer.language),
    }


@cache
def _tokens_of_somebody() -> tuple[str, str]:
    return responses.token_for(Delivery(pk=_SOMEBODY)), letters.token_for(Customer(pk=_SOMEBODY))


def _filled(pattern: EmailMultiAlternatives, words: Mapping[str, str]) -> EmailMultiAlternatives:
    """The letter to somebody, to whom the words belong."""
    message = copy(pattern)
    [(page, mimetype)] = pattern.alternatives
    shown = {stand_in: escape(word) for stand_in, word in words.items()}
    message.subject = wording.line(_replaced(str(pattern.subject), words))
    message.body = _replaced(str(pattern.body), words)
    message.alternatives = []
    message.attach_alternative(_replaced(str(page), shown), mimetype)
    return message


def _replaced(text: str, words: Mapping[str, str]) -> str:
    for stand_in, word in words.items():
        text = text.replace(stand_in, word)
    return text


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
    """What stands in the mail, whatever its links lead to, with the whole subject, which may have to be a `line` yet.
    Only programs see the link to `trap_url`."""
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


def preview(*, survey: Survey, program: Program, text: Text, language: str) -> letters.Shown:
    """The mail, for a customer who is called Mei."""
    with translation.override(language):
        mei = Customer(name=wording.example_name(language), language=language)
        subject, told = _told(survey, mei, program, text, "#")
        return letters.preview(subject=subject, template="survey_invitation", context=told, program=program)


def _told(survey: Survey, customer: Customer, program: Program, text: Text, url: str) -> tuple[str, dict[str, object]]:
    """The subject, and what the page tells, in the active language."""
    language = customer.language
    values = {
        "first_name": wording.first_name(customer.name, language),
        "program": program.name,
        "title": localized(survey.title),
    }
    return _in_words(text.subject, survey.title, language, values), {
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
