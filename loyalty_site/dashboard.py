"""The back office's first page: how the day goes, beside the same weekday a week before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Model, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.domain import attempts
from customers.models import AttemptCount, Customer, ImportState, Purchase, PurchaseImport
from loyalty_site.lib.admin import list_url, own_stores
from loyalty_site.lib.money import format_money
from loyalty_site.lib.numbers import grouped
from rewards.models import (
    AdjustmentState,
    EarningKind,
    EarningRule,
    EntryKind,
    MailServer,
    PointsAdjustment,
    PointsEntry,
    RedemptionState,
    RewardRedemption,
    StaffAlert,
)
from surveys.domain import cases, scoring
from surveys.models import TO_SEND, Answer, Campaign, CampaignState, Case, Delivery, DeliveryState, QuestionKind

WEEK = timedelta(days=7)
CHART_DAYS = 30
NPS_DAYS = 90
PICKUP_DAYS = 7
TRIES_SHOWN = 3
LIVE_CAMPAIGNS = (
    CampaignState.MATERIALIZING,
    CampaignState.SENDING,
    CampaignState.PAUSED,
    CampaignState.NEEDS_ATTENTION,
)
WAITING_MAIL = (*TO_SEND, DeliveryState.CLAIMED, DeliveryState.TRANSMITTING)


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) of the day that is shown and of the same weekday before, both as far into the day."""

    day: date
    start: datetime
    end: datetime
    is_today: bool

    def shown(self, field: str) -> Q:
        return Q(**{f"{field}__gte": self.start, f"{field}__lt": self.end})

    def before(self, field: str) -> Q:
        return Q(**{f"{field}__gte": _midnight(self.day - WEEK), f"{field}__lt": self._end_before()})

    def both(self, field: str) -> Q:
        return self.shown(field) | self.before(field)

    def _end_before(self) -> datetime:
        if not self.is_today:
            return _midnight(self.day - WEEK + timedelta(days=1))
        clock = timezone.localtime(self.end).time()
        return timezone.make_aware(datetime.combine(self.day - WEEK, clock))


@dataclass(frozen=True, slots=True)
class Figure:
    """One number in words, the one before, and by how many percent it moved."""

    title: str
    value: str
    note: str = ""
    change: int | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class WaitingCases:
    """How many somebody has to work on, of these how many beyond their time, who looks has, and nobody has taken on."""

    number: int
    overdue: int
    mine: int
    nobodys: int


