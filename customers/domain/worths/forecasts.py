"""Tells for everybody, each night, what they may bring in the next 365 days: visits with their range, and what a visit
is worth, with a look back at how well the last weeks would have been foretold. numpy waits until it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Min
from django.db.models.functions import Mod

from customers.models import Forecast, Rhythm

if TYPE_CHECKING:
    from customers.domain.visits import Array, Histories, Spends
    from customers.domain.worths.mixtures import Known, LookBack, Mixture

AHEAD_DAYS = 365
REPEATERS_MIN = 30  # fewer say nothing
FITTED_MAX = 10_000
CHUNK = 20_000

_SQL = (Path(__file__).parents[2] / "sql" / "worths_histories.sql").read_text(encoding="utf-8")
_NOTE = """
    UPDATE customers_rhythm old
    SET visits_expected = new.expected, visits_low = new.low, visits_high = new.high, visit_spend_minor = new.spend
    FROM unnest(%s::bigint[], %s::numeric[], %s::smallint[], %s::smallint[], %s::bigint[])
        AS new (customer_id, expected, low, high, spend)
    WHERE old.customer_id = new.customer_id
        AND (old.visits_expected, old.visits_low, old.visits_high, old.visit_spend_minor)
            IS DISTINCT FROM (new.expected, new.low, new.high, new.spend)
"""


def refresh(*, at: datetime) -> Forecast | None:
    """Foretells for everybody, in chunks, from the rhythms as they are. None where too few customers came back."""
    from customers.domain import visits  # noqa: PLC0415 - numpy stays out of web processes
    from customers.domain.worths import mixtures  # noqa: PLC0415

    every = max(1, Rhythm.objects.count() // FITTED_MAX)
    seen = _seen(at.date(), every)
    if seen is None or int(seen.customers[seen.repeats > 0].sum()) < REPEATERS_MIN:
        told = {"visits_expected": None, "visits_low": None, "visits_high": None, "visit_spend_minor": None}
        Rhythm.objects.filter(visits_expected__isnull=False).update(**told)
        return None
    model, back = visits.fit_visits(seen), _looked_back(at, every)
    mixture = back.mixture_of(model, weeks=AHEAD_DAYS / 7) if back else mixtures.Mixture(model)
    spends = _spends(every)
    for after, last in _chunks():
        _note(mixture, spends, after, last, at)
    return Forecast.objects.create(
        made_at=at,
        customers=int(seen.customers.sum()),
        r=model.r,
        alpha=model.alpha,
        a=model.a,
        b=model.b,
        model_weight=mixture.weight,
        range_stretch=mixture.stretch,
        weeks=back.weeks if back else 0,
        error=back.error if back else None,
        plain_error=back.plain_error if back else None,
        bias=back.bias if back else None,
        held=back.held if back else None,
    )


def _seen(today: date, every: int) -> Histories | None:
    import numpy as np  # noqa: PLC0415

    from customers.domain.visits import Histories  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT days - 1, last_on - first_on, greatest(%s::date - first_on, last_on - first_on), count(*)
            FROM customers_rhythm WHERE customer_id %% %s = 0 GROUP BY 1, 2, 3
            """,
            [today, every],
        )
        rows = cursor.fetchall()
    if not rows:
        return None
    repeats, last_day, days, customers = np.array(rows, dtype=float).T
    return Histories(repeats, last_day / 7, days / 7, customers)


def _spends(every: int) -> dict[str, Spends | None]:
    """By currency."""
    import numpy as np  # noqa: PLC0415

    from customers.domain.worths import mixtures  # noqa: PLC0415

    some = Rhythm.objects.alias(rest=Mod("customer_id", every)).filter(rest=0)
    rows = list(some.values_list("currency", "year_days", "year_spend_minor"))
    found = {}
    for currency in {row[0] for row in rows}:
        days, spend = np.array([row[1:] for row in rows if row[0] == currency], dtype=float).T
        found[currency] = mixtures.fit_spends(days, spend, repeaters_min=REPEATERS_MIN)
    return found


def _chunks() -> Iterator[tuple[int, int]]:
    """(behind this id, up to that one)."""
    after = 0
    while ids := list(Rhythm.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        yield after, ids[-1]
        after = ids[-1]


def _counted(
    at: datetime, until: date, *, after: int = 0, last: int = 2**62, every: int = 1
) -> tuple[list[int], Known, Array]:
    """Ids, what is known up to that day, and how many visits came after it."""
    import numpy as np  # noqa: PLC0415

    from customers.domain.worths import mixtures  # noqa: PLC0415

    told: dict[str, Any] = {"at": at, "today": at.date(), "until": until, "after": after, "last": last, "every": every}
    told |= {"year": mixtures.YEAR, "half_life": mixtures.HALF_LIFE}
    with connection.cursor() as cursor:
        cursor.execute(_SQL, told)
        rows = cursor.fetchall()
    *known, came = np.array([row[1:] for row in rows], dtype=np.float64).reshape(-1, 8).T
    return [row[0] for row in rows], mixtures.Known.counted(*known), came


def _note(mixture: Mixture, spends: dict[str, Spends | None], after: int, last: int, at: datetime) -> None:
    import numpy as np  # noqa: PLC0415

    ids, known, _came = _counted(at, at.date(), after=after, last=last)
    ahead = mixture.ahead(known, weeks=AHEAD_DAYS / 7)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _NOTE,
            [
                ids,
                np.round(ahead.expected, 1).tolist(),
                ahead.low.astype(int).tolist(),
                ahead.high.astype(int).tolist(),
                np.round(_visit_spends(ids, known, spends)).astype(int).tolist(),
            ],
        )


def _visit_spends(ids: list[int], known: Known, spends: dict[str, Spends | None]) -> Array:
    import numpy as np  # noqa: PLC0415

    from customers.domain.worths import mixtures  # noqa: PLC0415

    currencies = dict(Rhythm.objects.filter(pk__in=ids).values_list("pk", "currency"))
    names = np.array([currencies.get(pk, "") for pk in ids])
    worth = mixtures.visit_spend(known, None)
    for currency, model in spends.items():
        own = names == currency
        worth[own] = mixtures.visit_spend(known[own], model)
    return worth


def _looked_back(at: datetime, every: int) -> LookBack | None:
    """None where the shop is too young, or had too few customers who came back."""
    from customers.domain.worths import mixtures  # noqa: PLC0415

    first = Rhythm.objects.aggregate(first=Min("first_on"))["first"] or at.date()
    weeks = mixtures.look_back_weeks(ahead_days=AHEAD_DAYS, known_days=(at.date() - first).days)
    if not weeks:
        return None
    _ids, known, came = _counted(at, at.date() - timedelta(weeks=weeks), every=every)
    if int((known.seen.repeats > 0).sum()) < REPEATERS_MIN:
        return None
    return mixtures.looked_back(known, came, weeks=weeks)
