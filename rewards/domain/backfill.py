"""Points for many purchases at once, at their own dates: to the point what each would have earned at its till."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from loyalty_site.lib import foreign_keys
from loyalty_site.lib.actors import Actor
from rewards.domain import tiers
from rewards.models import EarningKind, EarningRule, Offer, OfferKind, Program, Tier

# Each named like the file that makes it. Those that are booked from read the accounts, which are locked by then.
_COMPUTED = ("backfill_baskets", "backfill_awards", "backfill_returned", "backfill_claims")
_BOOKED_FROM = ("backfill_in_turn", "backfill_events")
_SQL = Path(__file__).resolve().parent.parent / "sql"


@transaction.atomic
def award_purchases(*, purchases: Sequence[int], returns: Sequence[int] = (), by: Actor, at: datetime) -> int:
    """Awards what these purchases (ids) earned and takes back what these returns cost. Returns the points awarded.

    `returns` bring back goods of these purchases or of earlier ones. Purchases must not have been awarded before:
    IntegrityError. Points that lapsed long ago are booked as awarded; `points.expire` books the lapses. A tier's
    multiplier counts where the customer was known to be in it at the purchase's own time; tiers that are reached are
    reached as of `at`: nobody was in one before the programme knew of the purchases.
    """
    if not purchases and not returns:
        return 0
    with computed(purchases=purchases, returns=returns, by=by) as values:
        has_tiers = Tier.objects.filter(is_active=True).exists()
        _lock_accounts("backfill_baskets" if has_tiers else "backfill_awards", returns)
        if values["has_caps"]:
            _run("backfill_caps")
        for table in _BOOKED_FROM:
            _make(table, values)
        with foreign_keys.proven():
            _run("backfill_entries", values)
        _lapse_in_turn(at)
        _run("backfill_in_order")
        if has_tiers:
            _reach_tiers(by, at)
        _drop(_BOOKED_FROM)
        return _points_awarded()


@contextmanager
def computed(*, purchases: Sequence[int], returns: Sequence[int], by: Actor) -> Iterator[Mapping[str, Any]]:
    """While it is open the temporary tables `backfill_awards` and `backfill_claims` hold what these purchases earn by
    the rules of their time, and what these returns then take back, both before caps. Books nothing and locks nothing.
    """
    values = {"purchases": list(purchases), "returns": list(returns), "by": str(by), **_what_rules_need()}
    for table in _COMPUTED:
        _make(table, values)
    yield values
    _drop(_COMPUTED)


def _what_rules_need() -> dict[str, Any]:
    """What the statements must look at: what no rule asks for costs nothing."""
    program = Program.objects.current()
    multipliers = EarningRule.objects.filter(kind=EarningKind.MULTIPLIER)
    has_multipliers = multipliers.exists()
    has_coupons = Offer.objects.filter(kind=OfferKind.MULTIPLIER, published_at__isnull=False).exists()
    return {
        "currency": program.currency,
        "earns_on_tax": program.earns_on_tax,
        "needs_lines": has_multipliers or has_coupons or not program.earns_on_tax,
        "has_coupons": has_coupons,
        "has_tiers": multipliers.filter(tier__isnull=False).exists(),
        "has_windows": multipliers.exclude(weekdays=[], time_from__isnull=True).exists(),
        "has_caps": EarningRule.objects.filter(kind=EarningKind.CAP).exists(),
    }


def _lock_accounts(customers: str, returns: Sequence[int]) -> None:
    """Of the customers in a table and of those who bring something back, in their order, as everybody does who books
    for several; the balances are read in later statements."""
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_ACCOUNTS.format(customers=customers))
        cursor.execute(_LOCK_ACCOUNTS.format(customers=customers), [list(returns)])


_MAKE_ACCOUNTS = """
    INSERT INTO rewards_pointsaccount (customer_id, balance, debt, last_seq)
    SELECT customer_id, 0, 0, 0 FROM (SELECT DISTINCT customer_id FROM {customers} ORDER BY 1) fresh
    ON CONFLICT DO NOTHING
"""
_LOCK_ACCOUNTS = """
    SELECT count(*) FROM (
        SELECT FROM rewards_pointsaccount
        WHERE customer_id IN (
            SELECT customer_id FROM {customers}
            UNION
            SELECT purchase.customer_id
            FROM customers_purchasereturn back JOIN customers_purchase purchase ON purchase.id = back.purchase_id
            WHERE back.id = ANY (%s))
        ORDER BY customer_id FOR NO KEY UPDATE) locked
"""


def _lapse_in_turn(at: datetime) -> None:
    """So that it makes no difference whether the timetable was late: what is told late revives nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT points_lapse(ARRAY (SELECT customer_id FROM backfill_in_turn), %s)", [at])


def _reach_tiers(by: Actor, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT customer_id FROM backfill_baskets")
        customers = [customer for (customer,) in cursor.fetchall()]
    tiers.reach(customers=customers, by=by, at=at)


def _points_awarded() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(points), 0) FROM backfill_awards")
        return int(cursor.fetchone()[0])


def _drop(tables: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {', '.join(tables)}")


def _make(table: str, values: Mapping[str, Any]) -> None:
    _run(table, values)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")


def _run(name: str, values: Mapping[str, Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute((_SQL / f"{name}.sql").read_text(encoding="utf-8"), values)
