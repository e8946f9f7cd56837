"""What came of a survey, in a few set-based reads whatever its size."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Max, Min, Model, OuterRef, QuerySet

from customers.models import Segment, SegmentMember, Store
from rewards.domain.statistics import Interval
from rewards.models import Program
from surveys.domain import scoring, statements
from surveys.domain.scoring import Score
from surveys.models import Answer, Campaign, OpenLink, Question, Survey, SurveyResponse

# Longer than this, and periods are months.
WEEKS_MOST = 26

Counts = Mapping[int, int]
_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which answers a report is of; what is empty leaves nothing out.

    `since` is in it, `until` is not. Stores are those of responses (see SurveyResponse); one that names nobody belongs
    to no segment.
    """

    survey: Survey
    since: datetime | None = None
    until: datetime | None = None
    stores: Collection[int] = ()
    segment: Segment | None = None
    campaign: Campaign | None = None
    open_link: OpenLink | None = None
    language: str = ""

    @property
    def before(self) -> "Scope | None":
        """The same for as long a time just before; None where no such time is told."""
        if self.since is None or self.until is None:
            return None
        return replace(self, since=self.since - (self.until - self.since), until=self.since)


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """How often each score was given. `score` and `change` are None without answers; `change` is against the same time
    before, None where there is too little to compare."""

    question: Question
    counts: Counts
    score: Score | None
    change: Interval | None

    @property
    def answers(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Period:
    """A week from Monday `first` on, or a month, in the programme's time zone; `score` is None without answers."""

    first: date
    score: Score | None


@dataclass(frozen=True, slots=True)
class Group:
    """Part of the answers; `id` is None for those that belong to no store. `apart` is the score less that of all
    others, None where one of both is too small to be compared."""

    id: int | None
    name: str
    score: Score
    apart: Interval | None


@dataclass(frozen=True, slots=True)
class Report:
    """`main` is the scale that `periods`, `stores` and `segments` are of. Groups stand from the best to the worst,
    behind them those that are too small to be ranked, the larger first. `periods` are without a gap."""

    responses: int
    questions: Sequence[QuestionResult]
    main: QuestionResult | None
    is_weekly: bool
    periods: Sequence[Period]
    stores: Sequence[Group]
    segments: Sequence[Group]


def of_segment(rows: QuerySet[_Row], segment: Segment) -> QuerySet[_Row]:
    """`rows` have a customer."""
    return rows.filter(Exists(SegmentMember.objects.filter(segment=segment, customer=OuterRef("customer"))))


def responses(scope: Scope) -> QuerySet[SurveyResponse]:
    """Those in the scope."""
    rows = SurveyResponse.objects.filter(survey=scope.survey)
    if scope.stores:
        rows = rows.filter(store__in=scope.stores)
    if scope.segment:
        rows = of_segment(rows, scope.segment)
    if scope.since:
        rows = rows.filter(submitted_at__gte=scope.since)
    if scope.until:
        rows = rows.filter(submitted_at__lt=scope.until)
    if scope.campaign:
        rows = rows.filter(delivery__campaign=scope.campaign)
    if scope.open_link:
        rows = rows.filter(open_link=scope.open_link)
    if scope.language:
        rows = rows.filter(language=scope.language)
    return rows


def answers(scope: Scope) -> QuerySet[Answer]:
    """Those of the responses in the scope; of a whole survey found without its responses."""
    if scope == Scope(scope.survey):
        return Answer.objects.filter(question__survey=scope.survey)
    return Answer.objects.filter(response__in=responses(scope).values("pk"))


def report(scope: Scope, *, main: int | None = None) -> Report:
    """Of all questions; `main` is the id of the scale to look at closely, the first one unless told."""
    zone = ZoneInfo(Program.objects.current().timezone)
    rows = responses(scope)
    found = rows.aggregate(number=Count("pk"), first=Min("submitted_at"), last=Max("submitted_at"))
    scales = list(scope.survey.questions.filter(kind__in=scoring.SCALES).order_by("position"))
    chosen = next((scale for scale in scales if scale.pk == main), scales[0] if scales else None)
    if chosen is None or not found["number"]:
        empty = [QuestionResult(scale, {}, None, None) for scale in scales]
        return Report(found["number"], empty, empty[0] if empty else None, True, (), (), ())
    span = (scope.until or found["last"]) - (scope.since or found["first"])
    is_weekly = span <= timedelta(weeks=WEEKS_MOST)
    by_period, by_store = _cells(rows, chosen, step="week" if is_weekly else "month", zone=zone)
    totals = _totals(scope, [scale for scale in scales if scale != chosen]) | {chosen.pk: _sum(by_store.values())}
    before = _totals(scope.before, scales) if scope.before else {}
    questions = [_result(scale, totals.get(scale.pk, {}), before.get(scale.pk, {})) for scale in scales]
    result = next(each for each in questions if each.question == chosen)
    return Report(
        responses=found["number"],
        questions=questions,
        main=result,
        is_weekly=is_weekly,
        periods=list(_periods(chosen.kind, by_period, is_weekly=is_weekly)),
        stores=_groups(chosen.kind, by_store, Store.objects.all(), result.counts),
        segments=_groups(chosen.kind, _by_segment(rows, chosen), Segment.objects.all(), result.counts),
    )


def _result(scale: Question, counts: Counts, before: Counts) -> QuestionResult:
    score, was = scoring.score(scale.kind, counts), scoring.score(scale.kind, before)
    return QuestionResult(scale, counts, score, _apart(score, was))


def _apart(one: Score | None, other: Score | None) -> Interval | None:
    if one is None or other is None or not (one.is_ranked and other.is_ranked):
        return None
    return scoring.difference(one, other)


def _totals(scope: Scope, scales: Sequence[Question]) -> dict[int, dict[int, int]]:
    """How often each score was given, by question."""
    found: dict[int, dict[int, int]] = {}
    scored = answers(scope).filter(question__in=[scale.pk for scale in scales], number__isnull=False)
    for question, number, count in scored.values_list("question", "number").annotate(Count("pk")).order_by():
        found.setdefault(question, {})[number] = count
    return found


def _sum(parts: Iterable[Counts]) -> dict[int, int]:
    total: Counter[int] = Counter()
    for counts in parts:
        total.update(counts)
    return dict(total)


def _cells(
    rows: QuerySet[SurveyResponse], main: Question, *, step: str, zone: ZoneInfo
) -> tuple[dict[date, dict[int, int]], dict[int | None, dict[int, int]]]:
    """How often each score was given to the main question, by period and by store."""
    by_period: dict[date, dict[int, int]] = {}
    by_store: dict[int | None, dict[int, int]] = {}
    chosen = rows.values_list("pk", "submitted_at", "store")
    told: dict[str, list[int] | int | str] = {"main": main.pk, "step": step, "zone": str(zone)}
    for is_period, period, store, number, count in statements.run("reports_cells", chosen, told):
        (by_period.setdefault(period, {}) if is_period else by_store.setdefault(store, {}))[number] = count
    return by_period, by_store


def _by_segment(rows: QuerySet[SurveyResponse], main: Question) -> dict[int | None, dict[int, int]]:
    found: dict[int | None, dict[int, int]] = {}
    chosen = rows.values_list("pk", "customer")
    for segment, number, count in statements.run("reports_segments", chosen, {"main": main.pk}):
        found.setdefault(segment, {})[number] = count
    return found


def _periods(kind: str, counted: Mapping[date, Counts], *, is_weekly: bool) -> Iterator[Period]:
    if not counted:
        return
    first, last = min(counted), max(counted)
    while first <= last:
        yield Period(first, scoring.score(kind, counted.get(first, {})))
        first = first + timedelta(weeks=1) if is_weekly else (first.replace(day=1) + timedelta(days=32)).replace(day=1)


def _groups(
    kind: str, counted: Mapping[int | None, Counts], named: QuerySet[Any], everything: Counts
) -> Sequence[Group]:
    names = {row.pk: str(row) for row in named.filter(pk__in=[pk for pk in counted if pk is not None])}
    groups = []
    for pk, counts in counted.items():
        rest = {number: count - counts.get(number, 0) for number, count in everything.items()}
        score = scoring.score(kind, counts)
        assert score is not None  # there is no group without answers
        groups.append(Group(pk, names.get(pk, "") if pk else "", score, _apart(score, scoring.score(kind, rest))))
    return sorted(groups, key=_rank)


def _rank(group: Group) -> tuple[Any, ...]:
    score = group.score
    return (False, -score.value, group.name) if score.is_ranked else (True, -score.n, group.name)
