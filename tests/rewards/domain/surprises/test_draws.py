"""An auditor draws again."""

import hashlib
from datetime import timedelta
from decimal import Decimal

import pgtrigger
import pytest
from django.db import connection

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import merges, surprises
from rewards.domain.surprises import Difference
from rewards.models import Arm, DrawOutcome, Surprise, SurpriseDraw, Trigger
from tests.factories.customers import CustomerFactory, PurchaseFactory
from tests.factories.rewards import ProgramFactory, SurpriseRuleFactory, TimetableRuleFactory
from tests.rewards.domain.baskets import back, basket

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def rule(now):
    return TimetableRuleFactory(trigger=Trigger.RANDOM_DRAW, chance_percent=50, activated_at=now - DAY)


def buy(number, at, customer=None):
    return [
        PurchaseFactory(
            customer=customer or CustomerFactory(), purchased_at=at + n * timedelta(seconds=1), total_minor=1
        )
        for n in range(number)
    ]


def replay(rule, now, days=10):
    return list(surprises.replay(rule=rule, since=now - DAY, until=now + days * DAY, at=now + days * DAY))


def look(at):
    surprises.look_over(clock=lambda: at, until=at + DAY)


def test_anybody_with_a_calculator_draws_the_same():
    digest = hashlib.sha256(b"5eed:purchase:17").hexdigest()
    bucket = int(digest[:16], 16) % 10_000
    assert not surprises.is_drawn(seed="5eed", chance_percent=Decimal(bucket) / 100, lot=17)
    assert surprises.is_drawn(seed="5eed", chance_percent=Decimal(bucket + 1) / 100, lot=17)


def test_sql_and_python_draw_the_same_and_as_often_as_the_chance_says():
    chance = Decimal("12.34")
    with connection.cursor() as cursor:
        cursor.execute("SELECT surprises_is_drawn('ünï:☕', %s, n) FROM generate_series(1, 20000) n", [chance])
        drawn = [row[0] for row in cursor.fetchall()]
    told = [surprises.is_drawn(seed="ünï:☕", chance_percent=chance, lot=n) for n in range(1, 20_001)]
    assert drawn == told
    assert 0.11 < sum(drawn) / 20_000 < 0.137  # 5.7 standard deviations


def test_replay_lists_every_purchase_and_finds_nothing_wrong(rule, now):
    bought = buy(30, now)
    buy(1, now - 2 * DAY)  # before the rule
    PurchaseFactory(purchased_at=now, total_minor=1)  # nobody's
    look(now + DAY)
    rows = replay(rule, now)
    assert [row.purchase_id for row in rows] == [purchase.pk for purchase in bought]
    assert {row.difference for row in rows} == {None}
    drawn = [row for row in rows if row.is_drawn]
    assert 0 < len(drawn) < 30
    assert {(row.outcome, bool(row.surprise_id)) for row in drawn} == {(DrawOutcome.GIVEN, True)}
    assert {(row.outcome, row.surprise_id) for row in rows if not row.is_drawn} == {(None, None)}


def test_replay_says_why_who_was_drawn_got_nothing(now):
    rule = TimetableRuleFactory(
        trigger=Trigger.RANDOM_DRAW, chance_percent=100, cooldown_days=5, customer_max=1, issued_max=2
    )
    customer = CustomerFactory()
    buy(2, now, customer)
    look(now + DAY)
    buy(1, now + 2 * DAY, customer)
    look(now + 3 * DAY)
    buy(1, now + 6 * DAY, customer)
    look(now + 7 * DAY)
    buy(3, now + 8 * DAY)
    look(now + 9 * DAY)
    rows = replay(rule, now, days=20)
    assert [row.outcome for row in rows] == [
        "GIVEN",
        None,  # the same lot
        "COOLDOWN",
        "CUSTOMER_MAX",
        "GIVEN",
        "NOTHING_LEFT",
        "NOTHING_LEFT",
    ]
    assert {row.difference for row in rows} == {None}


def test_replay_names_what_was_given_without_luck_and_what_was_left_out(rule, now):
    bought = buy(40, now)
    look(now + DAY)
    rows = replay(rule, now)
    lucky = next(row for row in rows if row.is_drawn)
    unlucky = [row for row in rows if not row.is_drawn]
    bribed, forged = (next(one for one in bought if one.pk == row.purchase_id) for row in unlucky[:2])
    Surprise.objects.create(
        rule=rule, customer=bribed.customer, occasion=f"purchase:{bribed.pk}", arm=Arm.HOLDOUT, happened_at=now,
        decided_at=now, purchase=bribed,
    )  # fmt: skip
    SurpriseDraw.objects.create(rule=rule, purchase=forged, outcome=DrawOutcome.COOLDOWN, decided_at=now)
    with pgtrigger.ignore("rewards.SurpriseDraw:append_only"):
        SurpriseDraw.objects.filter(purchase=lucky.purchase_id).delete()
    found = {row.purchase_id: row.difference for row in replay(rule, now) if row.difference}
    assert found == {
        bribed.pk: Difference.NOT_DRAWN,
        forged.pk: Difference.NOT_DRAWN,
        lucky.purchase_id: Difference.NOT_RECORDED,
    }


