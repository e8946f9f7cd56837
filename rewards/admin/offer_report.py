"""What came of an offer: in figures, week by week, by store; beside other offers; as files."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from loyalty_site.lib import spreadsheets
from loyalty_site.lib.admin import own_stores
from loyalty_site.lib.money import format_money
from loyalty_site.lib.numbers import grouped
from rewards.admin import offer_refusals
from rewards.domain import offer_reports
from rewards.domain.offer_reports import Report, StoreShare, Totals, Waited, Week
from rewards.models import Offer, OfferKind

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

COMPARED = 20
# The drawing is 660 wide; more weeks than these are in the table only.
WEEKS_DRAWN = 26
WIDTH, BOTTOM, TALLEST = 660, 170, 130
# What a week's name takes, on a phone, where letters are larger beside the drawing.
NAME = 160

FIGURES = ("issued", "holders", "used", "redeemed", "discount_minor", "baskets", "spend_minor", "rolled_back")
WEEKS = ("first", "redeemed", "discount_minor")
STORES = ("code", "name", "redeemed", "discount_minor", "baskets", "spend_minor")
RANGE = ("rate", "rate_low", "rate_high")


def page(model_admin: "ModelAdmin[Offer]", request: HttpRequest, offer: Offer) -> HttpResponse:
    """Staff who belong to stores see the lines of these."""
    found = offer_reports.report(offer=offer)
    own = own_stores(request)
    stores = [store for store in found.stores if not own or store.id in own]
    wanted = request.GET.get("csv")
    if wanted == "weeks":
        return _file(f"offer-{offer.pk}-weeks.csv", WEEKS, found.weeks)
    if wanted == "stores":
        return _file(f"offer-{offer.pk}-stores.csv", STORES, stores)
    if wanted == "refused":
        return offer_refusals.file(offer, own)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "original": offer,
        "title": _("Report: %s") % (offer or f"#{offer.pk}"),
        "found": found,
        "figures": _figures(found),
        "drawing": _drawing(found.weeks),
        "weeks": [(_day(week), week, format_money(week.discount_minor, offer.currency)) for week in found.weeks],
        "stores": _stores(stores, offer.currency),
        "refused": offer_refusals.section([one for one in found.refused if not own or one.id in own]),
    }
    return TemplateResponse(request, "admin/rewards/offer/report.html", context)


def comparison(model_admin: "ModelAdmin[Offer]", request: HttpRequest, offers: QuerySet[Offer]) -> HttpResponse:
    """All that were published, the newest first; the file has them all."""
    offers = offers.filter(published_at__isnull=False).order_by("-valid_from", "-pk")
    if "csv" in request.GET:
        return _compared_file(list(offers))
    shown = Paginator(offers, COMPARED).get_page(request.GET.get("page"))
    totals = offer_reports.compared(offers=list(shown))
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": _("Offers compared"),
        "shown": shown,
        "rows": [_row(offer, totals[offer.pk]) for offer in shown],
    }
    return TemplateResponse(request, "admin/rewards/offer/compare.html", context)


def _figures(found: Report) -> list[tuple[str, str, str]]:
    """Title, value and note of each."""
    totals, currency = found.totals, found.offer.currency
    figures = [
        (_("Coupons issued"), grouped(totals.issued), _("to %s customers") % grouped(totals.holders)),
        (pgettext("coupon", "Redeemed"), grouped(totals.redeemed), _("rolled back: %s") % grouped(totals.rolled_back)),
        (
            _("Coupons that were used"),
            _share(totals),
            _used(totals),
        ),
        (_given_by(found.offer), format_money(totals.discount_minor, currency), _each(totals, currency)),
        (
            _("Spent in these purchases"),
            format_money(totals.spend_minor, currency),
            _("paid for %s purchases") % grouped(totals.baskets),
        ),
    ]
    waited = found.waited
    if waited:
        figures.append((_("From issue to use"), _days(waited.median), _half(waited)))
    return figures


def _given_by(offer: Offer) -> str:
    return _("Cost of the gifts") if offer.kind == OfferKind.GIFT else _("Discount given")


def _share(totals: Totals) -> str:
    rate = totals.rate
    return "–" if rate is None else _("%s %%") % _percent(rate.estimate)


def _used(totals: Totals) -> str:
    if not totals.issued:
        return ""
    used = _("%(used)s of %(issued)s") % {"used": grouped(totals.used), "issued": grouped(totals.issued)}
    return pgettext("notes", "; ").join([used, _range(totals)])


def _range(totals: Totals) -> str:
    rate = totals.rate
    if rate is None:
        return "–"
    return _("95 %% interval %(low)s to %(high)s") % {"low": _percent(rate.low), "high": _percent(rate.high)}


def _percent(share: float) -> str:
    return str(number_format(round(share * 100, 1), decimal_pos=1))


def _each(totals: Totals, currency: str) -> str:
    if not totals.redeemed:
        return ""
    return _("%s each") % format_money(round(totals.discount_minor / totals.redeemed), currency)


def _days(waited: timedelta) -> str:
    return _("%s days") % number_format(round(waited / timedelta(days=1), 1), decimal_pos=1)


def _half(waited: Waited) -> str:
    values = {"lower": _days(waited.lower), "upper": _days(waited.upper)}
    return _("half of them between %(lower)s and %(upper)s") % values


def _drawing(weeks: Sequence[Week]) -> dict[str, Any] | None:
    """A bar a week, with every so many weeks named that the names do not meet."""
    drawn = weeks[-WEEKS_DRAWN:]
    if not drawn:
        return None
    most, slot = max(week.redeemed for week in drawn) or 1, min(WIDTH / len(drawn), 60)
    named = -(-NAME // int(slot))
    bars = []
    for number, week in enumerate(drawn):
        height = round(TALLEST * week.redeemed / most)
        x = round(number * slot)
        bars.append(
            {
                "x": x,
                "middle": x + round(slot * 0.4),
                "y": BOTTOM - height,
                "height": height,
                "count": week.redeemed if len(drawn) <= WEEKS_DRAWN // 2 else None,
                "count_y": BOTTOM - height - 6,
                "name": date_format(week.first, "MONTH_DAY_FORMAT") if _has_room(number, named, x) else "",
                "words": _("%(name)s: %(number)s") % {"name": _day(week), "number": grouped(week.redeemed)},
            }
        )
    return {"bars": bars, "width": max(2, round(slot * 0.8)), "is_part": len(drawn) < len(weeks)}


def _has_room(number: int, named: int, x: int) -> bool:
    return number % named == 0 and x + NAME <= WIDTH


def _day(week: Week) -> str:
    return date_format(week.first, "SHORT_DATE_FORMAT")


def _stores(stores: Sequence[StoreShare], currency: str) -> list[dict[str, Any]]:
    return [
        {
            "name": _("not in a purchase") if store.code is None else store.name or store.code,
            "redeemed": store.redeemed,
            "discount": format_money(store.discount_minor, currency),
            "baskets": store.baskets,
            "spend": format_money(store.spend_minor, currency),
        }
        for store in stores
    ]


def _row(offer: Offer, totals: Totals) -> dict[str, Any]:
    return {
        "offer": offer,
        "totals": totals,
        "share": _share(totals),
        "range": _range(totals),
        "discount": format_money(totals.discount_minor, offer.currency),
        "spend": format_money(totals.spend_minor, offer.currency),
    }


def _file(name: str, fields: Sequence[str], rows: Sequence[Any]) -> HttpResponse:
    lines = ([getattr(row, field) for field in fields] for row in rows)
    return spreadsheets.answer(name=name, headings=fields, lines=lines)


def _compared_file(offers: list[Offer]) -> HttpResponse:
    totals = offer_reports.compared(offers=offers)
    lines = []
    for offer in offers:
        found = totals[offer.pk]
        rate = found.rate
        shares = (rate.estimate, rate.low, rate.high) if rate else (None, None, None)
        rounded = [None if share is None else round(share, 4) for share in shares]
        lines.append([offer.pk, str(offer), offer.currency, *(getattr(found, name) for name in FIGURES), *rounded])
    return spreadsheets.answer(
        name="offers.csv", headings=["offer", "title", "currency", *FIGURES, *RANGE], lines=lines
    )
