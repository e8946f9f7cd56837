"""What happened to the points of some customers, read for a replay."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q

from customers.models import Customer, Purchase, PurchaseReturn
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import backfill
from rewards.domain.points import GRACE_DAYS
from rewards.domain.simulation.caps import Cap, Counter
from rewards.domain.simulation.replay import Event, Lot
from rewards.models import EarningKind, EarningRule, Program

_SQL = Path(__file__).resolve().parents[2] / "sql"


def rows(name: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Of rewards/sql/simulation_<name>.sql."""
    with connection.cursor() as cursor:
        cursor.execute((_SQL / f"simulation_{name}.sql").read_text(encoding="utf-8"), values)
        return list(cursor.fetchall())


def owners() -> Mapping[int, int]:
    """Who stands for each customer now: the last one in the chain of merges. One person's accounts are one."""
    into = dict(Customer.objects.order_by("pk").values_list("pk", "merged_into"))
    found = {}
    for customer in into:
        owner = customer
        while (target := into[owner]) is not None:
            owner = target
        found[customer] = owner
    return found


def sums(name: str, values: Mapping[str, Any], owner: Mapping[int, int]) -> Mapping[int, Sequence[int]]:
    """The columns after the customer's, by owner."""
    found: dict[int, Sequence[int]] = {}
    for customer, *numbers in rows(name, values):
        before = found.get(owner[customer], [0] * len(numbers))
        found[owner[customer]] = [one + other for one, other in zip(before, numbers, strict=True)]
    return found


def opening_lots(values: Mapping[str, Any], owner: Mapping[int, int]) -> Mapping[int, list[Lot]]:
    """By owner."""
    lots: dict[int, list[Lot]] = defaultdict(list)
    for customer, *lot in rows("lots", values):
        lots[owner[customer]].append(Lot(*lot))
    return lots


def events(
    customers: Sequence[int], owner: Mapping[int, int], *, since: datetime, at: datetime
) -> Mapping[int, list[Event]]:
    """By owner, in the order in which the programme learnt of them, under the rules in force in this transaction.

    A return of a till counts from when it was told, one of a file from when it was."""
    program = Program.objects.current()
    purchases = Purchase.objects.filter(customer__in=customers, purchased_at__gte=since, purchased_at__lte=at)
    is_file = Q(fingerprint=b"")
    returns = PurchaseReturn.objects.filter(
        is_file & Q(returned_at__gte=since) | ~is_file & Q(recorded_at__gte=since),
        purchase__customer__in=customers,
        returned_at__lte=at,
    )
    told = set(purchases.values_list("pk", flat=True))
    values = {"customers": list(customers), "since": since, "grace_days": GRACE_DAYS}
    with backfill.computed(purchases=list(told), returns=list(returns.values_list("pk", flat=True)), by=SYSTEM):
        found = rows("events", values)
    counters = _counters(values, owner, ZoneInfo(program.timezone))
    made: dict[int, list[Event]] = defaultdict(list)
    awarded: set[int] = set()
    for customer, *row in found:
        made[owner[customer]].extend(_event(row, counters[owner[customer]], told, awarded))
    return made


def _event(row: list[Any], counter: Counter, told: set[int], awarded: set[int]) -> Iterator[Event]:
    """None for what earns nothing under the draft, nor can a return of it take anything back."""
    known_at, at, kind, points, after, purchase, entry, available_at, expires_at, idle_until, moves, open_at = row
    if kind == "take_back":
        if purchase in told and purchase not in awarded:
            return
        points = counter.taken_back(points, after, purchase=purchase)
    elif purchase in told:
        points = counter.left_of(points, purchase=purchase, at=at, known_at=known_at)
        awarded.add(purchase)
    if points:
        lot = Lot(points, available_at, expires_at, purchase, moves) if kind not in ("spend", "take_back") else None
        yield Event(at, kind, points, lot, purchase, idle_until, entry, known_at, open_at)


def _counters(values: Mapping[str, Any], owner: Mapping[int, int], timezone: ZoneInfo) -> Mapping[int, Counter]:
    rules = EarningRule.objects.filter(kind=EarningKind.CAP).order_by("code")
    caps = [Cap(rule.points or 0, rule.cap_period, rule.valid_from, rule.valid_to) for rule in rules]
    counters: dict[int, Counter] = defaultdict(partial(Counter, caps, timezone))
    for customer, at, points, known_at in rows("counted_before", values) if caps else ():
        counters[owner[customer]].waiting.append((known_at, at, points))
    return counters
