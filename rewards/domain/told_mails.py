"""Writing a mail in marketing's words, for a customer or for a preview."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.core.mail import EmailMultiAlternatives
from django.utils import translation

from customers.models import Customer
from loyalty_site.lib.texts import LocalizedText
from rewards.domain import coupon_mails, letters, wording
from rewards.domain.mail_texts import Text
from rewards.models import Coupon, Offer, Program


def compose(
    *,
    reference: str,
    customer: Customer,
    program: Program,
    text: Text,
    default: Text,
    coupon: Coupon | None = None,
    points: int | None = None,
) -> EmailMultiAlternatives:
    """In the customer's language; where `text` says nothing, `default` does."""
    language = customer.language
    with translation.override(language):
        values = {"first_name": wording.first_name(customer.name, language), "program": program.name}
        if coupon:
            values |= coupon_mails.values_of(coupon=coupon, program=program)
        if points is not None:
            values |= coupon_mails.values_of_points(points=points)
        told = _filled(text, default, language, values)
        return letters.letter(
            reference=reference,
            customer=customer,
            program=program,
            subject=told["subject"],
            template="told",
            context={**told, "url": coupon_mails.address(coupon=coupon)},
        )


def preview(
    *,
    text: Text,
    default: Text,
    language: str,
    program: Program,
    offer: Offer | None = None,
    points: int | None = None,
    at: datetime,
) -> str:
    """The HTML of such a mail, with a customer who is called Mei and a coupon that was never issued."""
    today = at.astimezone(ZoneInfo(program.timezone)).date()
    with translation.override(language):
        values = coupon_mails.examples(offer=offer, points=points, program=program, language=language, today=today)
        told = _filled(text, default, language, values)
        return letters.preview(template="told", context=told, program=program)


def check(*, text: Text, points: bool) -> None:
    """Raises PlaceholderUnknown, BraceAlone."""
    allowed = wording.OF_POINTS if points else wording.OF_COUPON
    wording.check(text.subject, allowed=allowed)
    wording.check(text.body, allowed=allowed)


def _filled(text: Text, default: Text, language: str, values: Mapping[str, str]) -> dict[str, str]:
    def in_words(own: LocalizedText, ours: LocalizedText) -> str:
        return wording.written(own, ours, language)

    return {
        **{name: values[name] for name in ("coupon_title", "code", "expires_on") if name in values},
        "subject": wording.fill_line(in_words(text.subject, default.subject), values),
        "body": wording.fill(in_words(text.body, default.body), values),
    }
