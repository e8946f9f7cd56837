"""Replays history under a draft, in a transaction that is rolled back, and compares it with what is in the books."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty_site.lib.errors import DomainError
from rewards.domain.simulation import history
from rewards.domain.simulation.draft import Draft
from rewards.domain.simulation.replay import Account, Event
from rewards.models import Program, ShortfallPolicy, Tier, TierBasis

CUSTOMERS_AT_ONCE = 2000
_ONE_AT_A_TIME = 7_203  # an advisory lock: each would wait for the other's programme


class SimulationBusy(DomainError):
    code = "simulation_busy"
    message = gettext_lazy("History is being replayed for somebody else; please try again in a minute.")


@dataclass(slots=True)
class Side:
    """Points since the first day: as it was, or as it would have been. `outstanding` and `debt` are of now.

    `uncovered` are points that customers spent in truth and would not have had.
    """

    awarded: int = 0
    taken_back: int = 0
    spent: int = 0
    uncovered: int = 0
    lapsed: int = 0
    outstanding: int = 0
    debt: int = 0

    def add(self, account: Account) -> None:
        self.awarded += account.awarded
        self.taken_back += account.taken_back
        self.spent += account.spent
        self.uncovered += account.uncovered
        self.lapsed += account.lapsed
        self.outstanding += account.outstanding
        self.debt += account.debt


@dataclass(slots=True)
class TierCount:
    """How many customers' purchases of the window reach this tier today, and no higher one; `tier` None: none."""

    tier: Tier | None
    was: int = 0
    would_be: int = 0


@dataclass(slots=True)
class Outcome:
    """What would have come of a draft. Customers are counted by the points that their purchases earned since then.

    `tiers` are in order of their rank. Amounts are points; one is worth `point_value_minor` of `currency`.
    """

    since: datetime
    at: datetime
    currency: str
    point_value_minor: int
    was: Side = field(default_factory=Side)
    would_be: Side = field(default_factory=Side)
    customers_more: int = 0
    customers_fewer: int = 0
    customers_same: int = 0
    tiers: list[TierCount] = field(default_factory=list)
    tiers_up: int = 0
    tiers_down: int = 0

    def rows(self) -> list[tuple[str, int, int]]:
        """Title, as it was, as it would be; then the customers of each tier."""
        titles = {
            "awarded": _("Earned by purchases"),
            "taken_back": _("Taken back by returns"),
            "spent": _("Spent"),
            "uncovered": _("Spent in truth, not there"),
            "lapsed": _("Lapsed"),
            "outstanding": _("Owed now"),
            "debt": _("Debts now"),
        }
        points = [(title, getattr(self.was, name), getattr(self.would_be, name)) for name, title in titles.items()]
        if len(self.tiers) < 2:
            return points
        tiers = [(str(count.tier) if count.tier else _("No tier"), count.was, count.would_be) for count in self.tiers]
        return points + tiers

    @property
    def cost_minor(self) -> int:
        """The worth of what purchases would have earned beyond what they did, less what returns take back of it."""
        more = self.would_be.awarded - self.would_be.taken_back - self.was.awarded + self.was.taken_back
        return more * self.point_value_minor

    @property
    def liability_change_minor(self) -> int:
        return (self.would_be.outstanding - self.was.outstanding) * self.point_value_minor


