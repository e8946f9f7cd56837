"""What customers buy again and again, read from their purchases in sets."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

HISTORY = timedelta(days=730)
MEMORY_DAYS = 130.0  # exp(−age / 130) is a half-life of 90 days

_HABITS = """
    WITH bought AS (
        SELECT p.customer_id, l.product_id, (p.purchased_at AT TIME ZONE s.timezone)::date AS day,
            max(p.purchased_at) AS last_at
        FROM customers_purchase p
        JOIN customers_store s ON s.id = p.store_id
        JOIN customers_purchaseline l ON l.purchase_id = p.id
        WHERE p.customer_id = ANY(%(customers)s) AND p.purchased_at > %(since)s AND p.purchased_at <= %(at)s
        GROUP BY 1, 2, 3
    ), spaced AS (
        SELECT *, day - lag(day) OVER (PARTITION BY customer_id, product_id ORDER BY day) AS gap FROM bought
    ), returned AS (
        SELECT p.customer_id, l.product_id, max(r.returned_at) AS last_at
        FROM customers_purchase p
        JOIN customers_purchasereturn r ON r.purchase_id = p.id
        JOIN customers_purchasereturnline rl ON rl.purchase_return_id = r.id
        JOIN customers_purchaseline l ON l.id = rl.line_id
        WHERE p.customer_id = ANY(%(customers)s) AND r.returned_at <= %(at)s
        GROUP BY 1, 2
    ), habit AS (
        SELECT customer_id, product_id, count(*) AS times, max(day) AS last_on, max(last_at) AS last_at,
            percentile_disc(0.5) WITHIN GROUP (ORDER BY gap) AS every_days,
            count(*) >= 4 AND stddev_pop(gap) < 0.75 * avg(gap) AS is_regular,
            sum(exp((day - %(today)s) / %(memory)s::float)) AS weight
        FROM spaced GROUP BY 1, 2
    )
    SELECT h.customer_id, h.product_id, d.name, h.times, h.last_on, h.every_days, h.is_regular, h.weight,
        (d.discontinued_at IS NULL OR d.discontinued_at > %(at)s) AND (r.last_at IS NULL OR r.last_at < h.last_at)
    FROM habit h
    JOIN customers_product d ON d.id = h.product_id
    LEFT JOIN returned r ON r.customer_id = h.customer_id AND r.product_id = h.product_id
    ORDER BY h.customer_id, h.weight DESC, h.product_id
"""
_MOST_BOUGHT = """
    SELECT d.id, d.name
    FROM customers_purchase p
    JOIN customers_purchaseline l ON l.purchase_id = p.id
    JOIN customers_product d ON d.id = l.product_id
    WHERE p.customer_id IS NOT NULL AND p.purchased_at > %(since)s AND p.purchased_at <= %(at)s
        AND (d.discontinued_at IS NULL OR d.discontinued_at > %(at)s)
    GROUP BY 1 ORDER BY count(DISTINCT p.customer_id) DESC, 1 LIMIT %(limit)s
"""
_BUYERS = """
    SELECT DISTINCT p.customer_id, l.product_id
    FROM customers_purchase p
    JOIN customers_purchaseline l ON l.purchase_id = p.id
    WHERE p.customer_id = ANY(%(customers)s) AND l.product_id = ANY(%(products)s)
        AND p.purchased_at > %(since)s AND p.purchased_at <= %(at)s
"""


class Habit(NamedTuple):
    """A product on how many days, how regularly, and whether it may be recommended: not given up, not brought back.

    `weight` sums the days, each fading with its age. `every_days` is the median gap, None after a single day.
    """

    customer_id: int
    product_id: int
    name: str
    times: int
    last_on: date
    every_days: int | None
    is_regular: bool
    weight: float
    is_offered: bool

    def is_due(self, today: date) -> bool:
        """Not bought a moment ago, by its own rhythm. An exact due date would be no better than a guess."""
        return (today - self.last_on).days >= min(7, (self.every_days or 0) / 2)


def of_customers(customers: Sequence[int], *, at: datetime) -> dict[int, list[Habit]]:
    """By customer id, the heaviest habit first."""
    habits: dict[int, list[Habit]] = {customer: [] for customer in customers}
    with connection.cursor() as cursor:
        cursor.execute(_HABITS, _parameters(at, customers) | {"today": at.date(), "memory": MEMORY_DAYS})
        for habit in map(Habit._make, cursor.fetchall()):
            habits[habit.customer_id].append(habit)
    return habits


def most_bought(*, limit: int, at: datetime) -> dict[int, str]:
    """The products that most customers bought: id → name."""
    with connection.cursor() as cursor:
        cursor.execute(_MOST_BOUGHT, _parameters(at) | {"limit": limit})
        return dict(cursor.fetchall())


def buyers(customers: Sequence[int], products: Iterable[int], *, at: datetime) -> list[tuple[int, int]]:
    """(customer, product), each pair once."""
    with connection.cursor() as cursor:
        cursor.execute(_BUYERS, _parameters(at, customers) | {"products": list(products)})
        pairs: list[tuple[int, int]] = cursor.fetchall()
        return pairs


def _parameters(at: datetime, customers: Sequence[int] = ()) -> dict[str, Any]:
    return {"at": at, "since": at - HISTORY, "customers": list(customers)}
