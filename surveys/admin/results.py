"""The results of a survey: filtered, drawn, by period and by store, with what customers wrote; and as a file."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from customers.models import Segment, Store
from loyalty_site.lib import spreadsheets
from loyalty_site.lib.admin import own_stores
from loyalty_site.lib.numbers import grouped
from rewards.domain.statistics import Interval
from rewards.models import Program
from surveys.domain import choice_results, comments, funnels, reports, response_files, scoring
from surveys.domain.funnels import Funnel
from surveys.domain.reports import Group, Period, QuestionResult, Scope
from surveys.domain.scoring import Score
from surveys.models import Campaign, OpenLink, Survey

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

COMMENTS_SHOWN = 20
# Drawings are 660 wide.
WIDTH, BOTTOM, TALLEST = 660, 170, 140
LEFT, RIGHT, ROW, TOP = 20, 640, 64, 34
# Where the axis of a kind begins and ends.
AXES = {"NPS": (-100, 100), "CSAT": (0, 100), "CES": (1, 7)}
SEARCH_LENGTH = 100


class FilterForm(forms.Form):
    """Which answers; a store manager chooses among their own stores."""

    since = forms.DateField(
        label=gettext_lazy("from"),
        required=False,
        widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=gettext_lazy("to"),
        required=False,
        widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    store = forms.ModelChoiceField(
        Store.objects.none(), label=gettext_lazy("store"), required=False, widget=UnfoldAdminSelectWidget
    )
    segment = forms.ModelChoiceField(
        Segment.objects.order_by("name"), label=gettext_lazy("segment"), required=False, widget=UnfoldAdminSelectWidget
    )
    campaign = forms.ModelChoiceField(
        Campaign.objects.none(), label=gettext_lazy("campaign"), required=False, widget=UnfoldAdminSelectWidget
    )
    source = forms.ModelChoiceField(
        OpenLink.objects.none(), label=gettext_lazy("open link"), required=False, widget=UnfoldAdminSelectWidget
    )
    language = forms.ChoiceField(
        label=gettext_lazy("language"),
        required=False,
        choices=[("", "---------"), *settings.LANGUAGES],
        widget=UnfoldAdminSelectWidget,
    )
    search = forms.CharField(
        label=gettext_lazy("words in comments"),
        required=False,
        max_length=SEARCH_LENGTH,
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, data: Any, *, survey: Survey, own: Sequence[int]) -> None:
        super().__init__(data)
        self.survey, self.own = survey, own
        stores, campaigns, sources = self.fields["store"], self.fields["campaign"], self.fields["source"]
        assert isinstance(stores, forms.ModelChoiceField)
        assert isinstance(campaigns, forms.ModelChoiceField)
        assert isinstance(sources, forms.ModelChoiceField)
        stores.queryset = Store.objects.filter(**({"pk__in": own} if own else {})).order_by("name", "code")
        campaigns.queryset = Campaign.objects.filter(survey=survey).order_by("-pk")
        sources.queryset = OpenLink.objects.filter(survey=survey).order_by("source")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("The last day is before the first."))
        return cleaned

    def scope(self) -> Scope:
        """What is wrong in the form leaves nothing out; the page says so beside it."""
        told = self.cleaned_data if self.is_valid() else {}
        zone = ZoneInfo(Program.objects.current().timezone)
        since, until = told.get("since"), told.get("until")
        return Scope(
            survey=self.survey,
            since=datetime.combine(since, time(), tzinfo=zone) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(), tzinfo=zone) if until else None,
            stores=(told["store"].pk,) if told.get("store") else tuple(self.own),
            segment=told.get("segment"),
            campaign=told.get("campaign"),
            open_link=told.get("source"),
            language=told.get("language", ""),
        )


def page(model_admin: "ModelAdmin[Survey]", request: HttpRequest, survey: Survey) -> HttpResponseBase:
    """Staff who belong to stores see what is said of these."""
    form = FilterForm(request.GET, survey=survey, own=own_stores(request))
    scope = form.scope()
    if request.GET.get("file") == "responses":
        return _file(scope)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "original": survey,
        "form": form,
        "query": urlencode([pair for pair in request.GET.lists() if pair[0] in form.fields], doseq=True),
    }
    if request.GET.get("view") == "themes":
        found = comments.looked_over(scope)
        context |= {
            "title": _("Words in the comments: %s") % survey,
            "low": [theme for theme in found if theme.z > 0],
            "high": [theme for theme in found if theme.z < 0],
            "looked_over": comments.LOOKED_OVER,
        }
        return TemplateResponse(request, "admin/surveys/survey/themes.html", context)
    search = form.cleaned_data.get("search", "") if form.is_valid() else ""
    said = comments.comments(scope, search=search).select_related("response__case")
    context |= {
        "title": _("Results of %s") % survey,
        "comments": Paginator(said, COMMENTS_SHOWN).get_page(request.GET.get("page")),
        "choices": choice_results.of(scope),
        **_drawn(scope, request.GET.get("question", "")),
    }
    return TemplateResponse(request, "admin/surveys/survey/results.html", context)


def _file(scope: Scope) -> StreamingHttpResponse:
    return spreadsheets.stream(
        name=f"survey-{scope.survey.pk}.csv", headings=response_files.headings(scope), lines=response_files.lines(scope)
    )


def _drawn(scope: Scope, question: str) -> dict[str, Any]:
    found = reports.report(scope, main=int(question) if question.isdecimal() and len(question) < 10 else None)
    main, way = found.main, funnels.funnel(scope)
    kind = main.question.kind if main else "NPS"
    return {
        "found": found,
        "way": way,
        "steps": [] if scope.open_link or not way.chosen else _steps(way),  # no mail leads to an open link
        "rates": _rates(way),
        "questions": [{"result": result, "said": _said(result), "bars": _bars(result)} for result in found.questions],
        "periods": _periods(kind, found.periods, is_weekly=found.is_weekly),
        "stores": _groups(kind, found.stores, nobody=_("no store")),
        "segments": _groups(kind, found.segments, nobody=""),
        "ranked_from": scoring.RANKED_FROM,
    }


def _steps(way: Funnel) -> list[dict[str, Any]]:
    steps = [
        (_("In the audience"), way.chosen),
        (_("Invited"), way.invited),
        (_("Mail left"), way.left),
        (_("Page opened"), way.opened),
        (_("Began to answer"), way.begun),
        (_("Answered"), way.answered),
    ]
    most = max(way.chosen, 1)
    return [{"title": title, "number": number, "most": most} for title, number in steps]


def _rates(way: Funnel) -> dict[str, str] | None:
    became = way.dispositions
    share = became.response_rate_1.share
    if share is None:
        return None
    return {
        "percent": _number(100 * share, 1),
        "answered": grouped(became.complete),
        "asked": grouped(became.asked),
        "partial": grouped(became.partial),
        "broken_off": grouped(became.broken_off),
        "silent": grouped(became.silent),
        "refused": grouped(became.refused),
        "uncertain": grouped(became.uncertain),
        "undelivered": grouped(became.undelivered),
    }


def _number(value: float, decimals: int, *, sign: bool = False) -> str:
    rounded = round(value, decimals)
    shown = number_format(abs(rounded), decimal_pos=decimals)
    return f"{'−' if rounded < 0 else '+' if sign and rounded > 0 else ''}{shown}"


def _value(kind: str, value: float, *, sign: bool = False) -> str:
    """NPS and CSAT whole, CES with two decimals."""
    return _number(value, 2 if kind == "CES" else 0, sign=sign)


def _range(kind: str, score: Score) -> str:
    values = {"low": _value(kind, score.low), "high": _value(kind, score.high)}
    return _("%(low)s to %(high)s") % values


def _answers(number: int) -> str:
    return ngettext("%s answer", "%s answers", number) % grouped(number)


def _said(result: QuestionResult) -> dict[str, Any] | None:
    kind, score = result.question.kind, result.score
    if score is None:
        return None
    names = {
        "NPS": _("net promoter score"),
        "CSAT": _("of 100 are satisfied (4 or 5)"),
        "CES": _("mean of 1 to 7; 7 is least effort"),
    }
    return {
        "value": _value(kind, score.value),
        "name": names[kind],
        "range": _range(kind, score),
        "answers": _answers(score.n),
        "is_few": not score.is_ranked,
        "change": _change(kind, result.change),
    }


def _change(kind: str, change: Interval | None) -> str:
    if change is None:
        return ""
    values = {
        "change": _value(kind, change.estimate, sign=True),
        "low": _value(kind, change.low, sign=True),
        "high": _value(kind, change.high, sign=True),
    }
    told = _("%(change)s against the same time before (95 %% interval %(low)s to %(high)s).") % values
    return told if change.excludes_zero else f"{told} {_('That may be chance.')}"


def _bars(result: QuestionResult) -> list[dict[str, Any]]:
    """One bar a score."""
    scale = scoring.SCALES[result.question.kind]
    most, slot = max([*result.counts.values(), 1]), WIDTH // len(scale.scores)
    bars = []
    for place, score in enumerate(scale.scores):
        count = result.counts.get(score, 0)
        height = round(TALLEST * count / most)
        bars.append(
            {
                "score": score,
                "count": count,
                "group": "promoter" if score in scale.high else "detractor" if score in scale.low else "passive",
                "x": slot * place + 7,
                "width": slot - 14,
                "middle": slot * place + slot // 2,
                "y": BOTTOM - height,
                "label_y": BOTTOM - height - 6,
                "height": height,
            }
        )
    return bars


def _periods(kind: str, periods: Sequence[Period], *, is_weekly: bool) -> dict[str, Any] | None:
    """A point a period with its interval as an upright line, on the whole scale of the kind."""
    if not periods:
        return None
    least, most = AXES[kind]
    slot = min(WIDTH / len(periods), 60)
    named = -(-220 // max(1, int(slot)))

    def y(value: float) -> int:
        return round(20 + (BOTTOM - 20) * (most - value) / (most - least))

    points = []
    for number, period in enumerate(periods):
        name = date_format(period.first, "SHORT_DATE_FORMAT" if is_weekly else "YEAR_MONTH_FORMAT")
        point: dict[str, Any] = {"name": name, "score": period.score}
        if period.score:
            score = period.score
            point |= {
                "x": round(slot * (number + 0.5)),
                "y": y(score.value),
                "low": y(score.low),
                "high": y(score.high),
                "is_few": not score.is_ranked,
                "value": _value(kind, score.value),
                "range": _range(kind, score),
            }
        point["label"], point["label_x"] = (name if number % named == 0 else ""), round(slot * number)
        points.append(point)
    return {"points": points, "zero": y(0) if least < 0 else BOTTOM, "top": most, "bottom": least}


def _groups(kind: str, groups: Sequence[Group], *, nobody: str) -> dict[str, Any] | None:
    """A forest: one line a ranked group with its interval; the small ones are in the table only."""
    if not groups:
        return None
    drawn = [group for group in groups if group.score.is_ranked]
    low, high = (
        min([0.0, *(group.score.low for group in drawn)]) if kind == "NPS" else float(AXES[kind][0]),
        max([0.0, *(group.score.high for group in drawn)]) if kind == "NPS" else float(AXES[kind][1]),
    )
    room = (high - low) or 1.0

    def x(value: float) -> int:
        return round(LEFT + (RIGHT - LEFT) * (value - low) / room)

    lines = []
    for number, group in enumerate(drawn):
        y, score = TOP + ROW * number, group.score
        lines.append(
            {
                "name": group.name or nobody,
                "words": f"{_value(kind, score.value)} ({_range(kind, score)})",
                "text_y": y - 10,
                "start_y": y - 6,
                "end_y": y + 26,
                "line_y": y + 5,
                "point_y": y + 10,
                "low": x(score.low),
                "width": max(2, x(score.high) - x(score.low)),
                "at": x(score.value),
            }
        )
    rows = [
        {
            "name": group.name or nobody,
            "value": _value(kind, group.score.value),
            "range": _range(kind, group.score),
            "n": group.score.n,
            "is_few": not group.score.is_ranked,
            "verdict": _verdict(group.apart),
        }
        for group in groups
    ]
    return {
        "lines": lines,
        "rows": rows,
        "zero": x(0) if kind == "NPS" else None,
        "height": TOP + ROW * len(lines) - 16,
    }


def _verdict(apart: Interval | None) -> str:
    if apart is None or not apart.excludes_zero:
        return ""
    return _("better than the others") if apart.estimate > 0 else _("worse than the others")
