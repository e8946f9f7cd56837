"""How customers buy: who drifts away, what each may bring, the RFM map and who is behind its cells."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from customers.admin import rhythm_pictures
from customers.domain import customers, rfm, rhythm_words, rhythms
from customers.domain.rhythms import Map, Span, Tally
from customers.models import Forecast, RfmGroup, Rhythm
from loyalty_site.lib.admin import ChangeList, ReadOnlyAdmin, States, list_url, state_filter
from loyalty_site.lib.money import format_money
from loyalty_site.lib.numbers import grouped

PERMISSION = "customers.view_rhythm"
DRIFTING, STAYING_AWAY = "drifting", "staying_away"


def states(now: datetime) -> States:
    return {
        DRIFTING: (_("drifting away"), rhythms.drifting(timezone.localdate(now))),
        STAYING_AWAY: (_("likely to stay away for 28 days"), rhythms.staying_away()),
    }


def meanings() -> dict[str, tuple[str, str]]:
    """Of each group, where it is on the map, and who that is and what helps."""
    return {
        RfmGroup.CHAMPIONS: (_("R 5, FM 4–5"), _("Bought just now, often and a lot. Thank them and listen to them.")),
        RfmGroup.LOYAL: (_("R 3–4, FM 4–5"), _("Buy often and a lot. Show what is new before others see it.")),
        RfmGroup.POTENTIAL: (_("R 4–5, FM 2–3"), _("Bought lately, more than once. A reason to come back soon helps.")),
        RfmGroup.NEW: (_("R 5, FM 1"), _("Bought just now, for the first time or seldom. Make them welcome.")),
        RfmGroup.PROMISING: (_("R 4, FM 1"), _("Bought lately, little so far. Show more of what there is.")),
        RfmGroup.NEED_ATTENTION: (_("R 3, FM 3"), _("In the middle of everything. A good offer now keeps them.")),
        RfmGroup.ABOUT_TO_SLEEP: (_("R 3, FM 1–2"), _("Little, and some time ago. Remind them of what they like.")),
        RfmGroup.AT_RISK: (_("R 1–2, FM 3–4"), _("Used to buy often, but not lately. Ask what went wrong.")),
        RfmGroup.CANNOT_LOSE: (_("R 1–2, FM 5"), _("Were among the best, but not lately. Call or write in person.")),
        RfmGroup.HIBERNATING: (_("R 1–2, FM 1–2"), _("Seldom, and long ago. A small gift may wake some of them.")),
        RfmGroup.LOST: (
            _("no purchase in 365 days"),
            _("They have no scores. Mail to them costs more than it brings."),
        ),
    }


class CustomerLinks(ChangeList):
    """A row leads to the customer's own page, where their rhythm is too."""

    def url_for_result(self, result: Any) -> str:
        return reverse("admin:customers_customer_change", args=[result.pk])


@admin.register(Rhythm)
class RhythmAdmin(ReadOnlyAdmin):
    list_before_template = "admin/customers/rhythm/surprise.html"
    list_display = ("whose", "away", "stays_away", "ahead", "spent", "group")
    list_select_related = ("customer",)
    list_filter = (
        state_filter(name="is", label=gettext_lazy("rhythm"), states=states),
        ("customer__home_store", AutocompleteSelectFilter),
        "group",
        "recency",
        "volume",
    )
    search_fields = ("customer",)
    search_help_text = gettext_lazy("A customer's number, phone, e-mail or card")
    ordering = ("-last_on", "-customer")
    sortable_by = ()
    fields = (
        "whose",
        ("first_on", "last_on"),
        ("days", "year_days", "spent"),
        ("recency", "frequency", "monetary", "volume"),
        "group",
        "away",
        "stays_away",
        "ahead",
    )

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CustomerLinks

    def get_ordering(self, request: HttpRequest) -> Any:
        lost_soon = request.GET.get("is") in (DRIFTING, STAYING_AWAY)
        return rhythms.most_to_lose_first() if lost_soon else self.ordering

    def get_urls(self) -> list[Any]:
        return [path("map/", self.admin_site.admin_view(self.map_view), name="customers_rfm"), *super().get_urls()]

    def map_view(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("RFM map"),
            **_page(rhythms.rfm_map()),
        }
        return TemplateResponse(request, "admin/customers/rhythm/map.html", context)

    @admin.display(description=gettext_lazy("customer"))
    def whose(self, rhythm: Rhythm) -> str:
        return str(rhythm.customer)

    @admin.display(description=gettext_lazy("away"))
    def away(self, rhythm: Rhythm) -> str:
        return rhythm_pictures.away(rhythm, today=timezone.localdate())

    @admin.display(description=gettext_lazy("stays away for 28 days"))
    def stays_away(self, rhythm: Rhythm) -> str:
        return rhythm_words.staying_away(rhythm) or "–"

    @admin.display(description=gettext_lazy("may bring in the next 365 days"))
    def ahead(self, rhythm: Rhythm) -> str:
        return rhythm_pictures.ahead(rhythm) or "–"

    @admin.display(description=gettext_lazy("spent in a year"))
    def spent(self, rhythm: Rhythm) -> str:
        return format_money(rhythm.year_spend_minor, rhythm.currency)


