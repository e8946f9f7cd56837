"""What a rule for those away for twice their usual time needs, gives and tells."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from customers.models import Rhythm
from rewards.domain import surprises
from rewards.domain.surprises import timetable
from rewards.models import Surprise, Trigger
from tests.factories.customers import (
    CustomerFactory,
    RhythmFactory,
)
from tests.factories.rewards import SurpriseRuleFactory, TimetableRuleFactory
from tests.rewards.domain.surprises.absences import (
    BEGINS,
    DAY,
    LAST,
    OCCASION,
    buy,
    look,
    night,
    regular,
    rule,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "values",
    [
        {"trigger": Trigger.OVERDUE},
        {"trigger": Trigger.OVERDUE, "purchases_min": 0},
        {"trigger": Trigger.OVERDUE, "purchases_min": 3, "absent_days": 30},
        {"trigger": Trigger.OVERDUE, "purchases_min": 3, "stays_away_percent": 0},
        {"trigger": Trigger.OVERDUE, "purchases_min": 3, "stays_away_percent": 101},
        {"trigger": Trigger.WIN_BACK, "purchases_min": 3, "absent_days": 30, "stays_away_percent": 40},
        {"trigger": Trigger.BIRTHDAY, "stays_away_percent": 40},
    ],
)
def test_rule_has_what_its_trigger_needs(values):
    with pytest.raises(IntegrityError, match="surprise_rule_has_what_its_trigger_needs"), transaction.atomic():
        TimetableRuleFactory(**values)
    rule(stays_away_percent=100)


def test_rule_is_not_shown_at_the_till():
    with pytest.raises(IntegrityError, match="surprise_rule_at_till_looks_at_purchases"):
        rule(at_till=True)


def test_index_serves_who_is_late_today():
    """Without it each look would read everybody's rhythm."""
    active = rule()
    Rhythm.objects.bulk_create(
        RhythmFactory.build(
            customer=customer, last_on=day - 20 * DAY, first_on=day - 60 * DAY, days=5, usual_days=10,
            due_on=day - 10 * DAY, drifts_from=day,
        )
        for number, customer in enumerate(CustomerFactory.create_batch(100))
        for day in [BEGINS.date() + number * 10 * DAY]
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_rhythm")
        cursor.execute("SET LOCAL enable_seqscan = off")
        before = _rows_read(cursor)
        list(timetable.due(rule=active, at=BEGINS))
        assert _rows_read(cursor) - before < 20


def _rows_read(cursor):
    """Of rhythms, in this transaction: whole, and by an index."""
    table = "'customers_rhythm'::regclass"
    cursor.execute(f"SELECT pg_stat_get_xact_tuples_returned({table}) + pg_stat_get_xact_tuples_fetched({table})")
    return cursor.fetchone()[0]


def test_preview_counts_who_is_late_and_still_away(now):
    draft = SurpriseRuleFactory(
        trigger=Trigger.OVERDUE, threshold_minor=None, purchases_min=1, at_till=False, activated_at=None,
        activated_by="", cost_minor=500,
    )  # fmt: skip
    for days in (0, 0, 3, 29, 31):
        regular(now - (20 + days) * DAY)
    back = regular(now - 24 * DAY)
    night(now - DAY)
    buy(back, now - DAY)
    found = surprises.preview(rule=draft, since=now - 30 * DAY, until=now)
    assert (found.surprised, found.customers, found.most, found.cost_minor) == (4, 4, 1, 2000)
    assert {day: number for day, number in found.days if number} == {
        now.date(): 2,
        now.date() - 3 * DAY: 1,
        now.date() - 29 * DAY: 1,
    }


def test_new_rule_does_not_surprise_who_was_late_before_its_day():
    regular(LAST - DAY)
    regular(LAST - 100 * DAY)
    night(BEGINS)
    rule(activated_at=BEGINS + timedelta(hours=10))
    assert look(BEGINS + timedelta(hours=10)) == []
    regular()
    night(BEGINS + timedelta(hours=11))
    assert look(BEGINS + timedelta(hours=11)) == [OCCASION]  # since the midnight before


def test_budget_goes_to_those_with_whom_there_is_most_to_lose():
    rule(issued_max=2)
    small, large, likely = (regular(paid_minor=paid, total_minor=paid) for paid in (1000, 4000, 1500))
    night(BEGINS)
    Rhythm.objects.update(stays_away_percent=20)
    Rhythm.objects.filter(customer=likely).update(stays_away_percent=60)
    look(BEGINS)
    assert [row.customer for row in Surprise.objects.order_by("pk")] == [likely, large]
    assert Rhythm.objects.get(customer=small).drifts_from == BEGINS.date()
