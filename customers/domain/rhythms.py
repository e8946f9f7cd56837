"""The rhythm of each customer's purchases: made anew in one statement, counted for the map."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Count, F, Max, Min, Q, Sum, Value
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce
from django.utils import timezone

from customers.domain import profiling, rfm
from customers.models import Customer, Rhythm, RhythmMap

YEAR = timedelta(days=365)
# Nobody drifts away within two weeks, however often they came.
PATIENCE_DAYS = 14
LIKELY_PERCENT = 40

_SQL = (Path(__file__).parents[1] / "sql" / "rhythms.sql").read_text(encoding="utf-8")
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('customers_rhythm'))"


def refresh(*, at: datetime) -> int:
    """Makes the rhythm of all who allow it as of `at`, and the map of them; returns of how many. Rows that stay the
    same are not written."""
    number = _made(at)
    # Who refused or left meanwhile did not see rows that were not committed: they are looked for after that.
    gone = Q(customer__profiling_refused_at__isnull=False) | Q(customer__closed_at__isnull=False)
    Rhythm.objects.filter(gone).delete()
    count_map(at=at)
    return number


@transaction.atomic
def _made(at: datetime) -> int:
    volumes, recencies, groups = zip(*rfm.cells(), strict=True)
    told: dict[str, Any] = {"volumes": list(volumes), "recencies": list(recencies), "groups": list(groups)}
    told |= {"at": at, "since": at - YEAR, "lost": rfm.LOST, "patience": PATIENCE_DAYS}
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
        cursor.execute(_SQL, told)
        [(number,)] = cursor.fetchall()
    return int(number)


def drifting(today: date) -> Q:
    """Rhythms of customers who are away for twice their usual gap or more, and bought within the year."""
    return Q(drifts_from__lte=today, last_on__gt=today - YEAR)


def staying_away() -> Q:
    """Rhythms of customers who are likely not to come within 28 days."""
    return Q(stays_away_percent__gte=LIKELY_PERCENT)


def most_to_lose_first() -> tuple[OrderBy, str]:
    """By what they spent in a year times the chance that they stay away; where that is not told they count whole."""
    chance = Coalesce("stays_away_percent", Value(100))
    return (F("year_spend_minor") * chance).desc(), "-customer"


@dataclass(slots=True)
class Tally:
    """How many customers, and what they spent in a year, by currency."""

    customers: int = 0
    spend: dict[str, int] = field(default_factory=dict)

    def add(self, customers: int, currency: str, spend_minor: int) -> None:
        self.customers += customers
        self.spend[currency] = self.spend.get(currency, 0) + spend_minor


class Span(NamedTuple):
    """From the least to the most that got a score: dates, days or minor units."""

    least: Any
    most: Any


@dataclass(frozen=True, slots=True)
class Map:
    """Tallies by (volume, recency) and by group, and what each score means, as of the last refresh (`made_at`).
    `monetary` is in minor units, by currency. `strangers` are customers who never bought; `drifting` were drifting
    away."""

    made_at: datetime
    everybody: Tally
    cells: Mapping[tuple[int, int], Tally]
    groups: Mapping[str, Tally]
    recency: Mapping[int, Span]
    frequency: Mapping[int, Span]
    monetary: Mapping[str, Mapping[int, Span]]
    strangers: int
    drifting: int


@transaction.atomic
def count_map(*, at: datetime) -> None:
    """Counts the rhythms there are, for the map, in place of what was counted before. Reads everybody."""
    today = at.astimezone(timezone.get_current_timezone()).date()
    rows = Rhythm.objects.values("recency", "frequency", "monetary", "volume", "group", "currency").annotate(
        customers=Count("*"),
        spend=Sum("year_spend_minor"),
        last_min=Min("last_on"),
        last_max=Max("last_on"),
        days_min=Min("year_days"),
        days_max=Max("year_days"),
        spend_min=Min("year_spend_minor"),
        spend_max=Max("year_spend_minor"),
    )
    counted = {
        "made_at": at,
        "tallies": list(rows),
        "strangers": Customer.objects.filter(profiling.ALLOWED, rhythm__isnull=True).count(),
        "drifting": Rhythm.objects.filter(drifting(today)).count(),
    }
    RhythmMap.objects.update_or_create(only=True, defaults=counted)


def rfm_map() -> Map | None:
    """As it was counted last; None before the first night. One query."""
    counted = RhythmMap.objects.first()
    return _map(counted) if counted else None


def _map(counted: RhythmMap) -> Map:
    rows = [
        {**row, "last_min": date.fromisoformat(row["last_min"]), "last_max": date.fromisoformat(row["last_max"])}
        for row in counted.tallies
    ]
    everybody = Tally()
    cells: dict[tuple[int, int], Tally] = {}
    groups: dict[str, Tally] = {}
    for row in rows:
        tallies = [everybody, groups.setdefault(row["group"], Tally())]
        if row["volume"]:
            tallies.append(cells.setdefault((row["volume"], row["recency"]), Tally()))
        for tally in tallies:
            tally.add(row["customers"], row["currency"], row["spend"])
    scored = [row for row in rows if row["volume"]]
    by_currency = {currency: [row for row in scored if row["currency"] == currency] for currency in everybody.spend}
    return Map(
        made_at=counted.made_at,
        everybody=everybody,
        cells=cells,
        groups=groups,
        recency=_ranges(scored, "recency", "last"),
        frequency=_ranges(scored, "frequency", "days"),
        monetary={currency: _ranges(own, "monetary", "spend") for currency, own in by_currency.items()},
        strangers=counted.strangers,
        drifting=counted.drifting,
    )


def _ranges(rows: Iterable[Mapping[str, Any]], score: str, what: str) -> dict[int, Span]:
    """By score, from 5 down; a score that nobody has is left out."""
    found = {}
    for value in reversed(rfm.SCORES):
        own = [row for row in rows if row[score] == value]
        if own:
            found[value] = Span(min(row[f"{what}_min"] for row in own), max(row[f"{what}_max"] for row in own))
    return found
