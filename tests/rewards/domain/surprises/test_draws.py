"""An auditor draws again."""

import hashlib
from datetime import timedelta
from decimal import Decimal

import pgtrigger
import pytest
from django.db import connection

from rewards.domain import surprises
from rewards.domain.surprises import Difference
from rewards.models import Arm, DrawOutcome, Surprise, SurpriseDraw, Trigger
from tests.factories.customers import CustomerFactory, PurchaseFactory
from tests.factories.rewards import TimetableRuleFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def rule(now):
    return TimetableRuleFactory(trigger=Trigger.RANDOM_DRAW, chance_percent=Decimal("25"), activated_at=now - DAY)


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
    assert not surprises.is_drawn(seed="5eed", chance_percent=Decimal(bucket) / 100, purchase_id=17)
    assert surprises.is_drawn(seed="5eed", chance_percent=Decimal(bucket + 1) / 100, purchase_id=17)


def test_sql_and_python_draw_the_same_and_as_often_as_the_chance_says():
    chance = Decimal("12.34")
    with connection.cursor() as cursor:
        cursor.execute("SELECT surprises_is_drawn('ünï:☕', %s, n) FROM generate_series(1, 20000) n", [chance])
        drawn = [row[0] for row in cursor.fetchall()]
    told = [surprises.is_drawn(seed="ünï:☕", chance_percent=chance, purchase_id=n) for n in range(1, 20_001)]
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
    buy(1, now + 6 * DAY, customer)
    look(now + 7 * DAY)
    buy(3, now + 8 * DAY)
    look(now + 9 * DAY)
    rows = replay(rule, now, days=20)
    assert [row.outcome for row in rows] == [
        "GIVEN",
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
    buy(2, now, CustomerFactory())
    look(now + DAY)
    look(now + 2 * DAY)
    assert SurpriseDraw.objects.count() == 2
