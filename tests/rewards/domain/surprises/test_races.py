"""Two tills, several workers, one that is killed: each occasion once, and never more than the budget."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction

from customers.domain import profiling, purchases, rhythms
from customers.models import Rhythm
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import experiments, points, surprises
from rewards.domain.surprises import giving, timetable
from rewards.migrations import _sql
from rewards.models import Arm, Coupon, Surprise, SurpriseDraw, SurpriseRule, Trigger
from tests.factories.customers import CustomerFactory, PurchaseFactory, PurchaseLineFactory
from tests.factories.rewards import OfferFactory, SurpriseRuleFactory, TimetableRuleFactory
from tests.races import alone, at_once, behind, until_waiting
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.surprises import absences

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def look(at):
    surprises.look_over(clock=lambda: at, until=at + DAY)
    return Surprise.objects.count()


def test_64_tills_on_the_last_of_the_budget(now, books_balance):
    rule = SurpriseRuleFactory(threshold_minor=1, cost_minor=300, budget_minor=1_000, offer=None, points=30)
    bought = [PurchaseFactory(customer=CustomerFactory(), purchased_at=now, total_minor=4000) for _ in range(64)]

    def look_at(purchase):
        return surprises.after_purchase(purchase=purchase, by=SYSTEM, at=now)

    given = at_once(*[lambda one=one: look_at(one) for one in bought])
    rule.refresh_from_db()
    assert sorted(len(one) for one in given) == [0] * 61 + [1] * 3
    assert (rule.given_count, rule.spent_minor, Surprise.objects.count()) == (3, 900, 3)


READ_THEN_WRITE = """
CREATE OR REPLACE FUNCTION surprises_spend(p_rule bigint, p_at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_rule rewards_surpriserule;
BEGIN
    SELECT * INTO v_rule FROM rewards_surpriserule WHERE id = p_rule;
    PERFORM pg_sleep(0.2);
    UPDATE rewards_surpriserule SET spent_minor = v_rule.spent_minor + v_rule.cost_minor WHERE id = p_rule;
    RETURN v_rule.spent_minor + v_rule.cost_minor <= v_rule.budget_minor;
END $$
"""


def test_budget_that_is_read_first_and_written_later_is_overdrawn(now):
    """What the storm above would catch: the same one, were the counters not moved by one conditional update."""
    SurpriseRuleFactory(threshold_minor=1, cost_minor=300, budget_minor=1_000, offer=None, points=30)
    bought = [PurchaseFactory(customer=CustomerFactory(), purchased_at=now, total_minor=4000) for _ in range(16)]
    with connection.cursor() as cursor:
        try:
            cursor.execute(READ_THEN_WRITE)
            at_once(*[lambda one=one: surprises.after_purchase(purchase=one, by=SYSTEM, at=now) for one in bought])
        finally:
            cursor.execute((_sql.FOLDER / "surprises_due.sql").read_text())
    assert Surprise.objects.count() > 3


def test_one_purchase_looked_at_by_many_is_one_surprise(customer, now):
    SurpriseRuleFactory()
    purchase = PurchaseFactory(customer=customer, purchased_at=now, total_minor=20_000)
    given = at_once(*[lambda: surprises.after_purchase(purchase=purchase, by=SYSTEM, at=now)] * 8)
    assert {tuple(one) for one in given} == {(Surprise.objects.get(),)}
    assert (Coupon.objects.count(), SurpriseRule.objects.get().given_count) == (1, 1)


def test_two_purchases_at_two_tills_are_one_cooldown(customer, now):
    SurpriseRuleFactory(cooldown_days=30)
    bought = [PurchaseFactory(customer=customer, purchased_at=now, total_minor=20_000) for _ in range(6)]
    at_once(*[lambda one=one: surprises.after_purchase(purchase=one, by=SYSTEM, at=now) for one in bought])
    assert Surprise.objects.count() == 1


@pytest.mark.parametrize("at_till", [True, False])
def test_two_tills_at_once_are_one_lot(customer, settle, now, monkeypatch, at_till):
    """The first has its number and has not told it yet when the second one tells of another purchase, and somebody
    looks."""
    settle(basket(4_000, customer=None, now=now, receipt="R-0"))  # nobody waits for the product then
    draw = {"trigger": Trigger.RANDOM_DRAW, "threshold_minor": None, "chance_percent": 100}
    draw |= {"at_till": at_till, "seed": "5eed", "cooldown_days": 0, "quiet_days": 0, "activated_at": now - DAY}
    rule = SurpriseRuleFactory(**draw)
    record = purchases.record
    begun = []

    def sell(receipt):
        return settle(basket(4_000, customer=customer, now=now, receipt=receipt))

    def recorded_while_another_till_sells(**told):
        recorded = record(**told)
        if told["receipt_number"] == "R-1":
            begun.append(others.submit(alone, lambda: sell("R-2")))
            until_waiting(begun)
            others.submit(alone, lambda: look(now)).result(timeout=60)
        return recorded

    monkeypatch.setattr(purchases, "record", recorded_while_another_till_sells)
    with ThreadPoolExecutor(2) as others:
        first = sell("R-1").purchase
        second = begun[0].result(timeout=60).purchase
    look(now)
    assert list(SurpriseDraw.objects.values_list("lot", flat=True)) == [first.pk]
    assert Surprise.objects.count() == 1
    rows = surprises.replay(rule=rule, since=now - DAY, until=now + DAY, at=now + DAY)
    assert {(row.purchase_id, row.lot, row.difference) for row in rows} == {
        (first.pk, first.pk, None),
        (second.pk, first.pk, None),
    }


def test_three_beats_at_once_give_each_once(now, books_balance):
    rule = TimetableRuleFactory(experiment__holdout_percent=50)
    customers = CustomerFactory.create_batch(30, birthday=now.date())
    assert at_once(*[lambda: look(now)] * 3)[0] > 0
    assert look(now) == 30
    held_out = [
        one
        for one in customers
        if experiments.arm_of(salt=rule.experiment.salt, holdout_percent=50, customer_id=one.pk) == Arm.HOLDOUT
    ]
    rule.refresh_from_db()
    assert (Surprise.objects.count(), rule.given_count) == (30, 30 - len(held_out))


def test_worker_leaves_alone_who_is_booked_for_and_comes_back(customer, now):
    customer.birthday = now.date()
    customer.save(update_fields=["birthday"])
    points.award(customer=customer, points=1, reference="test:1", by=SYSTEM, at=now)
    TimetableRuleFactory()
    other = CustomerFactory(birthday=now.date())
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT points_lock(%s)", [customer.pk])
        assert at_once(lambda: look(now)) == [1]
        cursor.execute("COMMIT")
    assert Surprise.objects.get().customer == other
    assert look(now) == 2


@pytest.mark.parametrize("place", ["assign", "spend", "gesture", "record"])
def test_worker_that_is_killed_between_two_lines_loses_and_doubles_nothing(now, monkeypatch, place, books_balance):
    rule = TimetableRuleFactory(cost_minor=10)
    CustomerFactory.create_batch(2, birthday=now.date())
    target, name = {
        "assign": (experiments, "assign"),
        "spend": (giving, "_gesture"),
        "gesture": (points, "award"),
        "record": (giving, "_recorded"),
    }[place]
    real = getattr(target, name)
    calls = []

    def killed(*args, **kwargs):
        calls.append(None)
        if len(calls) == 2:
            raise SystemExit
        return real(*args, **kwargs)

    monkeypatch.setattr(target, name, killed)
    with pytest.raises(SystemExit):
        look(now)
    monkeypatch.setattr(target, name, real)
    assert Surprise.objects.count() == 1
    assert look(now) == 2
    rule.refresh_from_db()
    assert (rule.given_count, rule.spent_minor, Surprise.objects.count()) == (2, 20, 2)


def late_by_their_rhythm(count, now):
    """Away since twenty days, and usually here every ten."""
    people = CustomerFactory.create_batch(count)
    for person in people:
        for days in (20, 30, 40):
            PurchaseFactory(customer=person, purchased_at=now - days * DAY, total_minor=100)
    rhythms.refresh(at=now)
    return people


def test_three_beats_at_once_give_each_absence_once(now, books_balance):
    rule = TimetableRuleFactory(trigger=Trigger.OVERDUE, purchases_min=3, cost_minor=10)
    late_by_their_rhythm(20, now)
    at_once(*[lambda: look(now)] * 3)
    assert look(now) == 20
    rule.refresh_from_db()
    assert (rule.given_count, rule.spent_minor) == (20, 200)


def test_two_workers_that_know_the_absence_by_two_days_give_one(now, books_balance):
    """What was bought last comes back while one of them is at it, and the night has worked out the other day."""
    rule = TimetableRuleFactory(trigger=Trigger.OVERDUE, purchases_min=3)
    (mei,) = late_by_their_rhythm(1, now)
    (found,) = timetable.due(rule=rule, at=now)
    last = mei.purchases.get(purchased_at=now - 20 * DAY)
    line = PurchaseLineFactory(purchase=last, amount_minor=100)

    def one():
        timetable._look(rule, found, now)
        back = last.returns.create(store=last.store, return_number="B-1", returned_at=now, recorded_at=now)
        back.lines.create(line=line, quantity=1, amount_minor=100)
        Rhythm.objects.update(last_on=(now - 30 * DAY).date(), drifts_from=now.date())

    @transaction.atomic
    def other():
        points.lock(customer=mei)
        occasion = giving.Occasion(mei, f"overdue:{(now - 30 * DAY).date()}", found[3])
        return giving.give(rule=rule, occasion=occasion, by=SYSTEM, at=now)

    behind(one, other)
    assert Surprise.objects.get().occasion == f"overdue:{last.purchased_at.date()}"


@pytest.mark.parametrize("place", ["_gesture", "_recorded"])
def test_worker_that_is_killed_over_an_absence_comes_back_to_it(now, monkeypatch, place, books_balance):
    rule = TimetableRuleFactory(trigger=Trigger.OVERDUE, purchases_min=3, cost_minor=10)
    late_by_their_rhythm(2, now)

    def killed(*args):
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(giving, place, killed)
        with pytest.raises(SystemExit):
            look(now)
    assert Surprise.objects.count() == 0
    assert look(now) == look(now) == 2
    rule.refresh_from_db()
    assert (rule.given_count, rule.spent_minor) == (2, 20)


def test_tills_and_workers_never_wait_for_each_other_in_a_ring(now, books_balance):
    """Several rules, few customers, tills and timetable in each other's way."""
    for number in range(3):
        SurpriseRuleFactory(threshold_minor=1, priority=number % 2, cooldown_days=0, offer=None, points=5)
    TimetableRuleFactory(priority=1)
    TimetableRuleFactory(offer=OfferFactory(), points=None)
    people = CustomerFactory.create_batch(4, birthday=now.date())
    bought = [PurchaseFactory(customer=people[n % 4], purchased_at=now, total_minor=4000) for n in range(12)]
    tills = [lambda one=one: surprises.after_purchase(purchase=one, by=SYSTEM, at=now) for one in bought]
    results = at_once(*tills, *[lambda: look(now)] * 3)
    assert [one for one in results if isinstance(one, Exception)] == []
    look(now)
    assert Surprise.objects.count() == 12 * 3 + 4 * 2


def test_who_switches_recommendations_off_waits_for_a_gift_for_being_away_or_gets_none(monkeypatch):
    active, mei, give, refusals = absences.rule(), absences.regular(), timetable.give, []
    absences.night(absences.BEGINS)
    [found] = timetable.due(rule=active, at=absences.BEGINS)
    refuse = partial(profiling.choose, customer=mei, wanted=False, by=SYSTEM, at=absences.BEGINS)
    with ThreadPoolExecutor(1) as pool:

        def slowly(**told):
            refusals.append(pool.submit(alone, refuse))
            until_waiting(refusals)
            assert not refusals[0].done()
            return give(**told)

        monkeypatch.setattr(timetable, "give", slowly)
        timetable._look(active, found, absences.BEGINS)
    assert Surprise.objects.count() == 1
    assert not Rhythm.objects.exists()
