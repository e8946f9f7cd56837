"""How points, money, QR codes and icons look on pages and in mails."""

from datetime import date, datetime, timedelta

import segno
from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from loyalty_site.lib import money as money_lib
from loyalty_site.lib import texts
from loyalty_site.lib.numbers import grouped, points, signed
from rewards.domain import surprises, tiers
from rewards.models import Program, SurpriseRule

register = template.Library()

SPRITE = "vendor/bootstrap-icons-1.13.2/sprite.svg"


register.filter(grouped)
register.filter(points)
register.filter(signed)


@register.filter
def minus(number: int, other: int) -> int:
    return number - other


@register.filter
def money(amount_minor: int, currency: str) -> str:
    """`{{ 1250|money:"CNY" }}` → `¥12.50`."""
    return money_lib.format_money(amount_minor, currency)


@register.filter
def tier_amount(number: int, program: Program) -> str:
    """What counts for tiers: `391 points` or `¥391.00`, as the programme has it."""
    return tiers.amount(number, basis=program.tier_basis, currency=program.currency)


@register.filter
def masked(phone: object, email: str = "") -> str:
    """Enough to tell two customers of one name apart, and no more: `•••• 0123`, else `m•••@example.org`."""
    if phone:
        return f"•••• {str(phone)[-4:]}"
    return f"{email[:1]}•••{email[email.index('@') :]}" if "@" in email else ""


@register.filter
def localized(text: texts.LocalizedText) -> str:
    """A text that staff wrote in several languages, in the reader's."""
    return texts.localized(text)


@register.filter
def surprise_title(rule: SurpriseRule) -> str:
    return surprises.title_of(rule)


@register.filter
def surprise_message(rule: SurpriseRule) -> str:
    return surprises.message_of(rule)


@register.filter
def last_day(ends_at: datetime) -> date:
    """The last day on which something is good that ends at `ends_at` (excluded): midnight belongs to the day before."""
    return timezone.localdate(ends_at - timedelta(microseconds=1))


@register.filter
def days_left(ends_at: datetime) -> int:
    """Until the last day: 0 on that day."""
    return (last_day(ends_at) - timezone.localdate()).days


@register.simple_tag
def qr(text: str, title: str = "") -> SafeString:
    """An inline SVG that fills its box. Dark on white with the full quiet zone, whatever the page's colors are.

    `title` is what a screen reader says instead; without one the code is hidden from it, so write the text beside.
    """
    code = segno.make(text, micro=False, error="m").svg_inline(dark="#000", light="#fff", border=4, omitsize=True)
    svg = mark_safe(code)  # noqa: S308 - segno's own drawing: the text is in it as modules only
    if not title:
        return format_html('<span class="qr" aria-hidden="true">{}</span>', svg)
    return format_html('<span class="qr" role="img" aria-label="{}">{}</span>', title, svg)


@register.simple_tag
def icon(name: str) -> SafeString:
    """One icon of the sprite, beside a text: screen readers skip it."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>', static(SPRITE), name
    )


@register.simple_tag
def current_program() -> Program:
    """For mails of apps that stand below the one that knows the programme."""
    return Program.objects.current()