def show(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    now, stores = timezone.now(), own_stores(request)
    today, asked = timezone.localdate(now), _asked(request)
    waiting = _waiting_cases(stores, request.user.pk, now) if request.user.has_perm("surveys.view_case") else None
    period = _period(asked or _latest_day(request, stores, now) or today, now)
    context.update(
        title=_("Today"),
        period=period,
        today=today,
        nothing_today=not asked and not period.is_today,
        compared_with=period.day - WEEK,
        earlier=period.day - timedelta(days=1),
        later=None if period.is_today else period.day + timedelta(days=1),
        figures=list(_figures(request, period, stores, now, waiting)),
        attention=list(_attention(request, now, waiting)),
        chart=_chart(period, stores) if request.user.has_perm("customers.view_purchase") else None,
    )
    return context


def _asked(request: HttpRequest) -> date | None:
    try:
        return parse_date(request.GET.get("day", ""))
    except ValueError:
        return None


def _latest_day(request: HttpRequest, stores: list[int], now: datetime) -> date | None:
    """Before the first purchase of a day comes in, the day before says more."""
    if not request.user.has_perm("customers.view_purchase"):
        return None
    recent = _of_stores(stores).filter(purchased_at__gt=now - WEEK, purchased_at__lte=now)
    latest = recent.aggregate(Max("purchased_at"))["purchased_at__max"]
    return timezone.localdate(latest) if latest else None


def _period(day: date, now: datetime) -> Period:
    today = timezone.localdate(now)
    day = min(max(day, date(2000, 1, 1)), today)
    start, end = _midnight(day), _midnight(day + timedelta(days=1))
    return Period(day, start, min(end, now), is_today=day == today)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _figures(
    request: HttpRequest, period: Period, stores: list[int], now: datetime, waiting: WaitingCases | None
) -> Iterator[Figure]:
    may = request.user.has_perm
    if may("customers.view_purchase"):
        yield from _purchases(period, stores, request.program.currency)  # type: ignore[attr-defined]
    if may("rewards.view_pointsentry") and not stores:
        yield from _points(period)
    if may("customers.view_customer"):
        yield _new_customers(period, stores)
    if may("rewards.view_rewardredemption"):
        yield _open_pickups()
    if may("surveys.view_surveyresponse"):
        yield _nps(now)
    if may("surveys.view_delivery"):
        yield _mail()
    if waiting:
        yield _cases(waiting)


def _purchases(period: Period, stores: list[int], currency: str) -> Iterator[Figure]:
    """One figure for the takings in each currency; in the programme's where nothing was sold."""
    told = _of_stores(stores).filter(period.both("purchased_at")).values("currency").order_by("currency")
    shown, before = period.shown("purchased_at"), period.before("purchased_at")
    rows = list(
        told.annotate(
            number=Count("pk", filter=shown),
            number_before=Count("pk", filter=before),
            paid=Sum("paid_minor", filter=shown, default=0),
            paid_before=Sum("paid_minor", filter=before, default=0),
        )
    )
    url = list_url(Purchase)
    yield _compared(
        _("Purchases"), sum(row["number"] for row in rows), sum(row["number_before"] for row in rows), url=url
    )
    if not rows:
        yield Figure(_("Takings"), format_money(0, currency), url=url)
    for row in rows:
        paid, was = (format_money(row[name], row["currency"]) for name in ("paid", "paid_before"))
        yield Figure(_("Takings"), paid, _before(was), _change(row["paid"], row["paid_before"]), url)


def _points(period: Period) -> Iterator[Figure]:
    """What happened on a day was not recorded before it, and the index is on the recording."""
    recorded = PointsEntry.objects.filter(recorded_at__gte=_midnight(period.day - WEEK))
    shown, before = period.shown("happened_at"), period.before("happened_at")
    award, redeem = Q(kind=EntryKind.AWARD), Q(kind=EntryKind.REDEEM)
    found = recorded.filter(period.both("happened_at"), kind__in=[EntryKind.AWARD, EntryKind.REDEEM]).aggregate(
        earners=Count("customer", distinct=True, filter=award & shown),
        earners_before=Count("customer", distinct=True, filter=award & before),
        awarded=Sum("points", filter=award & shown, default=0),
        awarded_before=Sum("points", filter=award & before, default=0),
        redeemed=-Sum("points", filter=redeem & shown, default=0),
        redeemed_before=-Sum("points", filter=redeem & before, default=0),
    )
    yield _compared(_("Customers who earned"), found["earners"], found["earners_before"])
    url = list_url(PointsEntry)
    yield _compared(_("Points awarded"), found["awarded"], found["awarded_before"], url=url)
    yield _compared(_("Points redeemed"), found["redeemed"], found["redeemed_before"], url=url)


def _new_customers(period: Period, stores: list[int]) -> Figure:
    joined = Customer.objects.filter(home_store__in=stores) if stores else Customer.objects.all()
    found = joined.filter(period.both("enrolled_at")).aggregate(
        shown=Count("pk", filter=period.shown("enrolled_at")), before=Count("pk", filter=period.before("enrolled_at"))
    )
    return _compared(_("New customers"), found["shown"], found["before"], url=list_url(Customer))


def _open_pickups() -> Figure:
    found = RewardRedemption.objects.filter(state=RedemptionState.REQUESTED).aggregate(Count("pk"), Min("requested_at"))
    oldest = found["requested_at__min"]
    note = _("the oldest from %s") % date_format(timezone.localtime(oldest), "SHORT_DATE_FORMAT") if oldest else ""
    url = list_url(RewardRedemption, [("state__exact", RedemptionState.REQUESTED.value)])
    return Figure(_("Rewards to hand over"), grouped(found["pk__count"]), note, url=url)


def _nps(now: datetime) -> Figure:
    answers = Answer.objects.filter(
        question__kind=QuestionKind.NPS, response__submitted_at__gte=now - timedelta(days=NPS_DAYS)
    )
    found = answers.aggregate(
        promoters=Count("pk", filter=Q(number__gte=scoring.PROMOTERS.start)),
        detractors=Count("pk", filter=Q(number__lt=scoring.DETRACTORS.stop)),
        all=Count("pk"),
    )
    passives = found["all"] - found["promoters"] - found["detractors"]
    nps = scoring.nps(found["promoters"], passives, found["detractors"])
    title, url = _("Net promoter score, %s days") % NPS_DAYS, reverse("admin:surveys_survey_changelist")
    if nps is None:
        return Figure(title, "–", _("no answers yet"), url=url)
    note = ngettext("%(low)s to %(high)s, %(n)s answer", "%(low)s to %(high)s, %(n)s answers", nps.n)
    values = {"low": grouped(round(nps.low)), "high": grouped(round(nps.high)), "n": grouped(nps.n)}
    return Figure(title, grouped(round(nps.value)), note % values, url=url)


def _mail() -> Figure:
    counts = dict(_live_mail().values_list("state").annotate(Count("pk")).order_by())
    waiting, uncertain = sum(counts.get(state, 0) for state in WAITING_MAIL), counts.get(DeliveryState.UNCERTAIN, 0)
    note = ngettext("%s uncertain", "%s uncertain", uncertain) % grouped(uncertain) if uncertain else ""
    return Figure(_("Mails waiting"), grouped(waiting), note, url=list_url(Campaign))


def _waiting_cases(stores: list[int], user_id: int | None, now: datetime) -> WaitingCases:
    """Of these stores."""
    own = cases.seen_by(stores=stores)
    found = own.aggregate(
        number=Count("pk", filter=cases.is_waiting()),
        overdue=Count("pk", filter=cases.is_overdue(at=now)),
        mine=Count("pk", filter=cases.is_waiting() & Q(owner=user_id)),
        nobodys=Count("pk", filter=cases.is_waiting() & Q(owner__isnull=True)),
    )
    return WaitingCases(**found)


def _cases(waiting: WaitingCases) -> Figure:
    note = ngettext("%s overdue", "%s overdue", waiting.overdue) % grouped(waiting.overdue) if waiting.overdue else ""
    url = list_url(Case, [("is", "overdue" if waiting.overdue else "waiting")])
    return Figure(_("Open cases"), grouped(waiting.number), note, url=url)


def _live_mail() -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        campaign__state__in=LIVE_CAMPAIGNS, state__in=[*WAITING_MAIL, DeliveryState.UNCERTAIN]
    )


