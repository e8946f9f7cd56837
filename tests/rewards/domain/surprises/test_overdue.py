"""Who is away for twice their usual time, by their own rhythm: each absence once, however the night tells of it."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.domain import profiling
from customers.models import Rhythm
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import merges, points, surprises
from rewards.domain.surprises import timetable
from rewards.models import Arm, Surprise
from tests.factories.customers import (
    CustomerFactory,
    StoreFactory,
)
from tests.factories.rewards import ProgramFactory
from tests.fuzz import example_settings
from tests.rewards.domain.surprises.absences import (
    BEGINS,
    DAY,
    LAST,
    OCCASION,
    SECOND,
    bring_back,
    buy,
    look,
    night,
    regular,
    rule,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("timezone", "day", "begins"),
    [
        ("UTC", date(2026, 4, 30), datetime(2026, 4, 30, tzinfo=UTC)),
        ("Asia/Shanghai", date(2026, 4, 30), datetime(2026, 4, 29, 16, tzinfo=UTC)),
        ("America/New_York", date(2026, 4, 30), datetime(2026, 4, 30, 4, tzinfo=UTC)),
        ("Pacific/Kiritimati", date(2026, 4, 30), datetime(2026, 4, 29, 10, tzinfo=UTC)),
        ("Africa/Cairo", date(2026, 4, 24), datetime(2026, 4, 23, 22, tzinfo=UTC)),  # has no midnight: 01:00
        ("America/Havana", date(2026, 11, 1), datetime(2026, 11, 1, 5, tzinfo=UTC)),  # has it twice
        ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC)),  # has 23 hours
    ],
)
def test_absence_begins_to_be_one_at_midnight_of_the_programmes_calendar(timezone, day, begins):
    ProgramFactory(timezone=timezone)
    rule()
    last = datetime.combine(day - 20 * DAY, time(12), UTC)
    regular(last)
    night(last + 15 * DAY)
    assert Rhythm.objects.get().drifts_from == day
    assert look(begins - SECOND) == []
    assert look(begins) == [f"overdue:{last.date()}"]
    assert look(begins) == look(begins + DAY) == []
    given = Surprise.objects.get()
    assert (given.happened_at, given.purchase) == (begins, None)


def test_who_came_back_and_stays_away_again_is_surprised_again():
    rule()
    mei = regular()
    night(BEGINS)
    assert look(BEGINS) == [OCCASION]
    buy(mei, BEGINS + timedelta(hours=9))  # on the very day
    for days in range(1, 60):
        night(BEGINS + days * DAY)
        looked = look(BEGINS + days * DAY)
        assert looked == (["overdue:2026-04-30"] if BEGINS.date() + days * DAY == _drifts_from(mei) else [])
    assert Surprise.objects.count() == 2


def _drifts_from(customer):
    return Rhythm.objects.get(customer=customer).drifts_from


def test_who_bought_since_the_night_is_not_away():
    rule()
    mei = regular()
    night(BEGINS - DAY)
    buy(mei, BEGINS - SECOND)
    assert look(BEGINS) == []


def test_one_absence_is_surprised_once_however_often_its_day_moves():
    rule()
    mei = regular()
    night(BEGINS)
    assert look(BEGINS) == [OCCASION]
    for day in (1, 3, 9):
        Rhythm.objects.filter(customer=mei).update(drifts_from=BEGINS.date() + day * DAY)
        assert look(BEGINS + day * DAY) == []


def test_purchase_of_that_time_that_is_told_late_makes_no_other_absence():
    rule()
    mei = regular()
    night(BEGINS)
    assert look(BEGINS) == [OCCASION]
    buy(mei, LAST + timedelta(hours=5))
    buy(mei, LAST + 5 * DAY)
    for day in range(1, 40):
        night(BEGINS + day * DAY)
        assert look(BEGINS + day * DAY) == []
    assert Rhythm.objects.get().last_on == LAST.date() + 5 * DAY


def test_what_comes_back_after_the_gift_makes_no_other_absence_and_takes_no_gift():
    rule()
    mei = regular(LAST - 10 * DAY)
    last = buy(mei, LAST)
    night(BEGINS)
    assert look(BEGINS) == [OCCASION]
    bring_back(last, BEGINS)
    surprises.take_back(purchases=[last.pk], by=SYSTEM, at=BEGINS)
    assert points.summary(customer=mei, at=BEGINS).available == 30
    night(BEGINS + DAY)
    row = Rhythm.objects.get()
    assert row.last_on == LAST.date() - 10 * DAY
    Rhythm.objects.update(drifts_from=BEGINS.date() + DAY)
    assert look(BEGINS + DAY) == []


def test_purchase_of_which_all_came_back_is_none_and_one_of_which_some_did_is_one():
    rule()
    mei = regular(LAST)
    gone = buy(mei, LAST + 4 * DAY)
    bring_back(gone, LAST + 5 * DAY)
    bring_back(buy(mei, LAST + timedelta(hours=1)), LAST + 5 * DAY, 999)
    night(BEGINS)
    assert look(BEGINS) == [OCCASION]


def test_visit_of_which_all_comes_back_ends_no_absence():
    rule()
    mei = regular()
    night(BEGINS)
    assert look(BEGINS) == [OCCASION]
    bring_back(buy(mei, BEGINS + 3 * DAY), BEGINS + 5 * DAY)
    Rhythm.objects.update(drifts_from=BEGINS.date() + 5 * DAY)
    assert look(BEGINS + 5 * DAY) == []


def test_rhythm_that_does_not_know_what_came_back_waits_for_the_night():
    rule()
    mei = regular(LAST - 9 * DAY)
    night(LAST)
    last = buy(mei, LAST)
    night(LAST + DAY)
    drifts_from = Rhythm.objects.get().drifts_from
    bring_back(last, LAST + 2 * DAY)
    assert look(datetime.combine(drifts_from, time(), UTC)) == []
    night(LAST + 3 * DAY)
    assert Rhythm.objects.get().last_on == LAST.date() - 9 * DAY
    assert look(LAST + 11 * DAY) == ["overdue:2026-04-01"]


def test_two_who_are_merged_are_one_absence():
    rule()
    kept, gone = regular(), regular(LAST + 10 * DAY)
    night(BEGINS)
    merges.merge(source=gone, target=kept, reason="", by=SYSTEM, at=BEGINS)
    assert look(BEGINS) == []  # what the other one bought is theirs now
    night(BEGINS + DAY)
    days = {BEGINS + day * DAY: look(BEGINS + day * DAY) for day in range(1, 60)}
    assert {at: told for at, told in days.items() if told} == {BEGINS + 10 * DAY: ["overdue:2026-04-20"]}


def test_two_who_both_had_it_are_merged_and_get_no_third():
    rule()
    kept, gone, third = regular(), regular(LAST + DAY), regular(LAST - DAY)
    night(BEGINS)
    told = [look(BEGINS + day * DAY) for day in range(-1, 2)]
    assert told == [["overdue:2026-04-09"], [OCCASION], ["overdue:2026-04-11"]]
    merges.merge(source=gone, target=kept, reason="", by=SYSTEM, at=BEGINS + DAY)
    merges.merge(source=kept, target=third, reason="", by=SYSTEM, at=BEGINS + DAY)
    for day in range(2, 60):
        night(BEGINS + day * DAY)
        assert look(BEGINS + day * DAY) == []


def test_who_refused_left_or_has_no_rhythm_is_not_looked_at():
    active = rule()
    refused, left, new = regular(), regular(), regular(times=2)
    night(BEGINS - DAY)
    assert Rhythm.objects.get(customer=new).drifts_from is None
    rhythm = Rhythm.objects.get(customer=refused)
    profiling.choose(customer=refused, wanted=False, by=SYSTEM, at=BEGINS)
    left.closed_at = BEGINS
    left.save(update_fields=["closed_at"])
    assert look(BEGINS) == []
    rhythm.save(force_insert=True)  # a night that was under way has written it before it looks for who refused
    assert list(timetable.due(rule=active, at=BEGINS)) == []
    rhythm.delete()
    profiling.choose(customer=refused, wanted=True, by=SYSTEM, at=BEGINS)
    assert look(BEGINS) == []
    night(BEGINS + DAY)
    assert look(BEGINS + DAY) == [OCCASION]


@pytest.mark.parametrize("meanwhile", ["bought", "refused", "came_back"])
def test_list_of_who_is_due_is_looked_at_again_for_each(meanwhile):
    active = rule()
    mei = regular()
    night(BEGINS)
    (found,) = timetable.due(rule=active, at=BEGINS)
    if meanwhile == "bought":
        buy(mei, BEGINS)
    elif meanwhile == "refused":
        profiling.choose(customer=mei, wanted=False, by=SYSTEM, at=BEGINS)
    else:
        bring_back(mei.purchases.get(purchased_at=LAST), BEGINS)
    timetable._look(active, found, BEGINS)
    assert not Surprise.objects.exists()


def test_night_that_did_not_come_is_made_up_for_within_three_days():
    rule()
    regular()
    assert look(BEGINS) == look(BEGINS + DAY) == []
    night(BEGINS + 2 * DAY)
    assert look(BEGINS + 2 * DAY) == [OCCASION]
    assert Surprise.objects.get().happened_at == BEGINS


def test_files_of_a_time_long_ago_surprise_nobody():
    rule()
    rule(stays_away_percent=1)
    regular(LAST)
    night(BEGINS + 40 * DAY)
    Rhythm.objects.update(stays_away_percent=90)
    assert look(BEGINS + 40 * DAY) == []


def test_who_is_held_out_of_an_absence_stays_so():
    rule(experiment__holdout_percent=50)
    for _ in range(12):
        regular()
    night(BEGINS)
    assert len(look(BEGINS)) == 12
    assert {row.arm for row in Surprise.objects.all()} == {Arm.TREATED, Arm.HOLDOUT}
    assert look(BEGINS + DAY) == []


def test_purchases_that_came_back_do_not_count_for_how_many():
    rule(purchases_min=6)
    mei = regular()
    bring_back(buy(mei, LAST - timedelta(hours=1)), LAST)
    night(BEGINS)
    assert look(BEGINS) == []
    buy(mei, LAST - timedelta(hours=2))
    assert look(BEGINS) == [OCCASION]


@pytest.mark.parametrize(("gap", "given"), [(182, ["overdue:2026-04-10"]), (183, [])])
def test_who_is_lost_before_is_not_due(gap, given):
    rule()
    regular(gap=gap)
    night(BEGINS)
    assert look(datetime.combine(LAST.date() + 2 * gap * DAY, time(), UTC)) == given


def test_last_purchase_is_in_the_currency_of_the_rule():
    rule()
    buy(regular(LAST - 10 * DAY), LAST, currency="EUR")
    night(BEGINS)
    assert look(BEGINS) == []
    rule(currency="EUR")
    assert look(BEGINS) == [OCCASION]


def test_last_day_is_the_one_on_the_clock_of_the_store():
    """Two stores a day apart: the later day counts, though the other purchase was later."""
    rule()
    mei = regular(LAST - 10 * DAY)
    east = StoreFactory(timezone="Pacific/Kiritimati")
    buy(mei, datetime(2026, 4, 10, 10, tzinfo=UTC), store=east)  # the 11th there
    buy(mei, LAST)
    night(BEGINS)
    assert Rhythm.objects.get().last_on == date(2026, 4, 11)
    assert look(datetime.combine(Rhythm.objects.get().drifts_from, time(), UTC)) == ["overdue:2026-04-11"]


@example_settings(6)
@given(
    story=st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 21), st.sampled_from(["buy", "buy", "buy", "back", "late"])),
        min_size=3,
        max_size=10,
    ),
    nights=st.sets(st.integers(0, 120), max_size=12),
    looks=st.integers(1, 2),
)
def test_whatever_happens_an_absence_is_surprised_once_and_none_is_missed(db, story, nights, looks):
    """Two customers live through it day by day; `nights` are those on which nothing was worked out."""
    active = rule(activated_at=LAST)
    people = CustomerFactory.create_batch(2)
    happens, until = {}, 0
    for person, gap, what in story:
        until += gap
        happens.setdefault(until, []).append((people[person], what))
    for day in range(until + 40):
        midnight = datetime.combine(LAST.date() + day * DAY, time(), UTC)
        if day not in nights:
            night(midnight)
        for _ in range(looks):
            look(midnight + timedelta(minutes=1))
        for row in Rhythm.objects.filter(drifts_from=midnight.date()):
            last = Surprise.objects.filter(customer=row.customer).order_by("happened_at").last()
            assert day in nights or last and (last.happened_at == midnight or not _bought(last, midnight))
        for number, (customer, what) in enumerate(happens.get(day, [])):
            _happen(customer, what, midnight + timedelta(hours=8 + number))
    rows = list(Surprise.objects.filter(rule=active).order_by("customer", "happened_at"))
    for earlier, later in pairwise(rows):
        if earlier.customer_id == later.customer_id:
            assert _bought(earlier, later.happened_at)


def _bought(surprise, until):
    """Something after the surprise that did not come back."""
    bought = surprise.customer.purchases.filter(purchased_at__gte=surprise.happened_at, purchased_at__lt=until)
    return bought.filter(returns__isnull=True).exists()


def _happen(customer, what, at):
    if what == "back" and (last := customer.purchases.filter(returns__isnull=True).order_by("-purchased_at").first()):
        bring_back(last, at)
    elif what == "late":
        buy(customer, at - 6 * DAY)
    else:
        buy(customer, at)
