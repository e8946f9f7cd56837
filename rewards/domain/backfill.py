"""Points for many purchases at once, at their own dates: to the point what each would have earned at its till."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from loyalty_site.lib import foreign_keys
from loyalty_site.lib.actors import Actor
from rewards.models import EarningKind, EarningRule, Program

# Each named like the file that makes it; the last two read the accounts, which are locked by then.
_TABLES = (
    "backfill_baskets",
    "backfill_awards",
    "backfill_returned",
    "backfill_claims",
    "backfill_in_turn",
    "backfill_events",
)
_SQL = Path(__file__).resolve().parent.parent / "sql"


@transaction.atomic
def award_purchases(*, purchases: Sequence[int], returns: Sequence[int] = (), by: Actor) -> int:
    """Awards what these purchases (ids) earned and takes back what these returns cost. Returns the points awarded.

    `returns` bring back goods of these purchases or of earlier ones. Purchases must not have been awarded before:
    IntegrityError. Points that lapsed long ago are booked as awarded; `points.expire` books the lapses.
    """
    if not purchases and not returns:
        return 0
    values = {
        "purchases": list(purchases),
        "returns": list(returns),
        "by": str(by),
        "currency": Program.objects.current().currency,
        "has_multipliers": EarningRule.objects.filter(kind=EarningKind.MULTIPLIER).exists(),
    }
    for table in _TABLES[:4]:
        _make(table, values)
    _lock_accounts()
    for table in _TABLES[4:]:
        _make(table, values)
    with foreign_keys.proven():
        _run("backfill_entries", values)
    _run("backfill_in_order")
    return _points_awarded()


def _lock_accounts() -> None:
    """In the order of customers, as everybody does who books for several; the balances are read in later statements."""
    with connection.cursor() as cursor:
        cursor.execute("""
            INSERT INTO rewards_pointsaccount (customer_id, balance, debt, last_seq)
            SELECT customer_id, 0, 0, 0 FROM (SELECT DISTINCT customer_id FROM backfill_awards ORDER BY 1) fresh
            ON CONFLICT DO NOTHING
        """)
        cursor.execute("""
            SELECT count(*) FROM (
                SELECT FROM rewards_pointsaccount
                WHERE customer_id IN (
                    SELECT customer_id FROM backfill_awards UNION SELECT customer_id FROM backfill_claims)
                ORDER BY customer_id FOR NO KEY UPDATE) locked
        """)


def _points_awarded() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(points), 0) FROM backfill_awards")
        points = int(cursor.fetchone()[0])
        cursor.execute(f"DROP TABLE {', '.join(_TABLES)}")
    return points


def _make(table: str, values: Mapping[str, Any]) -> None:
    _run(table, values)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")


def _run(name: str, values: Mapping[str, Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute((_SQL / f"{name}.sql").read_text(encoding="utf-8"), values)
