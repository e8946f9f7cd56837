"""Tells for everybody, each night, the chance that they stay away. numpy waits until it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from customers.models import Rhythm

if TYPE_CHECKING:
    from customers.domain import logistic
    from customers.domain.absences.features import Counts
    from customers.domain.logistic import Flags

LOOKS_BACK = 6  # times, each four weeks before the one after it
LEARNED_FROM = 10_000  # customers
ENOUGH = 50  # who stayed away, and as many who did not: with fewer nothing is told
CHUNK = 20_000

_SQL = (Path(__file__).parents[2] / "sql" / "absences.sql").read_text(encoding="utf-8")
_NOTE = """
    UPDATE customers_rhythm old SET stays_away_percent = new.percent
    FROM customers_rhythm known
    LEFT JOIN unnest(%s::bigint[], %s::smallint[]) AS new (customer_id, percent) USING (customer_id)
    WHERE old.customer_id = known.customer_id AND known.customer_id > %s AND known.customer_id <= %s
        AND old.stays_away_percent IS DISTINCT FROM new.percent
"""


def refresh(*, at: datetime) -> int:
    """From the rhythms as they are, in chunks; of how many customers a chance is told. Nobody's where too few stayed
    away, or came, to learn from."""
    model = _learned(at)
    if model is None:
        Rhythm.objects.filter(stays_away_percent__isnull=False).update(stays_away_percent=None)
        return 0
    return sum(_note(model, after, last, at) for after, last in _chunks())


def _learned(at: datetime) -> logistic.Model | None:
    import numpy as np  # noqa: PLC0415 - heavy

    from customers.domain import logistic  # noqa: PLC0415
    from customers.domain.absences import features  # noqa: PLC0415

    every = max(1, Rhythm.objects.count() // LEARNED_FROM)
    tables, stayed = [], []
    for times in range(1, LOOKS_BACK + 1):
        until = at.date() - times * timedelta(days=features.AHEAD)
        _ids, counts, came = _counted(at, until, every=every)
        tables.append(features.table(counts))
        stayed.append(~came)
    happened = np.concatenate(stayed)
    if min(int(happened.sum()), int((~happened).sum())) < ENOUGH:
        return None
    return logistic.learn(np.concatenate(tables), happened)


def _chunks() -> Iterator[tuple[int, int]]:
    """(behind this id, up to that one)."""
    after = 0
    while ids := list(Rhythm.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        yield after, ids[-1]
        after = ids[-1]


def _note(model: logistic.Model, after: int, last: int, at: datetime) -> int:
    import numpy as np  # noqa: PLC0415

    from customers.domain.absences import features  # noqa: PLC0415

    ids, counts, _came = _counted(at, at.date(), after=after, last=last)
    percents = np.round(model.chances(features.table(counts)) * 100).astype(int).tolist()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_NOTE, [ids, percents, after, last])
    return len(ids)


def _counted(
    at: datetime, until: date, *, after: int = 0, last: int = 2**62, every: int = 1
) -> tuple[list[int], Counts, Flags]:
    """Ids, what is known up to that day, and who came in the days after it."""
    import numpy as np  # noqa: PLC0415

    from customers.domain.absences import features  # noqa: PLC0415

    told: dict[str, Any] = {"at": at, "until": until, "after": after, "last": last, "every": every}
    told |= {"recent": features.RECENT, "ahead": features.AHEAD, "weeks_days": features.WEEKS * 7}
    told |= {"days_min": features.DAYS_MIN, "seen_within": features.SEEN_WITHIN}
    with connection.cursor() as cursor:
        cursor.execute(_SQL, told)
        rows = cursor.fetchall()
    columns = np.array([row[1:10] for row in rows], dtype=np.float64).reshape(-1, 9).T
    return [row[0] for row in rows], features.Counts(*columns), np.array([row[10] for row in rows], dtype=bool)
