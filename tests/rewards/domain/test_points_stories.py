"""Stories of any length against a plain model of the rules, written without looking at the SQL."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewards.domain import ledger, points
from rewards.models import ExpiryPolicy, PointsLot, Program, ShortfallPolicy
from tests.factories.customers import CustomerFactory
from tests.rewards.domain.steps import adjust, award, claw_back, redeem, reimburse

FOREVER = datetime.max.replace(tzinfo=UTC)
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
    """Months of 30 days in the story, so lapses are the first of the month after the next."""

    pending_days: int
    policy: str
    lots: list[Lot] = field(default_factory=list)
    debt: int = 0

    def add(self, number, at, pending_days, lapses_at=None):
        available_at = at + timedelta(days=pending_days)
        lapses_at = lapses_at or first_of_month_after_next(available_at)
        repaid = min(self.debt, number)
        self.debt -= repaid
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


step = st.one_of(
    st.tuples(st.just("award"), st.integers(1, 60)),
    st.tuples(st.just("award"), st.integers(1, 60)),
    st.tuples(st.just("redeem"), st.integers(1, 80)),
    st.tuples(st.just("redeem"), st.integers(1, 80)),
    st.tuples(st.just("adjust"), st.integers(-30, 30).filter(bool)),
    st.tuples(st.just("claw_back"), st.integers(0, 9), st.integers(1, 60)),
    st.tuples(st.just("reimburse"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("expire")),
)


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    story=st.lists(step, min_size=3, max_size=25),
    pending_days=st.sampled_from([0, 10]),
    policy=st.sampled_from(ShortfallPolicy.values),
)
def test_any_story_ends_as_the_model_says(db, story, pending_days, policy):
    Program.objects.all().delete()
    Program.objects.create(
        expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1, pending_days=pending_days, shortfall_policy=policy
    )
    customer, model, at = CustomerFactory(), Model(pending_days, policy), START
    awards, redemptions = [], []
    for number, (verb, *details) in enumerate(story):
        reference = f"step:{number}"
        if verb == "wait":
            at += timedelta(days=details[0])
        elif verb == "award":
            entry = award(customer, details[0], at, reference)
            awards.append([entry, model.add(details[0], at, pending_days), details[0]])
        elif verb == "adjust" and details[0] > 0:
            adjust(customer, details[0], at, reference)
            model.add(details[0], at, 0)
        elif verb in ("redeem", "adjust"):
            wanted, spend = abs(details[0]), redeem if verb == "redeem" else adjust
            if sum(lot.remaining for lot in model.spendable(at)) < wanted:
                with pytest.raises(points.InsufficientPoints):
                    spend(customer, details[0], at, reference)
                continue
            entry, (taken, _) = spend(customer, details[0], at, reference), model.take(wanted, model.spendable(at))
            if verb == "redeem":
                redemptions.append((entry, taken))
        elif verb == "claw_back" and awards:
            chosen = awards[details[0] % len(awards)]
            entry, lot, left = chosen
            if asked := min(details[1], left):
                chosen[2] -= asked
                model.claw_back(lot, asked, at)
                claw_back(entry, asked, at, reference)
        elif verb == "reimburse" and redemptions:
            entry, taken = redemptions.pop(details[0] % len(redemptions))
            reimburse(entry, at)
            model.give_back(taken, at)
        elif verb == "expire":
            while points.expire(at=at, limit=2):
                pass
            model.lapse(at)
        summary = points.summary(customer=customer, at=at)
        assert summary.available == sum(lot.remaining for lot in model.spendable(at))
        assert summary.debt == model.debt
        lots = PointsLot.objects.filter(customer=customer.pk).order_by("pk")
        assert [lot.remaining for lot in lots] == [lot.remaining for lot in model.lots]
    assert list(ledger.differences()) == []
