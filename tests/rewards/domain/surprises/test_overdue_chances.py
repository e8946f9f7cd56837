"""Who is away for twice their usual time and likely to stay away."""

from datetime import UTC, date, datetime, timedelta

import pytest

from customers.models import Rhythm
from rewards.models import Surprise
from tests.factories.rewards import TimetableRuleFactory
from tests.rewards.domain.surprises.absences import (
    BEGINS,
    DAY,
    OCCASION,
    SECOND,
    look,
    night,
    regular,
    rule,
)

pytestmark = pytest.mark.django_db


def test_chance_to_stay_away_is_waited_for():
    rule(stays_away_percent=40)
    regular()
    night(BEGINS)
    told = []
    for day, percent in enumerate([None, 5, 39, 39, 39, 40, 60]):
        Rhythm.objects.update(stays_away_percent=percent)
        told.append(look(BEGINS + day * DAY + timedelta(hours=8)))
    assert told == [[], [], [], [], [], [OCCASION], []]
    assert Surprise.objects.get().happened_at == BEGINS + 5 * DAY


@pytest.mark.parametrize(("days", "given"), [(27, [OCCASION]), (28, []), (300, [])])
def test_chance_to_stay_away_is_looked_at_for_28_days(days, given):
    rule(stays_away_percent=40)
    regular()
    night(BEGINS)
    Rhythm.objects.update(stays_away_percent=39)
    assert look(BEGINS) == []
    Rhythm.objects.update(stays_away_percent=40)
    assert look(BEGINS + days * DAY + SECOND) == given


def test_rule_that_is_over_looks_at_no_chance_any_more():
    rule(stays_away_percent=40, active_to=BEGINS + 2 * DAY)
    regular()
    night(BEGINS)
    Rhythm.objects.update(stays_away_percent=40)
    assert look(BEGINS + 2 * DAY) == []


def test_distance_to_other_surprises_is_from_the_day_on_which_both_were_seen():
    TimetableRuleFactory(priority=1)
    rule(stays_away_percent=40, quiet_days=5)
    mei = regular()
    mei.birthday = date(1990, 5, 10)
    mei.save(update_fields=["birthday"])
    night(BEGINS)
    birthday = datetime(2026, 5, 10, tzinfo=UTC)
    assert look(birthday) == ["birthday:2026"]
    Rhythm.objects.update(stays_away_percent=40)
    told = [look(birthday + day * DAY) for day in range(1, 7)]
    assert told == [[], [], [], [], [OCCASION], []]