def run(*, draft: Draft, since: datetime, at: datetime, progress: Callable[[int, int], None] | None = None) -> Outcome:
    """What would be different at `at` if the draft had been in force since `since`. Writes nothing.

    What happened keeps the order in which the programme learnt of it: points of a sale that a till told late have the
    dates of the sale, and nobody could spend them before they were told. Customers who were merged are one from the first day. Points of before keep the terms under which they were earned.
    Who was in which tier, and so earned by its multiplier, stays as it was. `progress` is told how many of how many
    customers are done. While it runs, changes of the programme and of earning rules wait. Not inside a transaction.
    Raises DraftInvalid, SimulationBusy.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")  # sales go on meanwhile
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [_ONE_AT_A_TIME])
            if not cursor.fetchone()[0]:
                raise SimulationBusy
        try:
            return _Simulation(draft, since, at, progress or _tell_nobody).outcome()
        finally:
            transaction.set_rollback(True)


def _tell_nobody(done: int, total: int) -> None:
    pass


class _Simulation:
    def __init__(self, draft: Draft, since: datetime, at: datetime, progress: Callable[[int, int], None]) -> None:
        program = Program.objects.current()
        self.draft, self.since, self.at, self.progress = draft, since, at, progress
        self.found = Outcome(since, at, program.currency, program.point_value_minor)
        self.owner = history.owners()

    def outcome(self) -> Outcome:
        customers = sorted(set(self.owner.values()))
        pages = [customers[n : n + CUSTOMERS_AT_ONCE] for n in range(0, len(customers), CUSTOMERS_AT_ONCE)]
        before = {tier.pk: tier for tier in self._ladder()}
        reached = self._reached(pages, list(before.values()))
        self.draft.apply(since=self.since)
        ladder = self._ladder()
        counts: dict[int | None, TierCount] = {tier.pk: TierCount(tier) for tier in ladder}
        counts[None] = TierCount(None)
        self.found.tiers = [counts[None], *(counts[tier.pk] for tier in reversed(ladder))] if ladder else []
        keeps_debts = Program.objects.current().shortfall_policy == ShortfallPolicy.DEBT
        for number, page in enumerate(pages):
            self.progress(number * CUSTOMERS_AT_ONCE, len(customers))
            earned = self._replay(page, keeps_debts)
            if ladder:
                self._count_tiers(page, ladder, counts, reached, earned)
        return self.found

    def _ladder(self) -> list[Tier]:
        """The highest first."""
        return list(Tier.objects.filter(is_active=True).order_by("-rank"))

    def _reached(self, pages: Sequence[Sequence[int]], ladder: Sequence[Tier]) -> Mapping[int, Tier | None]:
        standings = (row for page in pages if ladder for row in self._standings(page))
        return {customer: _highest(ladder, counted) for customer, counted, _since, _basis in standings}

    def _standings(self, page: Sequence[int]) -> list[tuple[Any, ...]]:
        return history.rows("standings", {"customers": list(page), "at": self.at})

    def _replay(self, page: Sequence[int], keeps_debts: bool) -> Mapping[int, Sequence[Event]]:
        """Counts what was and what would be; returns what happened under the draft, by customer."""
        values = self._values(page)
        lots = history.opening_lots(values, self.owner)
        happened = history.events(values["customers"], self.owner, since=self.since, at=self.at)
        truth = history.sums("truth", values, self.owner)
        for customer in page:
            awarded, taken_back, spent, lapsed, outstanding, debt, debt_before = truth.get(customer, (0,) * 7)
            account = Account(keeps_debts, lots=lots.get(customer, []), debt=debt_before)
            account.replay(happened.get(customer, ()), until=self.at)
            was = Side(awarded, taken_back, spent, 0, lapsed, outstanding, debt)
            self._compare(was, account)
        return happened

    def _values(self, page: Sequence[int]) -> dict[str, Any]:
        """With all accounts of these customers: theirs, and of who was merged into them."""
        wanted = set(page)
        customers = [customer for customer, owner in self.owner.items() if owner in wanted]
        return {"customers": customers, "since": self.since, "at": self.at}

    def _compare(self, was: Side, account: Account) -> None:
        for name in Side.__dataclass_fields__:
            setattr(self.found.was, name, getattr(self.found.was, name) + getattr(was, name))
        self.found.would_be.add(account)
        more = (account.awarded - account.taken_back) - (was.awarded - was.taken_back)
        self.found.customers_more += more > 0
        self.found.customers_fewer += more < 0
        self.found.customers_same += more == 0

    def _count_tiers(
        self,
        page: Sequence[int],
        ladder: Sequence[Tier],
        counts: Mapping[int | None, TierCount],
        reached: Mapping[int, Tier | None],
        happened: Mapping[int, Sequence[Event]],
    ) -> None:
        actual = history.sums("counted_since", self._values(page), self.owner)
        for customer, counted, counts_from, basis in self._standings(page):
            if basis == TierBasis.POINTS:
                counted += _earned(happened.get(customer, ()), max(counts_from, self.since)) - sum(
                    actual.get(customer, ())
                )
            was, now = reached.get(customer), _highest(ladder, counted)
            counts[was.pk if was else None].was += 1
            counts[now.pk if now else None].would_be += 1
            self.found.tiers_up += _rank(now) > _rank(was)
            self.found.tiers_down += _rank(now) < _rank(was)


def _earned(happened: Sequence[Event], since: datetime) -> int:
    """What purchases made since then earned and kept."""
    within = {event.award for event in happened if event.kind == "lot" and event.award and event.at >= since}
    return sum(event.points if event.kind == "lot" else -event.points for event in happened if event.award in within)


def _highest(ladder: Sequence[Tier], counted: int) -> Tier | None:
    return next((tier for tier in ladder if tier.threshold <= counted), None)


def _rank(tier: Tier | None) -> int:
    return -1 if tier is None else tier.rank
