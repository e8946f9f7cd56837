"""Replays history under a draft, in a transaction that is rolled back, and compares it with what is in the books."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Customer
from loyalty_site.lib.errors import DomainError
from rewards.domain.simulation import history, merging
from rewards.domain.simulation.draft import Draft
from rewards.domain.simulation.merging import Happened, Relatives
from rewards.domain.simulation.replay import Account, Event
from rewards.models import Program, ShortfallPolicy, Tier, TierBasis

CUSTOMERS_AT_ONCE = 2000
Page = Mapping[int, list[int]]
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

    def add(self, account: "Account | Side") -> None:
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
    dates of the sale, and nobody could spend them before they were told. Customers who were merged are one from then
    on, and two again when that was undone; they are counted as who they are now. Points of before keep the terms under
    which they were earned.
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
        self.merges = merging.read()

    def outcome(self) -> Outcome:
        customers = sorted(Customer.objects.values_list("pk", flat=True), key=lambda pk: (self.merges.group_of(pk), pk))
        pages = list(self._pages(customers))
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

    def _pages(self, customers: Sequence[int]) -> Iterator[Mapping[int, list[int]]]:
        """Customers by group of those whom merges ever joined, many groups at once."""
        page: dict[int, list[int]] = {}
        for group, members in itertools.groupby(customers, self.merges.group_of):
            page[group] = list(members)
            if len(page) == CUSTOMERS_AT_ONCE:
                yield page
                page = {}
        yield page

    def _ladder(self) -> list[Tier]:
        """The highest first."""
        return list(Tier.objects.filter(is_active=True).order_by("-rank"))

    def _reached(self, pages: Sequence[Page], ladder: Sequence[Tier]) -> Mapping[int, Tier | None]:
        standings = (row for page in pages if ladder for row in self._standings(page))
        return {customer: _highest(ladder, counted) for customer, counted, _since, _basis in standings}

    def _standings(self, page: Page) -> list[tuple[Any, ...]]:
        """Of those who stand for themselves now."""
        owners = [one for members in page.values() for one in members if one not in self.merges.into]
        return history.rows("standings", {"customers": owners, "at": self.at})

    def _replay(self, page: Page, keeps_debts: bool) -> Mapping[int, Sequence[Happened]]:
        """Counts what was and what would be; returns what happened under the draft, by group."""
        values = self._values(page)
        lots = history.opening_lots(values)
        happened = history.happened(values["customers"], self.merges, since=self.since, at=self.at)
        truth = history.sums("truth", values)
        undone = self.merges.since(self.since, values["customers"]).to_be_undone()
        joined = history.joined(undone)
        for group, members in page.items():
            known = {one: truth.get(one, (0,) * 7) for one in members}
            accounts = {one: Account(one, keeps_debts, lots.get(one, []), known[one][-1]) for one in members}
            for account in accounts.values():
                account.relatives, account.spendings = list(accounts.values()), accounts[members[0]].spendings
            relatives = Relatives(accounts)
            for step in undone:
                if step.source in accounts:
                    relatives.remember(step, joined[step.merge])
            relatives.replay(happened.get(group, ()), until=self.at)
            self._compare(known, accounts)
        return happened

    def _values(self, page: Page) -> dict[str, Any]:
        customers = [one for members in page.values() for one in members]
        return {"customers": customers, "since": self.since, "at": self.at}

    def _compare(self, known: Mapping[int, Sequence[int]], accounts: Mapping[int, Account]) -> None:
        """One person's accounts are one."""
        more: dict[int, int] = defaultdict(int)
        for customer, account in accounts.items():
            awarded, taken_back, spent, lapsed, outstanding, debt, _debt_before = known[customer]
            self.found.was.add(Side(awarded, taken_back, spent, 0, lapsed, outstanding, debt))
            self.found.would_be.add(account)
            more[self.merges.owner(customer)] += account.awarded - account.taken_back - awarded + taken_back
        self.found.customers_more += sum(points > 0 for points in more.values())
        self.found.customers_fewer += sum(points < 0 for points in more.values())
        self.found.customers_same += sum(points == 0 for points in more.values())

    def _count_tiers(
        self,
        page: Page,
        ladder: Sequence[Tier],
        counts: Mapping[int | None, TierCount],
        reached: Mapping[int, Tier | None],
        happened: Mapping[int, Sequence[Happened]],
    ) -> None:
        actual: dict[int, int] = defaultdict(int)
        for account, (points,) in history.sums("counted_since", self._values(page)).items():
            actual[self.merges.owner(account)] += points
        for customer, counted, counts_from, basis in self._standings(page):
            if basis == TierBasis.POINTS:
                own = self._earned(
                    happened.get(self.merges.group_of(customer), ()), max(counts_from, self.since), customer
                )
                counted += own - actual[customer]
            was, now = reached.get(customer), _highest(ladder, counted)
            counts[was.pk if was else None].was += 1
            counts[now.pk if now else None].would_be += 1
            self.found.tiers_up += _rank(now) > _rank(was)
            self.found.tiers_down += _rank(now) < _rank(was)

    def _earned(self, happened: Sequence[Happened], since: datetime, customer: int) -> int:
        """What the customer's purchases made since then earned and kept, in whoever's account goods came back."""
        events = [(who, event) for who, event in happened if isinstance(who, int) and isinstance(event, Event)]
        within = {
            event.award
            for who, event in events
            if event.kind == "lot" and event.award and event.at >= since and self.merges.owner(who) == customer
        }
        return sum(
            event.points if event.kind == "lot" else -event.points for _, event in events if event.award in within
        )


def _highest(ladder: Sequence[Tier], counted: int) -> Tier | None:
    return next((tier for tier in ladder if tier.threshold <= counted), None)


def _rank(tier: Tier | None) -> int:
    return -1 if tier is None else tier.rank
