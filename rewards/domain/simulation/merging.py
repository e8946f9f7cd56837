"""Who was one person when: merges of customers and their undoing, and what they do to the points of a replay.

Pure but for `read`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from customers.models import CustomerMerge, Purchase
from rewards.domain.simulation.replay import Account, Event, Lot, Part, lapse_order, take


@dataclass(frozen=True, slots=True)
class Step:
    """At `at` the source became part of the target, or was separated again (`is_undo`)."""

    at: datetime
    merge: int
    source: int
    target: int
    is_undo: bool = False


# In whose account what happened; or who was merged or separated, with who is part of the source.
Happened = tuple[int, Event] | tuple[Step, frozenset[int]]


@dataclass(slots=True)
class Merges:
    """All there ever were. `into` is who is part of whom now, `first` whose a purchase was when it was told, where a
    merge that stands moved it."""

    steps: Sequence[Step]
    first: Mapping[int, int]
    into: Mapping[int, int]
    leader: Mapping[int, int]

    def group_of(self, customer: int) -> int:
        """The same for all customers whom merges ever joined."""
        while (above := self.leader.get(customer, customer)) != customer:
            customer = above
        return customer

    def owner(self, customer: int) -> int:
        """Who stands for the customer now."""
        while customer in self.into:
            customer = self.into[customer]
        return customer

    def since(self, moment: datetime, customers: Collection[int]) -> "Standing":
        """As they stood between these customers at a moment, with the steps to come."""
        wanted = set(customers)
        steps = [step for step in self.steps if step.source in wanted]
        standing = Standing([step for step in steps if step.at >= moment])
        for step in steps:
            if step.at < moment:
                standing.take(step)
        return standing


@dataclass(slots=True)
class Standing:
    """Who is part of whom at one moment; `coming` are later steps."""

    coming: list[Step]
    into: dict[int, int] = field(default_factory=dict)

    def to_be_undone(self) -> list[Step]:
        """Those that undo what was merged before."""
        merged = {step.merge for step in self.coming if not step.is_undo}
        return [step for step in self.coming if step.is_undo and step.merge not in merged]

    def until(self, moment: datetime) -> Iterable[Step]:
        """The steps before a moment, each as it is taken."""
        while self.coming and self.coming[0].at < moment:
            step = self.coming.pop(0)
            yield step
            self.take(step)

    def take(self, step: Step) -> None:
        if step.is_undo:
            self.into.pop(step.source, None)
        else:
            self.into[step.source] = step.target

    def owner(self, customer: int) -> int:
        while customer in self.into:
            customer = self.into[customer]
        return customer

    def family(self, customer: int) -> frozenset[int]:
        """The customer and all who are part of them."""
        return frozenset({customer} | {one for one in self.into if one != customer and self._leads(one, customer)})

    def _leads(self, customer: int, to: int) -> bool:
        while customer in self.into:
            customer = self.into[customer]
            if customer == to:
                return True
        return False


def read() -> Merges:
    steps: list[Step] = []
    first: dict[int, int] = {}
    into: dict[int, int] = {}
    leader: dict[int, int] = {}
    label = Purchase._meta.label
    for merge in CustomerMerge.objects.order_by("-pk"):
        step = Step(merge.merged_at, merge.pk, merge.source_id, merge.target_id)
        steps.append(step)
        if merge.undone_at:
            steps.append(replace(step, at=merge.undone_at, is_undo=True))
        else:
            into[merge.source_id] = merge.target_id
            first |= dict.fromkeys(merge.moved.get(label, []), merge.source_id)
    made = Merges(sorted(steps, key=lambda step: (step.at, step.merge, step.is_undo)), first, into, leader)
    for step in steps:
        one, other = sorted((made.group_of(step.source), made.group_of(step.target)))
        if one != other:
            leader[other] = one
    return made


@dataclass(slots=True)
class Joined:
    """What a merge did, for its undoing: a debt that went over and what paid it; or what repaid the target's."""

    debt: int = 0
    paid: list[Part] = field(default_factory=list)
    repaid: list[Lot] = field(default_factory=list)


@dataclass(slots=True)
class Relatives:
    """Accounts of customers whom merges ever joined, by customer. Most people have one, and no relatives."""

    accounts: dict[int, Account] = field(default_factory=dict)
    joined: dict[int, Joined] = field(default_factory=lambda: defaultdict(Joined))

    def replay(self, happened: Iterable[Happened], *, until: datetime) -> None:
        """Events of accounts, and steps with the family of the source, in the order in which they became known."""
        for who, what in happened:
            if isinstance(who, Step) and not isinstance(what, Event):
                self._step(who, what)
            elif isinstance(who, int) and isinstance(what, Event):
                self.accounts[who].happen(what)
        for account in self.accounts.values():
            account.finish(until)

    def remember(self, step: Step, joined: Joined) -> None:
        """Of a merge of before, which is undone later on."""
        self.joined[step.merge] = joined
        self.accounts[step.target].lots += [part.lot for part in joined.paid]

    def _step(self, step: Step, family: frozenset[int]) -> None:
        source, target = self.accounts[step.source], self.accounts[step.target]
        for account in (source, target):
            account.learn(step.at)
            account.lapse(step.at)
        if step.is_undo:
            _separate(source, target, self.joined[step.merge], family, step.at)
        else:
            self.joined[step.merge] = _join(source, target)


def _join(source: Account, target: Account) -> Joined:
    """A debt is paid by the target's lots; else each lot goes over as one with the same dates."""
    target.activities += source.activities
    if source.debt:
        done = Joined(source.debt, take(target.lots, source.debt))
        target.debt += source.debt - sum(part.points for part in done.paid)
        source.debt = 0
        return done
    repaid = _carry([lot for lot in source.lots if lot.points], source, target)
    return Joined(repaid=repaid)


def _separate(source: Account, target: Account, joined: Joined, family: frozenset[int], at: datetime) -> None:
    """The source gets what is left of its lots, what repaid the target's debt, and a debt of its own."""
    if joined.debt:
        _owe_no_more(target, joined, at)
        source.debt += joined.debt
    owed = sum(lot.points for lot in joined.repaid)
    back = [lot for lot in target.lots if lot.points and lot.homes & family]
    others = [lot for lot in target.lots if not any(lot is one for one in back)]
    target.debt += owed - sum(part.points for part in take(others, owed))
    _carry([*back, *(replace(lot) for lot in joined.repaid)], target, source)


def _carry(lots: Sequence[Lot], giver: Account, taker: Account) -> list[Lot]:
    """A debt of the taker is repaid first, by those that lapse soonest: returned as lots of as many points."""
    brought = [replace(lot, lapsed=0, homes=lot.homes | {giver.customer}) for lot in lots]
    for lot in lots:
        lot.points = 0
    repaid = take(brought, taker.debt)
    taker.debt -= sum(part.points for part in repaid)
    taker.lots += brought
    return [replace(part.lot, points=part.points) for part in repaid]


def _owe_no_more(target: Account, joined: Joined, at: datetime) -> None:
    """A debt that is still there goes first, then those lots get theirs back that paid; points of later days that paid
    come back without a day of lapse."""
    still = min(target.debt, joined.debt)
    target.debt -= still
    left = joined.debt - still
    for part in sorted(joined.paid, key=lambda one: lapse_order(one.lot))[::-1]:
        back = min(part.points, left)
        part.lot.points += back
        left -= back
    if left:
        target.lots.append(Lot(left, at, None))
