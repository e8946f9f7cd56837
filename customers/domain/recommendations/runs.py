"""Makes the customers' lists: everybody's each night, and soon after a purchase those of who bought."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import connection, transaction

from customers.domain import profiling, ratings
from customers.domain.recommendations import habits, memory, model, selection, tables
from customers.domain.recommendations.features import Crowd
from customers.domain.recommendations.lists import NEW_SLOTS, SIZE
from customers.domain.recommendations.memory import Learned
from customers.domain.recommendations.model import Model
from customers.domain.recommendations.selection import Pick, Popular, Selection
from customers.domain.recommendations.tables import Catalog
from customers.models import Customer, CustomerMerge, Recommendation, RecommendationRun

CHUNK = model.CHUNK
LEARNED_FROM = 10_000  # customers, drawn by chance where there are more
STALE_AT_ONCE = 500
KEPT = timedelta(days=60)
FEW_BASKETS = 3  # with fewer, stated preferences come before everything learned

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('customers_recommendation'))"
_STALE = """
    SELECT told.customer_id FROM (
        SELECT customer_id, max(greatest(recorded_at, purchased_at)) AS told_at FROM customers_purchase
        WHERE purchased_at > %(since)s AND purchased_at <= %(at)s AND customer_id IS NOT NULL GROUP BY 1
        UNION ALL
        SELECT p.customer_id, max(greatest(r.recorded_at, r.returned_at)) FROM customers_purchasereturn r
        JOIN customers_purchase p ON p.id = r.purchase_id
        WHERE r.returned_at > %(since)s AND r.returned_at <= %(at)s AND p.customer_id IS NOT NULL GROUP BY 1
    ) told
    JOIN customers_customer c ON c.id = told.customer_id AND c.closed_at IS NULL AND c.profiling_refused_at IS NULL
    WHERE NOT EXISTS (
        SELECT FROM customers_recommendation r WHERE r.customer_id = told.customer_id AND r.made_at >= told.told_at
    )
    GROUP BY 1
    ORDER BY EXISTS (SELECT FROM customers_recommendation WHERE customer_id = told.customer_id) DESC,
        max(told.told_at) DESC, 1
    LIMIT %(limit)s
"""

_STORED = """
    COPY customers_recommendation (customer_id, rank, product_id, kind, score, reason, made_at) FROM STDIN
