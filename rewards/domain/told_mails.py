"""Writing a mail in marketing's words, for a customer or for a preview."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.core.mail import EmailMultiAlternatives
from django.utils import translation
from django.utils.translation import gettext as _

from customers.domain.recommendations import lists
from customers.models import Customer
from loyalty_site.lib.texts import LocalizedText
from rewards.domain import coupon_mails, letters, wording
from rewards.domain.mail_texts import Text
from rewards.models import Coupon, Offer, Program

RECOMMENDED = 3
_BLOCK = re.compile(r"\n*\{recommendations\}")


def compose(
    *,
    reference: str,
    customer: Customer,
    program: Program,
    text: Text,
    default: Text,
    coupon: Coupon | None = None,
    points: int | None = None,
    at: datetime,
) -> EmailMultiAlternatives:
    """In the customer's language; where `text` says nothing, `default` does. What they may like is read only where the
    text names it."""
    language = customer.language
    with translation.override(language):
        values = {"first_name": wording.first_name(customer.name, language), "program": program.name}
        if coupon:
            values |= coupon_mails.values_of(coupon=coupon, program=program)
        if points is not None:
            values |= coupon_mails.values_of_points(points=points)
        if _BLOCK.search(wording.written(text.body, default.body, language)):
            values["recommendations"] = recommended(customer=customer, at=at)
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
) -> letters.Shown:
    """Such a mail, with a customer who is called Mei and a coupon that was never issued."""
    today = at.astimezone(ZoneInfo(program.timezone)).date()
    with translation.override(language):
        values = coupon_mails.examples(offer=offer, points=points, program=program, language=language, today=today)
        items = [(_("Green tea"), _("People who buy %(name)s often take this too.") % {"name": _("Honey")})]
        values["recommendations"] = _block([*items, (_("Honey"), _("Many customers take this."))])
        told = _filled(text, default, language, values)
        return letters.preview(subject=told["subject"], template="told", context=told, program=program)


def recommended(*, customer: Customer, at: datetime) -> str:
    """What the customer may like, in the active language, a line each; empty where there is nothing, or they switched
    recommendations off. One query."""
    items = lists.for_customer(customer=customer, limit=RECOMMENDED, at=at)
    return _block([(item.name, item.reason) for item in items])


def _block(items: Collection[tuple[str, str]]) -> str:
    lines = [_("%(product)s: %(reason)s") % {"product": name, "reason": reason} for name, reason in items]
    return "\n".join([_("You may also like:"), *lines]) if lines else ""


def check(*, text: Text, points: bool) -> None:
    """Raises PlaceholderUnknown, BraceAlone. A subject has no room for recommendations."""
    allowed = wording.OF_POINTS if points else wording.OF_COUPON
    wording.check(text.subject, allowed=[name for name in allowed if name != "recommendations"])
    wording.check(text.body, allowed=allowed)


def _filled(text: Text, default: Text, language: str, values: Mapping[str, str]) -> dict[str, str]:
    def in_words(own: LocalizedText, ours: LocalizedText) -> str:
        return wording.written(own, ours, language)

    body = in_words(text.body, default.body)
    if not values.get("recommendations"):
        body = _BLOCK.sub("", body)  # with the lines above it that would stay empty
    return {
        **{name: values[name] for name in ("coupon_title", "code", "expires_on") if name in values},
        "subject": wording.fill_line(in_words(text.subject, default.subject), values),
        "body": wording.fill(body, values),
    }