def _attention(request: HttpRequest, now: datetime, waiting: WaitingCases | None) -> Iterator[dict[str, str]]:
    """What somebody should look at, each with the page where."""
    may = request.user.has_perm
    if may("rewards.view_earningrule"):
        base = EarningRule.objects.filter(kind=EarningKind.BASE).aggregate(Count("pk"))["pk__count"]
        if not base:
            yield {"text": _("No earning rule yet: purchases earn nothing."), "url": list_url(EarningRule)}
    if may("surveys.view_campaign"):
        number = Campaign.objects.filter(state=CampaignState.NEEDS_ATTENTION).count()
        text = ngettext("%s campaign needs attention.", "%s campaigns need attention.", number)
        yield from _when(number, text, Campaign, CampaignState.NEEDS_ATTENTION)
    if may("surveys.view_delivery"):
        number = Delivery.objects.filter(state=DeliveryState.UNCERTAIN).count()
        text = ngettext("%s survey mail may have arrived.", "%s survey mails may have arrived.", number)
        yield from _when(number, text, Delivery, DeliveryState.UNCERTAIN)
    if may("rewards.view_mailserver"):
        for server in MailServer.objects.filter(failures__gt=0):
            text = _("The mail server takes no mails: %(reply)s") % {"reply": server.reply}
            yield {"text": text, "url": list_url(MailServer)}
    if waiting:
        yield from _case_calls(waiting)
    if may("rewards.view_rewardredemption"):
        late = RewardRedemption.objects.filter(
            state=RedemptionState.REQUESTED, requested_at__lt=now - timedelta(days=PICKUP_DAYS)
        )
        number = late.count()
        text = ngettext("%s reward waits for more than a week.", "%s rewards wait for more than a week.", number)
        yield from _when(number, text, RewardRedemption, RedemptionState.REQUESTED)
    if may("rewards.change_pointsadjustment"):
        number = PointsAdjustment.objects.filter(state=AdjustmentState.WAITING).count()
        text = ngettext("%s adjustment waits for a second person.", "%s adjustments wait for a second person.", number)
        yield from _when(number, text, PointsAdjustment, AdjustmentState.WAITING)
    if may("rewards.view_staffalert"):
        number = StaffAlert.objects.filter(seen_at__isnull=True).count()
        text = ngettext("%s alert about staff or tills.", "%s alerts about staff or tills.", number)
        yield from _when(number, text, StaffAlert, "new", by="is")
    if may("customers.view_attemptcount"):
        yield from _tries(now)
    if may("customers.view_purchaseimport"):
        number = PurchaseImport.objects.filter(state__in=[ImportState.READY, ImportState.FAILED]).count()
        text = ngettext("%s import waits for you.", "%s imports wait for you.", number)
        yield from _when(number, text, PurchaseImport)