def _page(found: Map | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "found": found,
        "columns": list(rfm.SCORES),
        "rows": [(volume, [_cell(found, volume, recency) for recency in rfm.SCORES]) for volume in rfm.GRID],
        "groups": [_group(found, RfmGroup(name)) for name in RfmGroup.values],
        "scores": _scores(found),
        "customers": list_url(Rhythm),
        "drifting": list_url(Rhythm, [("is", DRIFTING)]),
        "looked_back": _looked_back(),
    }


def _cell(found: Map, volume: int, recency: int) -> dict[str, Any]:
    group = RfmGroup(rfm.group(recency, volume))
    tally = found.cells.get((volume, recency), Tally())
    return {
        "group": group,
        "customers": tally.customers,
        "share": _share(tally.customers, found.everybody.customers),
        "url": list_url(Rhythm, [("volume__exact", volume), ("recency__exact", recency)]),
        "recency": recency,
        "volume": volume,
    }


def _group(found: Map, group: RfmGroup) -> dict[str, Any]:
    tally = found.groups.get(group, Tally())
    where, advice = meanings()[group]
    spend = found.everybody.spend
    return {
        "group": group,
        "where": where,
        "advice": advice,
        "customers": tally.customers,
        "share": _share(tally.customers, found.everybody.customers),
        # shares of money in several currencies cannot be added
        "spend": _share(sum(tally.spend.values()), sum(spend.values())) if len(spend) == 1 else "–",
        "url": list_url(Rhythm, [("group__exact", group.value)]),
    }


def _share(part: int, whole: int) -> str:
    return _("%(number)s %%") % {"number": number_format(round(100 * part / whole, 1), 1)} if whole else "–"


def _scores(found: Map) -> list[dict[str, Any]]:
    """What each score means now, the best first."""
    today = timezone.localdate()

    def since(span: Span | None) -> str:
        if span is None:
            return "–"
        least, most = ((today - day).days for day in (span.most, span.least))
        return ngettext("%(days)s day ago", "%(days)s days ago", max(most, 0)) % {"days": _range(least, most)}

    def often(span: Span | None) -> str:
        if span is None:
            return "–"
        return ngettext("%(days)s day", "%(days)s days", span.most) % {"days": _range(span.least, span.most)}

    def money(span: Span | None, currency: str) -> str:
        if span is None:
            return "–"
        ends = dict.fromkeys(format_money(amount, currency) for amount in span)
        return " – ".join(ends)

    return [
        {
            "score": score,
            "recency": since(found.recency.get(score)),
            "frequency": often(found.frequency.get(score)),
            "monetary": [money(spans.get(score), currency) for currency, spans in sorted(found.monetary.items())],
        }
        for score in reversed(rfm.SCORES)
    ]


def _range(least: int, most: int) -> str:
    least, most = max(least, 0), max(most, 0)
    return grouped(least) if least == most else f"{grouped(least)}–{grouped(most)}"


def _looked_back() -> str:
    """How well the last weeks would have been foretold, in a sentence; empty until that is known."""
    last = Forecast.objects.order_by("-made_at").first()
    if last is None or last.error is None or last.plain_error is None or last.bias is None or last.held is None:
        return ""
    bias = _("%(share)s %% too many in all") if last.bias >= 0 else _("%(share)s %% too few in all")
    off = _(
        "A look back: what would have been foretold %(weeks)s weeks ago is off by %(error)s visits a customer on "
        "average, %(bias)s. That everybody goes on as before would be off by %(plain)s."
    ) % {
        "weeks": last.weeks,
        "error": number_format(round(last.error, 1), 1),
        "plain": number_format(round(last.plain_error, 1), 1),
        "bias": bias % {"share": _percent(abs(last.bias), 1)},
    }
    chosen = _(
        "The model counts %(model)s %%, the recent visits %(recent)s %%: so it was off by least. In their range were "
        "%(held)s %%."
    ) % {
        "model": _percent(last.model_weight),
        "recent": _percent(1 - last.model_weight),
        "held": _percent(last.held),
    }
    return f"{off} {chosen}"


def _percent(share: float, digits: int = 0) -> str:
    return number_format(round(share * 100, digits), digits)
