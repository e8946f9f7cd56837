"""Lucky draws drawn again: what an auditor compares with what was given."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db import connection

from customers.models import Customer
from loyalty_site.lib import statements
from rewards.domain.surprises.timetable import CATCH_UP_DAYS
from rewards.models import DrawOutcome, SurpriseRule


class Difference(StrEnum):
    """What is wrong with a purchase of a lucky draw."""

    NOT_DRAWN = "not_drawn"  # recorded or given, and the seed does not draw it
    NOT_LOOKED_AT = "not_looked_at"  # drawn, and nobody looked
    NOT_RECORDED = "not_recorded"  # given, and no row of the draw says so
    NOT_GIVEN = "not_given"  # said to be given, and there is no surprise


@dataclass(frozen=True, slots=True)
class Drawn:
    """One purchase of a customer, as the seed draws its `lot` now and as it was booked. `difference` is None where both
    say the same."""

    purchase_id: int
    lot: int
    store: str
    receipt_number: str
    purchased_at: datetime
    is_drawn: bool
    outcome: DrawOutcome | None
    surprise_id: int | None
    difference: Difference | None


def tell_in_turn(*, customer: Customer) -> None:
    """Whoever else tells of a purchase of the customer waits from here on until this transaction ends. So of those of a
    day the first that anybody sees has the lowest number, and there is one lot, however many tills tell at once."""
    statements.rows("SELECT pg_advisory_xact_lock(hashtextextended('draws:' || %s, 0))", (str(customer.pk),))


def is_drawn(*, seed: str, chance_percent: Decimal, lot: int) -> bool:
    """As anybody can compute it: see surprises_is_drawn, its twin in SQL."""
    digest = hashlib.sha256(f"{seed}:purchase:{lot}".encode()).digest()
    return int.from_bytes(digest[:8]) % 10_000 < chance_percent * 100


def replay(*, rule: SurpriseRule, since: datetime, until: datetime, at: datetime) -> Iterator[Drawn]:
    """Every purchase of a customer in [since, until) while the rule was active, in their order, drawn here again by
    `seed` and not by what the database computed. Purchases that are younger than the timetable's reach, or were told
    only after it, are not missed yet; nor are those whose lot was looked at for another purchase of the day.

    The lot that a row names counts where it can be one: of that day, not later, the customer's or of who became them.
    """
    assert rule.activated_at is not None
    assert rule.chance_percent is not None
    first = max(since, rule.active_from, rule.activated_at)
    last = min(moment for moment in (until, rule.active_to, rule.ended_at, at) if moment)
    values: dict[str, Any] = {"rule": rule.pk, "since": first, "until": last, "currency": rule.currency}
    with connection.cursor() as cursor:
        cursor.execute(_BOUGHT, values)
        bought = cursor.fetchall()
    for pk, lot, is_looked_at, store, receipt, purchased_at, recorded_at, outcome, surprise in bought:
        drawn = lot is not None and is_drawn(seed=rule.seed, chance_percent=rule.chance_percent, lot=lot)
        told_late = (recorded_at - purchased_at).days >= CATCH_UP_DAYS
        may_wait = not rule.at_till and (at - purchased_at).days < CATCH_UP_DAYS
        is_excused = told_late or may_wait or is_looked_at
        difference = _difference(drawn, outcome, surprise, is_excused=is_excused)
        came_of_it = DrawOutcome(outcome) if outcome else None
        yield Drawn(pk, lot or pk, store, receipt, purchased_at, drawn, came_of_it, surprise, difference)


def _difference(drawn: bool, outcome: str | None, surprise: int | None, *, is_excused: bool) -> Difference | None:
    is_given = outcome in (DrawOutcome.GIVEN, DrawOutcome.HOLDOUT)
    if not drawn and (outcome or surprise):
        return Difference.NOT_DRAWN
    if surprise and not is_given:
        return Difference.NOT_RECORDED
    if is_given and not surprise:
        return Difference.NOT_GIVEN
    return Difference.NOT_LOOKED_AT if drawn and not outcome and not is_excused else None


_BOUGHT = """
    SELECT bought.id, drawn_by.lot, EXISTS (
               SELECT FROM rewards_surprisedraw other
               WHERE other.rule_id = %(rule)s AND COALESCE(other.lot_id, other.purchase_id) = drawn_by.lot
                 AND other.purchase_id <> bought.id AND other.outcome <> 'RETURNED'),
           store.code, bought.receipt_number, bought.purchased_at, bought.recorded_at, draw.outcome, given.id
    FROM customers_purchase bought
    JOIN customers_store store ON store.id = bought.store_id
    CROSS JOIN points_terms() terms
    CROSS JOIN LATERAL (SELECT date_trunc('day', bought.purchased_at AT TIME ZONE terms.timezone)) AS bought_on (day)
    LEFT JOIN rewards_surprisedraw draw ON draw.rule_id = %(rule)s AND draw.purchase_id = bought.id
    LEFT JOIN rewards_surprise given ON given.rule_id = %(rule)s AND given.purchase_id = bought.id
    CROSS JOIN LATERAL (SELECT CASE
        WHEN draw.id IS NULL THEN (
            SELECT min(first.id + 0) FROM customers_purchase first  -- not along the ids of the whole chain
            WHERE first.customer_id = bought.customer_id AND first.id <= bought.id
              AND first.purchased_at >= day AT TIME ZONE terms.timezone
              AND first.purchased_at < (day + interval '1 day') AT TIME ZONE terms.timezone)
        ELSE (
            SELECT first.id FROM customers_purchase first
            WHERE first.id = COALESCE(draw.lot_id, bought.id) AND first.id <= bought.id
              AND first.purchased_at >= day AT TIME ZONE terms.timezone
              AND first.purchased_at < (day + interval '1 day') AT TIME ZONE terms.timezone
              AND first.customer_id IN (SELECT points_relatives(bought.customer_id)))
        END) AS drawn_by (lot)
    WHERE bought.purchased_at >= %(since)s AND bought.purchased_at < %(until)s AND bought.currency = %(currency)s
      AND bought.customer_id IS NOT NULL
    ORDER BY bought.purchased_at, bought.id
"""
