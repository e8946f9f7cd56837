"""What customers may bring in the next 365 days: visits with their range, and what a visit is worth.

BG/NBD and Gamma-Gamma (`visits`), fitted every night on the shop's own customers, with a look back at how well the last
weeks would have been foretold.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from customers.models import Forecast, Rhythm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from customers.domain.visits import Histories, Spends, Visits

AHEAD_DAYS = 365
SHARE = 0.8  # of cases that the range holds
LOOK_BACK = timedelta(weeks=12)
REPEATERS_MIN = 30  # fewer say nothing
FITTED_MAX = 10_000
CHUNK = 50_000

_SQL = (Path(__file__).parents[1] / "sql" / "worths_histories.sql").read_text(encoding="utf-8")
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

    today, every = at.date(), max(1, Rhythm.objects.count() // FITTED_MAX)
    seen = _seen(today, every)
    if seen is None or int(seen.customers[seen.repeats > 0].sum()) < REPEATERS_MIN:
        told = {"visits_expected": None, "visits_low": None, "visits_high": None, "visit_spend_minor": None}
        Rhythm.objects.filter(visits_expected__isnull=False).update(**told)
        return None
    model, spends = visits.fit_visits(seen), _spends(every)
    for rows in _chunks():
        _note(rows, model, spends, today)
    return Forecast.objects.create(
        made_at=at,
        customers=int(seen.customers.sum()),
        weeks=LOOK_BACK.days // 7,
        r=model.r,
        alpha=model.alpha,
        a=model.a,
        b=model.b,
        **_looked_back(at, every),
    )


def _seen(today: date, every: int) -> "Histories | None":
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT days - 1, last_on - first_on, greatest(%s::date - first_on, last_on - first_on), count(*)
            FROM customers_rhythm WHERE customer_id %% %s = 0 GROUP BY 1, 2, 3
            """,
            [today, every],
        )
        return _histories(cursor.fetchall())


def _histories(rows: list[tuple[Any, ...]]) -> "Histories | None":
    """Of (repeats, day of the last one, days, customers)."""
    import numpy as np  # noqa: PLC0415

    from customers.domain.visits import Histories  # noqa: PLC0415

    if not rows:
        return None
    repeats, last_day, days, customers = np.array(rows, dtype=float).T
    return Histories(repeats, last_day / 7, days / 7, customers)


def _spends(every: int) -> "dict[str, Spends]":
    """By currency, where enough customers say it."""
    import numpy as np  # noqa: PLC0415

    from customers.domain import visits  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT currency, year_days, year_spend_minor::float8 / year_days FROM customers_rhythm
            WHERE year_days > 0 AND year_spend_minor > 0 AND customer_id %% %s = 0
            """,
            [every],
        )
        rows = cursor.fetchall()
    found = {}
    for currency in {row[0] for row in rows}:
        days, mean = np.array([row[1:] for row in rows if row[0] == currency], dtype=float).T
        if int((days > 1).sum()) >= REPEATERS_MIN:
            found[currency] = visits.fit_spends(days, mean)
    return found


def _chunks() -> Iterator[list[tuple[Any, ...]]]:
    fields = ("customer_id", "days", "first_on", "last_on", "year_days", "year_spend_minor", "currency")
    after = 0
    while rows := list(Rhythm.objects.filter(pk__gt=after).order_by("pk").values_list(*fields)[:CHUNK]):
        yield rows
        after = rows[-1][0]


def _note(rows: list[tuple[Any, ...]], model: "Visits", spends: "dict[str, Spends]", today: date) -> None:
    import numpy as np  # noqa: PLC0415

    told = [(days - 1, (last - first).days, max(today, last).toordinal() - first.toordinal(), 1)
            for _pk, days, first, last, *_rest in rows]  # fmt: skip
    seen = _histories(told)
    assert seen is not None
    ahead = model.ahead(seen, weeks=AHEAD_DAYS / 7, share=SHARE)
    days, spent = (np.array([row[place] for row in rows], dtype=float) for place in (4, 5))
    worth = _visit_spends(days, spent, [row[6] for row in rows], spends)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _NOTE,
            [
                [row[0] for row in rows],
                np.round(ahead.expected, 1).tolist(),
                ahead.low.astype(int).tolist(),
                ahead.high.astype(int).tolist(),
                np.round(worth).astype(int).tolist(),
            ],
        )


def _visit_spends(
    days: "NDArray[np.float64]", spent: "NDArray[np.float64]", currencies: list[str], spends: "dict[str, Spends]"
) -> "NDArray[np.float64]":
    """By the model of the currency, else the own mean."""
    import numpy as np  # noqa: PLC0415

    mean = np.maximum(spent, 0) / np.maximum(days, 1)
    worth = mean.copy()
    names = np.array(currencies)
    for currency, model in spends.items():
        own = names == currency
        worth[own] = model.expected(days[own], mean[own])
    return worth


def _looked_back(at: datetime, every: int) -> dict[str, float | None]:
    """What would have been foretold for the last weeks, beside what came. Nothing where the shop is too young."""
    import numpy as np  # noqa: PLC0415

    from customers.domain import visits  # noqa: PLC0415

    nothing: dict[str, float | None] = {"error": None, "plain_error": None, "bias": None}
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"at": at, "until": at.date() - LOOK_BACK, "every": every})
        rows = cursor.fetchall()
    seen = _histories([(*row[:3], 1) for row in rows])
    if seen is None or int((seen.repeats > 0).sum()) < REPEATERS_MIN:
        return nothing
    came = np.array([row[3] for row in rows], dtype=float)
    weeks = LOOK_BACK.days / 7
    said = visits.fit_visits(seen).ahead(seen, weeks=weeks, share=SHARE).expected
    plain = seen.repeats / np.maximum(seen.weeks, 1) * weeks
    return {
        "error": float(np.abs(said - came).mean()),
        "plain_error": float(np.abs(plain - came).mean()),
        "bias": float(said.sum() / came.sum() - 1) if came.sum() else None,
    }
