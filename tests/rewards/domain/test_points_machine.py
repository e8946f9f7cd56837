"""The ledger against a plain model of it: random steps, and after each both must say the same."""

import itertools
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from loyalty_site.lib.actors import SYSTEM, user
from loyalty_site.lib.errors import DomainError
from rewards.domain import ledger, merges, points
from rewards.models import Program
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.fuzz import FUZZ_STEPS, WITHOUT_SHRINKING, machine_settings
from tests.rewards.domain import ledger_model

STEPS = 2000
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SQL = Path(points.__file__).parent.parent / "sql"
START = datetime(2027, 10, 30, 21, 30, tzinfo=UTC)
ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "America/Santiago", "Australia/Lord_Howe"]

whose = st.sampled_from([0, 0, 0, 1])
numbers = st.integers(0, 10**6)  # one of what there is: taken modulo how many there are
shares = st.sampled_from([1, 5, 20, 50, 90, 100, 100, 101])  # percent of what there is; 101: one point more
amounts = st.integers(1, 500)
waits = st.sampled_from([timedelta()] * 8 + [MINUTE * 5, HOUR * 7] + [DAY * n for n in (1, 9, 28, 31, 31, 92, 365)])
ttls = st.sampled_from([MINUTE * 5, HOUR * 7] + [DAY * n for n in (9, 31, 92, 200)])
terms = st.builds(
    ledger_model.Terms,
    zone=st.sampled_from(ZONES),
    pending_days=st.sampled_from([0, 0, 1, 14]),
    policy=st.sampled_from(["NEVER", "ROLLING", "FIXED", "INACTIVITY", "INACTIVITY"]),
    months=st.sampled_from([1, 2, 6, 12]),
    period_end=st.sampled_from(["MONTH", "QUARTER", "YEAR"]),
    days=st.sampled_from([("12-31",), ("06-30", "12-31"), ("02-29",), ("10-31", "04-04", "09-05")]),
    keeps_debt=st.booleans(),
)


