"""What the programme owes in points: how it moved month by month, what it is worth, and a file for the accountant."""

import csv
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from loyalty_site.lib.money import format_money
from loyalty_site.lib.numbers import grouped
from rewards.domain import liability
from rewards.domain.liability import Liability, Movement

MONTHS_SHOWN = 12
YEARS_MAX = 10
PERMISSION = "rewards.view_pointslot"  # who sees the lots sees what they sum to


class PeriodForm(forms.Form):
    first = forms.DateField(label=gettext_lazy("from"), widget=forms.DateInput({"type": "date", "class": "bo-input"}))
    last = forms.DateField(label=gettext_lazy("until"), widget=forms.DateInput({"type": "date", "class": "bo-input"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Browsers write dates in one way only, whatever the language."""
        super().__init__(*args, **kwargs)
        for name in ("first", "last"):
            self.fields[name].input_formats = ["%Y-%m-%d"]  # type: ignore[attr-defined]
            self.fields[name].widget.format = "%Y-%m-%d"

    def clean(self) -> dict[str, Any]:
        days = super().clean() or {}
        if self.errors:
            return days
        if days["last"] < days["first"]:
            raise forms.ValidationError(_("The last day is before the first."))
        if days["last"] - days["first"] > timedelta(days=366 * YEARS_MAX) or days["first"].year < 1970:
            raise forms.ValidationError(_("Please choose no more than ten years, from 1970 on."))
        return days


def page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    today = timezone.localdate()
    asked = "first" in request.GET or "last" in request.GET
    form = PeriodForm(request.GET if asked else None, initial=_usual(today))
    days = form.cleaned_data if form.is_valid() else _usual(today)
    found = liability.report(first=min(days["first"], today), last=min(days["last"], today), at=timezone.now())
    if "csv" in request.GET and not form.errors:
        return _as_csv(found)
    context = {
        **site.each_context(request),
        "title": _("Liability"),
        "form": form,
        "found": found,
        "figures": _figures(found),
        "rows": [(_period(month), month) for month in found.months],
        "chart": _chart(found.months),
    }
    return TemplateResponse(request, "admin/rewards/liability.html", context)


def _usual(today: date) -> dict[str, date]:
    """This month and the eleven before it."""
    months = today.year * 12 + today.month - MONTHS_SHOWN
    return {"first": date(months // 12, months % 12 + 1, 1), "last": today}


def _figures(found: Liability) -> list[tuple[str, str, str]]:
    """Title, value and note of each."""

    def worth(points: int) -> str:
        return format_money(points * found.point_value_minor, found.currency)

    figures = [
        (_("Owed to customers"), grouped(found.owed), worth(found.owed)),
        (_("Can be spent"), grouped(found.spendable), worth(found.spendable)),
        (_("Pending"), grouped(found.pending), worth(found.pending)),
        (_("Debts of customers"), grouped(found.debt), _("taken from the next awards")),
    ]
    if found.lapse_due:
        figures.append((_("Lapsed, not booked yet"), grouped(found.lapse_due), _("booked in the night")))
    breakage = found.breakage
    if breakage is None or found.expected_breakage is None:
        figures.append((_("Expected to lapse"), "–", _("not enough points have reached their end yet")))
    else:
        share = number_format(float(breakage.share * 100), decimal_pos=1)
        note = ngettext(
            "%(share)s %% of %(lots)s lot in a year", "%(share)s %% of %(lots)s lots in a year", breakage.lots
        )
        values = {"share": share, "lots": grouped(breakage.lots)}
        figures.append((_("Expected to lapse"), grouped(found.expected_breakage), note % values))
        left = found.owed - found.expected_breakage
        figures.append((_("Expected to be spent"), worth(left), grouped(left)))
    return figures


def _period(month: Movement) -> str:
    is_whole = month.first.day == 1 and (month.last + timedelta(days=1)).day == 1
    if is_whole:
        return date_format(month.first, "YEAR_MONTH_FORMAT")
    return f"{date_format(month.first, 'SHORT_DATE_FORMAT')} – {date_format(month.last, 'SHORT_DATE_FORMAT')}"


def _chart(months: Sequence[Movement]) -> dict[str, Any]:
    came = [month.awarded + month.reimbursed for month in months]
    went = [month.redeemed + month.expired + month.clawed_back for month in months]
    return {
        "days": [date_format(month.first, "YEAR_MONTH_FORMAT") for month in months],
        "bars": [
            {"label": _("Awarded and given back"), "data": came},
            {"label": _("Redeemed, lapsed and taken back"), "data": went},
        ],
        "line": {"label": _("Outstanding at the end"), "data": [month.closing for month in months]},
    }


def _as_csv(found: Liability) -> HttpResponse:
    """One line a month, numbers plain and headings stable, for other programs."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"liability-{found.total.first}-{found.total.last}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    lines = csv.writer(answer)
    lines.writerow([*(field.name for field in fields(Movement)), "closing"])
    lines.writerows([*astuple(month), month.closing] for month in found.months)
    return answer
