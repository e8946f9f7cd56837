"""Stories of any length against a plain model of the rules, written without looking at the SQL."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewards.domain import ledger, points
from rewards.models import ExpiryPolicy, Program, ShortfallPolicy
from tests.factories.customers import CustomerFactory
from tests.rewards.domain.steps import adjust, award, claw_back, redeem, reimburse, remaining

START = datetime(2026, 1, 15, 12, tzinfo=UTC)


@dataclass
class Lot:
    remaining: int
    available_at: datetime
    lapses_at: datetime
    number: int
    lapsed: int = 0
    excused: int = 0


@dataclass
class Model:
    """One customer of a programme whose points lapse at the end of the next month, in UTC."""

    policy: str
    lots: list[Lot] = field(default_factory=list)
    debt: int = 0

    def add(self, number, available_at):
        repaid = min(self.debt, number)
        self.debt -= repaid
        lapses_at = first_of_month_after_next(available_at)
        self.lots.append(Lot(number - repaid, available_at, lapses_at, len(self.lots)))
        return self.lots[-1]

    def order(self, lots):
        return sorted(lots, key=lambda lot: (lot.lapses_at, lot.number))

    def spendable(self, at):
        return [lot for lot in self.order(self.lots) if lot.available_at <= at < lot.lapses_at]

    def take(self, number, lots):
        taken = []
        for lot in lots:
            part = min(number, lot.remaining)
            if part:
                taken.append((lot, part))
                lot.remaining -= part
                number -= part
        return taken, number

    def lapse(self, at):
        for lot in self.lots:
            if lot.lapses_at <= at:
                lot.lapsed, lot.remaining = lot.lapsed + lot.remaining, 0

    def claw_back(self, lot, asked, at):
        self.lapse(at)
        unused = min(asked, lot.lapsed - lot.excused)
        lot.excused += unused
        others = [other for other in self.order(self.lots) if other is not lot]
        _, missing = self.take(asked - unused, [lot, *others])
        if self.policy == ShortfallPolicy.DEBT:
            self.debt += missing

    def give_back(self, taken, at):
        left = sum(part for _, part in taken)
        repaid = min(self.debt, left)
        self.debt, left, fresh = self.debt - repaid, left - repaid, 0
        for lot, part in sorted(taken, key=lambda pair: (pair[0].lapses_at, pair[0].number), reverse=True):
            part, left = min(part, left), left - min(part, left)
            if lot.lapses_at > at:
                lot.remaining += part
            else:
                fresh += part
        if fresh:
            midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
            self.lots.append(Lot(fresh, at, midnight + timedelta(days=31), len(self.lots)))


def first_of_month_after_next(moment):
    for _ in range(2):
        moment = (moment.replace(day=1) + timedelta(days=32)).replace(day=1)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


class Story:
    """Each step is done in the books and in the model."""

    def __init__(self, pending_days, policy):
        Program.objects.all().delete()
        terms = {"pending_days": pending_days, "shortfall_policy": policy}
        Program.objects.create(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1, **terms)
        self.customer, self.model, self.at = CustomerFactory(), Model(policy), START
        self.pending = timedelta(days=pending_days)
        self.references = (f"step:{number}" for number in count())
        self.awards, self.left_to_claw_back, self.redemptions = [], [], []

    def wait(self, days):
        self.at += timedelta(days=days)

    def award(self, number):
        entry = award(self.customer, number, self.at, next(self.references))
        self.awards.append((entry, self.model.add(number, self.at + self.pending)))
        self.left_to_claw_back.append(number)

    def redeem(self, number):
        if spent := self.spend(redeem, number, number):
            self.redemptions.append(spent)

    def adjust(self, number):
        if number < 0:
            self.spend(adjust, number, -number)
        else:
            adjust(self.customer, number, self.at, next(self.references))
            self.model.add(number, self.at)

    def spend(self, verb, number, wanted):
        lots = self.model.spendable(self.at)
        if sum(lot.remaining for lot in lots) >= wanted:
            return verb(self.customer, number, self.at, next(self.references)), self.model.take(wanted, lots)[0]
        with pytest.raises(points.InsufficientPoints):
            verb(self.customer, number, self.at, next(self.references))
        return None

    def claw_back(self, chosen, number):
        chosen %= len(self.awards) or 1
        asked = min(number, self.left_to_claw_back[chosen]) if self.awards else 0
        if asked:
            entry, lot = self.awards[chosen]
            self.left_to_claw_back[chosen] -= asked
            claw_back(entry, asked, self.at, next(self.references))
            self.model.claw_back(lot, asked, self.at)

    def reimburse(self, chosen):
        if self.redemptions:
            entry, taken = self.redemptions.pop(chosen % len(self.redemptions))
            reimburse(entry, self.at)
            self.model.give_back(taken, self.at)

    def expire(self):
        while points.expire(at=self.at, limit=2):
            pass
        self.model.lapse(self.at)

    def compare(self):
        summary = points.summary(customer=self.customer, at=self.at)
        assert summary.available == sum(lot.remaining for lot in self.model.spendable(self.at))
        assert summary.debt == self.model.debt
        assert remaining(self.customer) == [lot.remaining for lot in self.model.lots]


step = st.one_of(
    st.tuples(st.just("award"), st.integers(1, 60)),
    st.tuples(st.just("award"), st.integers(1, 60)),
    st.tuples(st.just("redeem"), st.integers(1, 80)),
    st.tuples(st.just("redeem"), st.integers(1, 80)),
    st.tuples(st.just("adjust"), st.integers(-30, 30).filter(bool)),
    st.tuples(st.just("claw_back"), st.integers(0, 9), st.sampled_from([1, 10, 60])),
    st.tuples(st.just("reimburse"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from([1, 9, 35, 70])),
    st.tuples(st.just("expire")),
)


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(step, min_size=8, max_size=30),
    pending_days=st.sampled_from([0, 10]),
    policy=st.sampled_from(ShortfallPolicy.values),
)
def test_any_story_ends_as_the_model_says(db, steps, pending_days, policy):
    story = Story(pending_days, policy)
    for verb, *details in steps:
        getattr(story, verb)(*details)
        story.compare()
    assert list(ledger.differences()) == []