def test_worker_that_never_looked_is_named_once_its_time_is_over(rule, now):
    buy(20, now)
    young = list(surprises.replay(rule=rule, since=now, until=now + DAY, at=now + DAY))
    assert {row.difference for row in young} == {None}
    old = replay(rule, now)
    assert {row.difference for row in old if row.is_drawn} == {Difference.NOT_LOOKED_AT}


def test_draw_that_is_known_is_not_looked_at_again(now):
    TimetableRuleFactory(trigger=Trigger.RANDOM_DRAW, chance_percent=100, cooldown_days=5)
    customer = CustomerFactory()
    buy(1, now, customer)
    buy(1, now + DAY, customer)
    look(now + DAY)
    look(now + 2 * DAY)
    assert SurpriseDraw.objects.count() == 2


@pytest.fixture
def till_rule(now):
    """Draws half of the lots, at the till, with no distance between two."""
    draw = {"trigger": Trigger.RANDOM_DRAW, "threshold_minor": None, "chance_percent": 50}
    return SurpriseRuleFactory(**draw, cooldown_days=0, quiet_days=0, activated_at=now - DAY, seed="5eed")


def sold(settle, customer, at, receipt):
    return settle(basket(4_000, customer=customer, now=at, receipt=receipt), at=at)


def test_who_lost_draws_no_second_lot_by_bringing_goods_back_and_buying_them_again(
    till_rule, settle, take_back, customer, now
):
    for n in range(20):
        begun = now + n * DAY
        last = sold(settle, customer, begun, f"R-{n}")
        for again in range(1, 6):
            at = begun + again * timedelta(minutes=1)
            told = back(1, 4_000, now=at, number=f"B-{n}-{again}")
            take_back(last.purchase, told, at=at)
            last = sold(settle, customer, at, f"R-{n}-{again}")
            assert not last.surprises
    won = Surprise.objects.count()
    assert 0 < won < 20
    rows = replay(till_rule, now, days=30)
    assert (len(rows), {row.difference for row in rows}) == (120, {None})
    assert len({row.lot for row in rows}) == 20


def test_what_was_brought_back_before_anybody_looked_is_drawn_by_the_same_lot_when_bought_again(
    settle, take_back, customer, now
):
    rule = TimetableRuleFactory(trigger=Trigger.RANDOM_DRAW, chance_percent=100, cooldown_days=0, quiet_days=0)
    first = sold(settle, customer, now, "R-1")
    take_back(first.purchase, back(1, 4_000, now=now))
    look(now)
    again, other = (sold(settle, customer, now, receipt) for receipt in ("R-2", "R-3"))
    look(now)
    look(now)
    drawn = list(SurpriseDraw.objects.order_by("pk").values_list("purchase", "lot", "outcome"))
    assert drawn == [
        (first.purchase.pk, first.purchase.pk, "RETURNED"),
        (again.purchase.pk, first.purchase.pk, "GIVEN"),
    ]
    assert Surprise.objects.get().occasion == f"purchase:{first.purchase.pk}"
    rows = {row.purchase_id: row for row in replay(rule, now)}
    assert {row.difference for row in rows.values()} == {None}
    assert rows[other.purchase.pk].lot == first.purchase.pk


def test_days_are_the_programmes(now):
    ProgramFactory(timezone="Asia/Shanghai")
    rule = TimetableRuleFactory(trigger=Trigger.RANDOM_DRAW, chance_percent=100, cooldown_days=0, quiet_days=0)
    customer, midnight = CustomerFactory(), now.replace(hour=16, minute=0)
    before, after, later = (
        buy(1, midnight + timedelta(minutes=minutes), customer)[0].pk for minutes in (-1, 0, 16 * 60)
    )
    look(midnight + DAY)
    assert [row.lot for row in replay(rule, now)] == [before, after, after]
    assert Surprise.objects.count() == 2
    assert later not in SurpriseDraw.objects.values_list("purchase", flat=True)


def test_merging_two_who_bought_on_one_day_makes_no_difference_to_who_draws_again(rule, now):
    pairs = [(CustomerFactory(), CustomerFactory()) for _ in range(12)]
    for pair in pairs:
        for customer in pair:
            buy(1, now, customer)
    look(now + DAY)
    records = [merges.merge(source=one, target=other, reason="", by=SYSTEM, at=now + DAY) for one, other in pairs]
    assert {row.difference for row in replay(rule, now)} == {None}
    for record in records:
        merges.undo(merge=record, by=SYSTEM, at=now + DAY)
    assert {row.difference for row in replay(rule, now)} == {None}