def _case_calls(waiting: WaitingCases) -> Iterator[dict[str, str]]:
    overdue = ngettext("%s case is overdue.", "%s cases are overdue.", waiting.overdue)
    mine = ngettext("%s case is yours to work on.", "%s cases are yours to work on.", waiting.mine)
    nobodys = ngettext("%s case is nobody’s yet.", "%s cases are nobody’s yet.", waiting.nobodys)
    yield from _when(waiting.overdue, overdue, Case, "overdue", by="is")
    yield from _when(waiting.mine, mine, Case, "mine&is=waiting", by="whose")
    yield from _when(waiting.nobodys, nobodys, Case, "nobody&is=waiting", by="whose")


def _tries(now: datetime) -> Iterator[dict[str, str]]:
    """Who or where codes were tried that are none, as often as a limit allows."""
    for row in attempts.unusual(since=now - timedelta(days=1), limit=TRIES_SHOWN):
        values = {
            "who": attempts.words(key=row.key),
            "failures": grouped(row.failures),
            "time": date_format(timezone.localtime(row.window_start), "SHORT_DATETIME_FORMAT"),
            "more": grouped(row.turned_away),
        }
        text = (
            _("Wrong coupon codes, %(who)s: %(failures)s tried from %(time)s on, %(more)s more turned away.") % values
        )
        yield {"text": text, "url": list_url(AttemptCount, [("is", "unusual")])}


def _when(
    number: int, text: str, model: type[Model], state: str = "", *, by: str = "state__exact"
) -> Iterator[dict[str, str]]:
    if number:
        url = list_url(model, [(by, state)] if state else [])
        yield {"text": text % grouped(number), "url": url}


def _chart(period: Period, stores: list[int]) -> dict[str, Any]:
    """By day: purchases, and points awarded where the person sees all stores."""
    first = period.day - timedelta(days=CHART_DAYS - 1)
    since, zone = _midnight(first), timezone.get_current_timezone()
    bought = _of_stores(stores).filter(purchased_at__gte=since, purchased_at__lt=period.end)
    purchases = _by_day(bought.annotate(day=TruncDate("purchased_at", tzinfo=zone)), Count("pk"))
    awards = PointsEntry.objects.filter(kind=EntryKind.AWARD, recorded_at__gte=since, happened_at__gte=since)
    earned = awards.filter(happened_at__lt=period.end).annotate(day=TruncDate("happened_at", tzinfo=zone))
    points = {} if stores else _by_day(earned, Sum("points"))
    days = [first + timedelta(days=number) for number in range(CHART_DAYS)]
    return {
        "rows": [{"day": day, "purchases": purchases.get(day, 0), "points": points.get(day, 0)} for day in days],
        "with_points": not stores,
        "data": {
            "days": [date_format(day, "MONTH_DAY_FORMAT") for day in days],
            "bars": [{"label": _("Purchases"), "data": [purchases.get(day, 0) for day in days]}],
            "line": None if stores else {"label": _("Points awarded"), "data": [points.get(day, 0) for day in days]},
        },
    }


def _by_day(rows: QuerySet[Any], what: Count | Sum) -> dict[date, int]:
    return dict(rows.values_list("day").annotate(number=what).order_by())


def _of_stores(stores: list[int]) -> QuerySet[Purchase]:
    return Purchase.objects.filter(store__in=stores) if stores else Purchase.objects.all()


def _compared(title: str, number: int, before: int, *, url: str = "") -> Figure:
    return Figure(title, grouped(number), _before(grouped(before)), _change(number, before), url)


def _before(value: str) -> str:
    return _("%s a week before") % value


def _change(number: int, before: int) -> int | None:
    return round(100 * (number - before) / before) if before else None