def part_of(number, share):
    return number + 1 if share == 101 else max(1, number * share // 100)


class Points(RuleBasedStateMachine):
    """Two customers of one programme, each with the ledger's rows and with a model of them."""

    model = ledger_model.Ledger
    steps = 0

    def __init__(self):
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()

    def teardown(self):
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    @initialize(terms=terms)
    def enroll(self, terms):
        self.now = START
        self.told = 0
        self.customers = [CustomerFactory(), CustomerFactory()]
        count = itertools.count()
        self.models = [self.model(terms, count) for _ in self.customers]
        self.awards, self.redemptions, self.holds = [[], []], [[], []], [[], []]
        ProgramFactory()
        self.set_terms(terms)

    def both(self, wanted, done, *, may_break=False):
        """What the door did, which must be what the model did: the same points or the same refusal.

        After a refusal the transaction is still good; only where the database itself may refuse it needs a savepoint.
        """
        try:
            expected = wanted()
        except ledger_model.Refused as refusal:
            expected = str(refusal)
        row = None
        try:
            with transaction.atomic() if may_break else nullcontext():
                row = done()
        except DomainError as refusal:
            found = refusal.code
        except IntegrityError:
            found = "too_many"
        else:
            found = row.points
        assert found == expected
        if row and self.told % 4 == 0:
            assert done().pk == row.pk  # told again
        return row

    def owner(self, who):
        """Nothing new is booked for who was merged: it is the other one's."""
        return who if self.models[who].merged_into is None else 1 - who

    def told_as(self, kind="x"):
        self.told += 1
        return f"{kind}:{self.told}"

    def one_of(self, rows, number, is_live):
        """An index, of those with something left to do as long as there is one."""
        live = [index for index, row in enumerate(rows) if is_live(row)] or range(len(rows))
        return live[number % len(live)]

    def something(self, who):
        """Points to do something with: without them most steps were refusals."""
        if not self.models[who].available(self.now):
            self.award(who, timedelta(), 100, is_purchase=True, back=20)
        return self.models[who].available(self.now)

    # --- steps

    @rule(terms=terms)
    def set_terms(self, terms):
        if terms.policy == "FIXED" and terms.months == 1:
            terms.months = 0
        for model in self.models:
            model.terms = terms
        Program.objects.update(
            timezone=terms.zone,
            pending_days=terms.pending_days,
            expiry_policy=terms.policy,
            expiry_months=terms.months,
            expiry_period_end=terms.period_end,
            expiry_days=",".join(terms.days),
            shortfall_policy="DEBT" if terms.keeps_debt else "WITHIN_BALANCE",
        )

    @rule(who=whose, wait=waits, number=amounts, is_purchase=st.booleans(), back=st.sampled_from([0, 0, 1, 40]))
    def award(self, who, wait, number, is_purchase, back):
        """`back`: days ago, for tills tell late."""
        who = self.owner(who)
        self.now += wait
        at = self.now - timedelta(days=back)
        told = {"reference": self.told_as("purchase" if is_purchase else "survey-response"), "by": SYSTEM}
        when = {"at": at, "booked_at": self.now}
        entry = self.both(
            lambda: self.models[who].award(number, **when, is_purchase=is_purchase),
            lambda: points.award(customer=self.customers[who], points=number, **told, **when),
        )
        self.awards[who].append(entry)

    @rule(who=whose, wait=waits, number=amounts, up=st.booleans(), share=shares)
    def adjust(self, who, wait, number, up, share):
        who = self.owner(who)
        self.now += wait
        number = number if up else -part_of(self.something(who), share)
        told = {"reference": self.told_as(), "reason": "why", "by": SYSTEM, "at": self.now}
        self.both(
            lambda: self.models[who].adjust(number, self.now),
            lambda: points.adjust(customer=self.customers[who], points=number, **told),
        )

    @rule(who=whose, wait=waits, share=shares)
    def redeem(self, who, wait, share):
        who = self.owner(who)
        self.now += wait
        number = part_of(self.something(who), share)
        told = {"reference": self.told_as(), "by": SYSTEM, "at": self.now}
        entry = self.both(
            lambda: self.models[who].redeem(number, self.now),
            lambda: points.redeem(customer=self.customers[who], points=number, **told),
        )
        if entry:
            self.redemptions[who].append(entry)

    @rule(who=whose, wait=waits, share=shares, ttl=ttls)
    def hold(self, who, wait, share, ttl):
        who = self.owner(who)
        self.now += wait
        number = part_of(self.something(who), share)
        told = {"points": number, "reference": self.told_as(), "ttl": ttl, "by": SYSTEM, "at": self.now}
        kept = self.both(
            lambda: self.models[who].hold(number, self.now, self.now + ttl),
            lambda: points.hold(customer=self.customers[who], **told),
        )
        if kept:
            self.holds[who].append(kept)

    @rule(who=whose, wait=waits, number=numbers)
    def capture(self, who, wait, number):
        if not self.holds[who]:
            self.hold(who, timedelta(), 50, timedelta(days=60))
        self.now += wait
        if not self.holds[who]:
            return
        index = self.one_of(self.models[who].holds, number, lambda hold: hold.is_active(self.now))
        entry = self.both(
            lambda: self.models[who].capture(index, self.now),
            lambda: points.capture(hold=self.holds[who][index], by=SYSTEM, at=self.now),
        )
        if entry and entry not in self.redemptions[who]:
            self.redemptions[who].append(entry)

    @rule(who=whose, wait=waits, number=numbers)
    def release(self, who, wait, number):
        if not self.holds[who]:
            self.hold(who, timedelta(), 50, timedelta(days=60))
        self.now += wait
        if not self.holds[who]:
            return
        index = self.one_of(self.models[who].holds, number, lambda hold: hold.state == "OPEN")
        self.both(
            lambda: self.models[who].release(index),
            lambda: points.release(hold=self.holds[who][index], by=SYSTEM, at=self.now),
        )

    @rule(who=whose, wait=waits, number=numbers, share=shares)
    def claw_back(self, who, wait, number, share):
        if not self.awards[who]:
            self.award(who, timedelta(), 100, is_purchase=True, back=20)
        self.now += wait
        if not self.awards[who]:
            return  # who was merged has none
        index = self.one_of(self.models[who].awards, number, lambda award: award.returned < award.points)
        award = self.models[who].awards[index]
        asked = part_of(award.points - award.returned, share)
        told = {"points": asked, "reference": self.told_as(), "by": SYSTEM, "at": self.now}
        self.both(
            lambda: self.models[who].claw_back(index, asked, self.now),
            lambda: points.claw_back(entry=self.awards[who][index], **told),
            may_break=True,
        )

    @rule(who=whose, wait=waits, number=numbers, share=st.none() | shares)
    def reimburse(self, who, wait, number, share):
        if not self.redemptions[who]:
            self.redeem(who, timedelta(), 100)
        self.now += wait
        if not self.redemptions[who]:
            return
        index = self.one_of(self.models[who].redemptions, number, lambda spent: spent.asked < spent.points)
        spent = self.models[who].redemptions[index]
        asked = None if share is None else part_of(spent.points - spent.asked, share)
        told = {"points": asked, "reference": self.told_as(), "by": SYSTEM, "at": self.now}
        self.both(
            lambda: self.models[who].reimburse(index, asked, self.now),
            lambda: points.reimburse(entry=self.redemptions[who][index], **told),
            may_break=True,
        )

    @rule(who=whose, wait=waits, chance=st.integers(0, 9))
    def merge(self, who, wait, chance):
        """At most once, and not too early: two may have much to bring."""
        source, target = self.models[who], self.models[1 - who]
        if chance or source.merged_into or target.merged_into:
            return
        self.now += wait
        told = {"reason": "one person", "by": user(7), "at": self.now}
        source.merge_into(target, self.now)
        merges.merge(source=self.customers[who], target=self.customers[1 - who], **told)

    @rule(wait=waits)
    def expire(self, wait):
        self.now += wait
        while points.expire(at=self.now, limit=3):
            pass
        for model in self.models:
            model.lapse(self.now)

    # --- after each of them

    @invariant()
    def both_say_the_same(self):
        type(self).steps += 1
        rows = told(self.customers)
        lots = sorted((lot for model in self.models for lot in model.lots), key=lambda lot: lot.number)
        places = {lot: place for place, lot in enumerate(lots, start=1)}
        for customer, model in zip(self.customers, self.models, strict=True):
            assert rows[customer.pk] == rows_of(model, places)
            assert points.summary(customer=customer, at=self.now) == summary_of(model, self.now)
        assert list(ledger.differences()) == []


_TOLD = """
    SELECT customer_id, 'account', 0, balance, debt, last_seq, NULL, NULL::timestamptz, NULL::timestamptz, 0
    FROM rewards_pointsaccount
    UNION ALL
    SELECT customer_id, 'lot', id, points, remaining, idle_months, NULL, available_at, expires_at,
           (SELECT count(*) FROM rewards_pointslot WHERE id <= lot.origin_id)
    FROM rewards_pointslot lot
    UNION ALL
    SELECT customer_id, 'hold', id, points, NULL, NULL, state, held_at, expires_at, 0 FROM rewards_pointshold
    ORDER BY 1, 2, 3
"""


def told(customers):
    """The rows of each customer: account, holds, lots, in the order of making; and which of all lots one carries on."""
    rows = {customer.pk: [] for customer in customers}
    with connection.cursor() as cursor:
        cursor.execute(_TOLD)
        for customer, what, _, *values in cursor.fetchall():
            rows[customer].append((what, *values))
    return rows


def rows_of(model, places):
    """The same of a model."""
    account = [("account", model.balance, model.debt, model.entries, None, None, None, 0)] if model.is_known else []
    holds = [
        ("hold", sum(hold.parts.values()), None, None, hold.state, hold.held_at, hold.expires_at, 0)
        for hold in model.holds
    ]
    return account + holds + [lot_row(lot, places.get(lot.origin, 0)) for lot in model.lots]


def lot_row(lot, origin):
    return ("lot", lot.points, lot.remaining, lot.idle_months, None, lot.available_at, lot.expires_at, origin)


def summary_of(model, at):
    expiring = {}
    for lot, number in model.spendable(at).items():
        if lot.expires_at:
            expiring[lot.expires_at] = expiring.get(lot.expires_at, 0) + number
    return points.PointsSummary(
        balance=model.balance,
        available=model.available(at),
        pending=model.pending(at),
        held=model.held(at),
        debt=model.debt,
        expiring=tuple((number, lapses) for lapses, number in expiring.items()),
    )


@pytest.mark.django_db
def test_random_steps_leave_the_ledger_as_the_model():
    run_state_machine_as_test(Points, settings=machine_settings(STEPS))
    assert Points.steps >= (FUZZ_STEPS or STEPS)


# --- machines that must be caught


class ForgetsHolds(ledger_model.Ledger):
    """Lets everybody spend what is held."""

    def reserved(self, lot, at):
        return 0


class SpendsTheOldestFirst(ledger_model.Ledger):
    def spending_order(self, lots):
        return sorted(lots, key=lambda lot: lot.number)


class RevivesLapsed(ledger_model.Ledger):
    """Lets an activity move what has lapsed already."""

    def keep_alive(self, at, booked_at):
        for lot in self.lots:
            if lot.idle_months:
                lapses = ledger_model.lapse_at(at, "INACTIVITY", lot.idle_months, self.terms)
                lot.expires_at = max(lot.expires_at, lapses)


class ForgetsWhatWasRenewed(ledger_model.Ledger):
    """Asks for points again that lapsed a second time."""

    def renew(self, lot, points, at):
        super().renew(lot, points, at)
        self.lots[-1].origin = None


@pytest.mark.django_db
@pytest.mark.parametrize("model", [ForgetsHolds, SpendsTheOldestFirst, RevivesLapsed, ForgetsWhatWasRenewed])
def test_wrong_model_is_caught(model):
    machine = type(model.__name__, (Points,), {"model": model})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=machine_settings(STEPS, **WITHOUT_SHRINKING))


WRONG = [
    ("points_terms", "ELSE interval '1 year'", "ELSE interval '11 months'"),
    ("points_post", "AND moving.expires_at < later.lapse", ""),
    ("points_post", "greatest(p_at, p_booked_at)", "p_at"),
    ("points_reimburse", "SELECT v_owner, v_entry.id, given.id, back,", "SELECT v_owner, v_entry.id, NULL, back,"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("file", "right", "wrong"), WRONG)
def test_wrong_function_is_caught(file, right, wrong):
    text = (SQL / f"{file}.sql").read_text()
    assert right in text
    with connection.cursor() as cursor:
        cursor.execute(text.replace(right, wrong))
    machine = type("Wrong", (Points,), {})
    with pytest.raises((AssertionError, DatabaseError)):
        run_state_machine_as_test(machine, settings=machine_settings(STEPS, **WITHOUT_SHRINKING))