"""

Done = Callable[[int], None]


class Listed(NamedTuple):
    """A row of `Recommendation`; `reason` as JSON."""

    customer_id: int
    rank: int
    product_id: int
    kind: str
    score: float
    reason: str
    made_at: datetime


def refresh(*, at: datetime) -> RecommendationRun:
    """Learns anew and makes the list of everybody who wants one; the row tells how far it is."""
    everybody = list(Customer.objects.filter(profiling.ALLOWED).order_by("pk").values_list("pk", flat=True))
    run = RecommendationRun.objects.create(started_at=at, customers=len(everybody))
    catalog = tables.catalog(at=at)
    learned = _learned(everybody, catalog, at)
    run.content = memory.pack(learned)
    run.save(update_fields=["content"])
    RecommendationRun.objects.filter(pk__lt=run.pk).update(content=b"")
    RecommendationRun.objects.filter(started_at__lt=at - KEPT).delete()

    def tell(done: int) -> None:
        RecommendationRun.objects.filter(pk=run.pk).update(done=done)

    _make(everybody, learned, catalog, at=at, tell=tell)
    run.refresh_from_db(fields=["done"])
    run.is_finished = True
    run.save(update_fields=["is_finished"])
    return run


def refresh_stale(*, at: datetime) -> int:
    """The lists of customers who bought or brought back something since theirs was made, with what was learned last.
    Where there are more than STALE_AT_ONCE, first those that show a list made without it, the latest first: an empty
    list, which looks like none, keeps nobody waiting. Returns how many; 0 before anything was learned."""
    with connection.cursor() as cursor:
        cursor.execute(_STALE, {"since": at - timedelta(days=2), "at": at, "limit": STALE_AT_ONCE})
        stale = sorted(customer for (customer,) in cursor.fetchall())
    run = RecommendationRun.objects.exclude(content=b"").order_by("-pk").first() if stale else None
    learned = memory.unpack(bytes(run.content)) if run else None
    if learned is None:
        return 0
    catalog = tables.catalog(at=at).of(learned.product_ids)
    _make(stale, learned, catalog, at=at, tell=lambda done: None)
    return len(stale)


def _learned(everybody: Sequence[int], catalog: Catalog, at: datetime) -> Learned:
    some = everybody
    if len(everybody) > LEARNED_FROM:
        draws = np.random.default_rng(model.SEED)
        some = np.sort(draws.choice(np.array(everybody), LEARNED_FROM, replace=False)).tolist()
    bought, today = tables.baskets(some, catalog, at=at)
    found = model.learn(bought)
    tomorrow = int(today.max(initial=0)) + 1  # what is sold today counts
    popularity = memory.frozen(found.crowd.popularity, products=len(catalog.ids), today=tomorrow)
    frozen = Model(Crowd(found.crowd.rhythms, found.crowd.likeness, popularity), found.weights)
    return Learned(frozen, catalog.ids, tables.popular(catalog, at=at))


def _make(customers: Sequence[int], learned: Learned, catalog: Catalog, *, at: datetime, tell: Done) -> None:
    for first in range(0, len(customers), CHUNK):
        chunk = left = customers[first : first + CHUNK]
        while left:
            said = _said(left)
            left = _replace(left, list(_rows(left, learned, catalog, at)), said)
        tell(first + len(chunk))


def _rows(chunk: Sequence[int], learned: Learned, catalog: Catalog, at: datetime) -> Iterator[Listed]:
    bought, today = tables.baskets(chunk, catalog, at=at)
    barred = tables.barred(chunk, catalog, at=at)
    likes = tables.likes(chunk)
    ((_, ranked),) = learned.model.rank(bought, today)
    picks = Selection(
        ranked,
        habits.rhythm(bought, catalog.goods.name),
        learned.model.crowd.likeness,
        catalog.goods,
        barred=barred,
        today=today,
    )
    visits = bought.ends - bought.begins
    for place, customer in enumerate(chunk):
        found = picks.of(place, size=SIZE, new_slots=NEW_SLOTS)
        if visits[place] < FEW_BASKETS:
            found = found[: SIZE // 2]
        more = _unasked(learned.popular, *likes.get(customer, (0, [])))
        for rank, pick in enumerate(picks.filled(place, found, more, size=SIZE), start=1):
            yield _row(customer, rank, pick, catalog, at)


def _unasked(popular: Popular, store: int, categories: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """For who says little by buying: the stated preferences by turns, then the home store, then everybody's."""
    liked = [(popular.products(selection.IN_CATEGORY, category), category) for category in categories]
    for place in range(tables.POPULAR):
        for products, category in liked:
            if place < len(products):
                yield products[place], {"category": category}
    for product in popular.products(selection.IN_STORE, store):
        yield product, {"store": store}
    for product in popular.products(selection.EVERYWHERE):
        yield product, {"everywhere": True}


def _row(customer: int, rank: int, pick: Pick, catalog: Catalog, at: datetime) -> Listed:
    reason = dict(pick.reason)
    if "because" in reason:
        reason["because"] = int(catalog.ids[reason["because"]])
    if "last_day" in reason:
        reason["last_on"] = (tables.DAY_ZERO + timedelta(days=reason.pop("last_day"))).isoformat()
    product = int(catalog.ids[pick.product])
    return Listed(customer, rank, product, pick.kind, pick.score, json.dumps(reason), at)


@transaction.atomic
def _replace(customers: Sequence[int], rows: Sequence[Listed], said: set[tuple[int, str, Any]]) -> list[int]:
    """Leaves out who switched recommendations off, left or was merged while the rows were made: whoever does such a
    thing waits for the customer's row. Returns those of whom something else was `_said` meanwhile: they have none."""
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
    still = Customer.objects.select_for_update(no_key=True).filter(profiling.ALLOWED, pk__in=customers)
    wanted = set(still.order_by("pk").values_list("pk", flat=True))
    changed = {customer for customer, _kind, _of in said ^ _said(customers)}
    kept = wanted - changed
    Recommendation.objects.filter(customer__in=customers).delete()
    with connection.cursor() as cursor, cursor.copy(_STORED) as copy:
        for row in rows:
            if row.customer_id in kept:
                copy.write_row(row)
    return sorted(changed)


def _said(customers: Sequence[int]) -> set[tuple[int, str, Any]]:
    """Of these customers the merges, and what they rated badly."""
    said = {(customer, "rated", tuple(of)) for customer, *of in ratings.bad(customers=customers)}
    for side in ("source", "target"):
        merged = CustomerMerge.objects.filter(**{f"{side}__in": customers}).values_list(side, "pk", "undone_at")
        said |= {(customer, side, tuple(of)) for customer, *of in merged}
    return said
