"""Earning rules, and what became of them in an award, in words of the active language."""

from collections.abc import Iterable
from decimal import Decimal

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from loyalty_site.lib import numbers
from loyalty_site.lib.money import format_money
from loyalty_site.lib.texts import LocalizedText, localized
from rewards.domain.breakdowns import Breakdown, CapNote, CouponNote, MultiplierNote, WindowNote
from rewards.models import CapPeriod, EarningKind, EarningRule, Weekday

_ALWAYS: WindowNote = {"weekdays": []}


def of_breakdown(breakdown: Breakdown) -> list[str]:
    """How the points of an award came about, a sentence each: the rate, the rules, what was left out, the rounding."""
    currency = breakdown["currency"]
    rate = breakdown["rate"]
    sentences = [_rate(rate["points"], rate["per_minor"], currency)]
    sentences += [_multiplied(note, currency) for note in breakdown["multipliers"]]
    sentences += [_raised(note, currency) for note in breakdown.get("coupons", ())]
    gift_card, tax = breakdown.get("gift_card_minor", 0), breakdown.get("tax_minor", 0)
    if by_points := breakdown["net_minor"] - breakdown["paid_minor"] - gift_card:
        paid = format_money(by_points, currency)
        sentences.append(_("%(amount)s was paid with points and earns none.") % {"amount": paid})
    if gift_card:
        paid = format_money(gift_card, currency)
        sentences.append(_("%(amount)s was paid with gift cards and earns none.") % {"amount": paid})
    if tax:
        sentences.append(_("%(amount)s of tax earns none.") % {"amount": format_money(tax, currency)})
    rest = Decimal(breakdown["rounded_down"])
    if rest:
        sentences.append(_("The rest of %(rest)s points was rounded down.") % {"rest": decimal(rest)})
    return sentences + [_cut(note) for note in breakdown.get("caps", ())]


def of_rule(rule: EarningRule, currency: str) -> str:
    """What a rule does, in one sentence: for staff who are about to put it in force, and for its page."""
    if rule.kind == EarningKind.BASE:
        return _rate(rule.points or 0, rule.per_minor or 0, currency)
    if rule.kind == EarningKind.CAP:
        return _("A customer earns %(limit)s.") % {"limit": _limit(rule.cap_period, rule.points or 0)}
    goods = [str(one) for one in (rule.category, rule.product) if one]
    values = {
        "goods": joined(goods) if goods else _("Everything"),
        "times": decimal(rule.multiplier or Decimal(0)),
        "when": joined(_conditions_of(rule)),
    }
    if not rule.multiplier:
        return (
            _("%(goods)s earns no points (%(when)s).") if values["when"] else _("%(goods)s earns no points.")
        ) % values
    if values["when"]:
        return _("%(goods)s counts %(times)s times (%(when)s).") % values
    return _("%(goods)s counts %(times)s times.") % values


def _rate(points: int, per_minor: int, currency: str) -> str:
    amount = format_money(per_minor, currency)
    return _("%(points)s for every %(amount)s.") % {"points": numbers.points(points), "amount": amount}


def _multiplied(note: MultiplierNote, currency: str) -> str:
    window = note.get("window", _ALWAYS)
    conditions = _conditions(note.get("tier"), window["weekdays"], window.get("start"), window.get("end"))
    name = {"rule": note["name"], "when": joined(conditions)}
    values = {
        "rule": _("%(rule)s (%(when)s)") % name if conditions else note["name"],
        "amount": format_money(note["net_minor"], currency),
        "times": decimal(Decimal(note["multiplier"])),
    }
    if note["multiplier"] == "0":
        return _("%(rule)s: %(amount)s earns no points.") % values
    return _("%(rule)s: %(amount)s counts %(times)s times.") % values


def _raised(note: CouponNote, currency: str) -> str:
    return _("%(offer)s (coupon %(coupon)s): what %(amount)s earns counts %(times)s times.") % {
        "offer": localized(note["title"]),
        "coupon": note["coupon"],
        "amount": format_money(note["net_minor"], currency),
        "times": decimal(Decimal(note["multiplier"])),
    }


def _cut(note: CapNote) -> str:
    values = {
        "rule": note["name"],
        "limit": _limit(note["period"], note["limit"]),
        "before": numbers.points(note["before"]),
        "cut": numbers.points(note["cut"]),
    }
    if note["before"]:
        return _("%(rule)s: %(limit)s, %(before)s were earned before; %(cut)s not given.") % values
    return _("%(rule)s: %(limit)s; %(cut)s not given.") % values


def _limit(period: str, points: int) -> str:
    words = {
        CapPeriod.PURCHASE: _("at most %(points)s for a purchase"),
        CapPeriod.DAY: _("at most %(points)s a day"),
        CapPeriod.WEEK: _("at most %(points)s a week"),
        CapPeriod.MONTH: _("at most %(points)s a month"),
        CapPeriod.YEAR: _("at most %(points)s a year"),
    }
    return words[CapPeriod(period)] % {"points": numbers.points(points)}


def _conditions_of(rule: EarningRule) -> list[str]:
    at_store = [_("at %(store)s") % {"store": rule.store}] if rule.store else []
    start, end = (f"{one:%H:%M}" if one else None for one in (rule.time_from, rule.time_to))
    return at_store + _conditions(rule.tier.name if rule.tier else None, rule.weekdays, start, end)


def _conditions(tier: LocalizedText | None, weekdays: Iterable[int], start: str | None, end: str | None) -> list[str]:
    found = [_("as %(tier)s") % {"tier": localized(tier)}] if tier else []
    return found + days_and_hours(weekdays, start, end)


def days_and_hours(weekdays: Iterable[int], start: str | None, end: str | None) -> list[str]:
    """Weekdays (ISO numbers), then the hours, each as far as it is bounded."""
    days = [str(Weekday(day).label) for day in sorted(weekdays)]
    return ([joined(days)] if days else []) + ([f"{start}–{end}"] if start and end else [])


def joined(words: Iterable[str]) -> str:
    return pgettext("list", ", ").join(words)


def decimal(number: Decimal) -> str:
    return str(formats.number_format(number.normalize(), use_l10n=True))
