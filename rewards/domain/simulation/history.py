"""What happened to the points of some customers, read for a replay."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q

from customers.models import Purchase, PurchaseReturn
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import backfill
from rewards.domain.points import GRACE_DAYS
from rewards.domain.simulation.caps import Cap, Counter
from rewards.domain.simulation.merging import Happened, Joined, Merges, Standing, Step
from rewards.domain.simulation.replay import Event, Lot, Part
from rewards.models import EarningKind, EarningRule, Program

_SQL = Path(__file__).resolve().parents[2] / "sql"


def rows(name: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Of rewards/sql/simulation_<name>.sql."""
    with connection.cursor() as cursor:
        cursor.execute((_SQL / f"simulation_{name}.sql").read_text(encoding="utf-8"), values)
        return list(cursor.fetchall())


def sums(name: str, values: Mapping[str, Any]) -> Mapping[int, Sequence[int]]:
    """The columns after the customer's, by customer."""
    return {customer: numbers for customer, *numbers in rows(name, values)}


def opening_lots(values: Mapping[str, Any]) -> Mapping[int, list[Lot]]:
    """By the customer in whose account they stood."""
    lots: dict[int, list[Lot]] = defaultdict(list)
    for customer, points, available_at, expires_at, award, moves, lapsed, known_at, homes in rows("lots", values):
        lot = Lot(points, available_at, expires_at, award, moves, lapsed, known_at, frozenset(homes))
        lots[customer].append(lot)
    return lots


def joined(steps: Sequence[Step]) -> Mapping[int, Joined]:
    """What the merges that these steps undo did when they were made, by merge."""
    made: dict[int, Joined] = defaultdict(Joined)
    values = {"merges": [step.merge for step in steps]}
    for merge, debt, points, *lot in rows("joined", values) if steps else ():
        made[merge].debt = debt
        if points and debt:
            made[merge].paid.append(Part(Lot(0, *lot), points))
        elif points:
            made[merge].repaid.append(Lot(points, *lot))
    return made


def happened(
    customers: Sequence[int], merges: Merges, *, since: datetime, at: datetime
) -> Mapping[int, list[Happened]]:
    """By group of customers whom merges ever joined, in the order in which the programme learnt of it, under the rules
    in force in this transaction: in whose account what happened, and when accounts became one or two.

    A return of a till counts from when it was told, one of a file from when it was."""
    program = Program.objects.current()
    purchases = Purchase.objects.filter(customer__in=customers, purchased_at__gte=since, purchased_at__lte=at)
    told = set(purchases.values_list("pk", flat=True))
    values = {"customers": list(customers), "since": since, "grace_days": GRACE_DAYS}
    with backfill.computed(purchases=list(told), returns=_returns(customers, since, at), by=SYSTEM):
        found = rows("events", values)
    standing = merges.since(since, customers)
    story = _Story(told, merges, standing, _counters(values, ZoneInfo(program.timezone)))
    for row in found:
        story.steps(until=row[1])
        story.event(row)
    story.steps(until=at + timedelta.resolution)
    return story.made


def _returns(customers: Sequence[int], since: datetime, at: datetime) -> list[int]:
    is_file = Q(fingerprint=b"")
    found = PurchaseReturn.objects.filter(
        is_file & Q(returned_at__gte=since) | ~is_file & Q(recorded_at__gte=since),
        purchase__customer__in=customers,
        returned_at__lte=at,
    )
    return list(found.values_list("pk", flat=True))


@dataclass(slots=True)
class _Story:
    """`told` are the purchases that the draft's rules judge, `earned` the counters of those that earned by now."""

    told: set[int]
    merges: Merges
    standing: Standing
    counters: Mapping[int, Counter]
    earned: dict[int, Counter] = field(default_factory=dict)
    made: dict[int, list[Happened]] = field(default_factory=lambda: defaultdict(list))

    def steps(self, *, until: datetime) -> None:
        for step in self.standing.until(until):
            self.made[self.merges.group_of(step.source)].append((step, self.standing.family(step.source)))

    def event(self, row: tuple[Any, ...]) -> None:
        """None for what earns nothing under the draft, nor can a return of it take anything back."""
        (customer, known_at, at, kind, points, after, award, entry) = row[:8]
        (available_at, expires_at, idle_until, moves, open_at) = row[8:]
        if kind == "take_back" or award in self.told and kind == "lot":
            customer = self.merges.first.get(award, customer)
        account = self.standing.owner(customer)
        if kind == "take_back":
            if award in self.told and award not in self.earned:
                return
            counter = self.earned.get(award) or self.counters[customer]
            points = counter.taken_back(points, after, purchase=award, earned_at=available_at)
        elif kind == "lot" and award in self.told:
            points = self._earn(points, account, award, at, known_at)
        if points:
            lot = Lot(points, available_at, expires_at, award, moves) if kind not in ("spend", "take_back") else None
            event = Event(at, kind, points, lot, award, idle_until, entry, known_at, open_at)
            self.made[self.merges.group_of(account)].append((account, event))

    def _earn(self, points: int, account: int, purchase: int, at: datetime, known_at: datetime) -> int:
        counter = self.earned[purchase] = self.counters[account]
        family = [self.counters[one] for one in self.standing.family(account)] if counter.caps else [counter]
        return counter.left_of(points, purchase=purchase, at=at, known_at=known_at, family=family)


def _counters(values: Mapping[str, Any], timezone: ZoneInfo) -> Mapping[int, Counter]:
    """By account."""
    rules = EarningRule.objects.filter(kind=EarningKind.CAP).order_by("code")
    caps = [Cap(rule.points or 0, rule.cap_period, rule.valid_from, rule.valid_to) for rule in rules]
    counters: dict[int, Counter] = defaultdict(partial(Counter, caps, timezone))
    for customer, at, points, known_at in rows("counted_before", values) if caps else ():
        counters[customer].waiting.append((known_at, at, points))
    return counters
