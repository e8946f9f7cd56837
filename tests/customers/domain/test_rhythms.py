"""Rhythms are what the purchases say, as the pure rules have them."""

import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError

from customers.domain import closing, rfm, rhythms
from customers.models import Customer, PurchaseReturn, PurchaseReturnLine, RfmGroup, Rhythm, RhythmMap
from loyalty_site.lib import actors
from tests.factories.customers import (
    CustomerFactory,
    PurchaseFactory,
    PurchaseLineFactory,
    RhythmFactory,
    StoreFactory,
)

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def buy(customer, *, days_ago=10, paid=1000, store=None, currency="CNY", hours=0):
    at = NOW - timedelta(days=days_ago, hours=hours)
    told = {"total_minor": paid, "paid_minor": paid, "currency": currency, "purchased_at": at}
    return PurchaseFactory(customer=customer, **told, **({"store": store} if store else {}))


def bring_back(purchase, amount, *, at=NOW):
    line = PurchaseLineFactory(purchase=purchase, amount_minor=purchase.total_minor)
    returned = PurchaseReturn.objects.create(
        purchase=purchase, store=purchase.store, return_number=f"B-{purchase.pk}", returned_at=at, recorded_at=at
    )
    PurchaseReturnLine.objects.create(purchase_return=returned, line=line, quantity=Decimal(1), amount_minor=amount)


def of(customer):
    rhythms.refresh(at=NOW)
    return Rhythm.objects.get(customer=customer)


def test_scores_and_groups_are_those_of_the_pure_rules():
    rng = random.Random(7)
    customers = CustomerFactory.create_batch(40)
    for customer in customers:
        for _ in range(rng.choice([1, 1, 2, 3, 8])):
            buy(customer, days_ago=rng.choice([1, 5, 20, 60, 120, 300]), paid=rng.choice([100, 500, 2000]))
    assert rhythms.refresh(at=NOW) == 40
    rows = list(Rhythm.objects.all())
    last, days, spend = ([getattr(row, name) for row in rows] for name in ("last_on", "year_days", "year_spend_minor"))
    ordinals = [day.toordinal() for day in last]
    for row in rows:
        r = rfm.score(row.last_on.toordinal(), ordinals)
        f, m = rfm.score(row.year_days, days), rfm.score(row.year_spend_minor, spend)
        assert (row.recency, row.frequency, row.monetary) == (r, f, m)
        assert row.volume == rfm.volume(f, m)
        assert row.group == rfm.group(r, row.volume)
    assert len({row.group for row in rows}) > 5


def test_days_are_those_of_the_stores_clock_and_counted_once():
    mei, store = CustomerFactory(), StoreFactory(timezone="Asia/Shanghai")
    buy(mei, store=store, days_ago=0, hours=-5)  # not told before NOW
    buy(mei, store=store, days_ago=1, hours=-5)  # 1 a.m. of the 30th there
    buy(mei, store=store, days_ago=1, hours=-6)
    buy(mei, store=store, days_ago=9, hours=1)
    row = of(mei)
    assert (row.first_on, row.last_on, row.days, row.year_days) == (date(2026, 6, 21), date(2026, 6, 30), 2, 2)


def test_year_counts_for_scores_and_all_days_are_known():
    mei = CustomerFactory()
    buy(mei, days_ago=366, paid=9000)
    buy(mei, days_ago=364, paid=700)
    row = of(mei)
    assert (row.days, row.year_days, row.year_spend_minor) == (2, 1, 700)


def test_what_came_back_is_not_spent_and_a_purchase_of_which_all_came_back_is_none():
    mei = CustomerFactory()
    bring_back(buy(mei, days_ago=3, paid=1000), 1000)
    bring_back(buy(mei, days_ago=5, paid=1000), 250)
    row = of(mei)
    assert (row.last_on, row.days, row.year_spend_minor) == ((NOW - timedelta(days=5)).date(), 1, 750)


def test_money_counts_in_the_currency_of_the_latest_purchase():
    mei = CustomerFactory()
    buy(mei, days_ago=2, paid=500, currency="EUR")
    buy(mei, days_ago=5, paid=90_000)
    row = of(mei)
    assert (row.currency, row.year_spend_minor, row.year_days) == ("EUR", 500, 2)


def test_who_did_not_buy_for_a_year_is_lost_and_takes_nobodys_place():
    gone, here = CustomerFactory(), CustomerFactory()
    buy(gone, days_ago=400)
    buy(here)
    lost, row = of(gone), of(here)
    assert (lost.group, lost.recency, lost.volume) == (RfmGroup.LOST, None, None)
    assert (row.recency, row.group) == (3, RfmGroup.NEED_ATTENTION)


def test_who_left_and_who_never_bought_has_no_rhythm():
    CustomerFactory()
    buy(CustomerFactory(closed_at=NOW))
    RhythmFactory()  # of one whose purchases are gone
    assert rhythms.refresh(at=NOW) == 0
    assert not Rhythm.objects.exists()


def test_closing_drops_the_rhythm():
    mei = RhythmFactory().customer
    closing.close(customer=mei, by=actors.SYSTEM, at=NOW)
    assert not Rhythm.objects.exists()


def test_again_changes_nothing_and_a_new_purchase_does():
    mei = CustomerFactory()
    buy(mei)
    assert of(mei).days == of(mei).days == 1
    buy(mei, days_ago=3)
    assert of(mei).days == 2


@pytest.mark.parametrize("wrong", [{"volume": 6}, {"group": "LOST"}, {"recency": None}, {"group": "OTHER"}])
def test_scores_that_are_none_are_refused(wrong):
    with pytest.raises(IntegrityError):
        RhythmFactory(**wrong)


def test_map_tells_cells_groups_and_what_scores_mean():
    RhythmFactory(year_spend_minor=300, last_on=date(2026, 6, 1))
    RhythmFactory(year_spend_minor=700, year_days=2, days=2, last_on=date(2026, 6, 9))
    RhythmFactory(group=RfmGroup.LOST, recency=None, frequency=None, monetary=None, volume=None, year_spend_minor=0)
    CustomerFactory()
    CustomerFactory(closed_at=NOW)
    rhythms.count_map(at=NOW)
    found = rhythms.rfm_map()
    assert (found.everybody.customers, found.strangers) == (3, 1)
    assert (found.cells[3, 3].customers, found.cells[3, 3].spend) == (2, {"CNY": 1000})
    assert found.groups["LOST"].customers == 1
    assert found.recency == {3: (date(2026, 6, 1), date(2026, 6, 9))}
    assert found.frequency == {3: (1, 2)}
    assert found.monetary == {"CNY": {3: (300, 700)}}


def shop(rng):
    """Customers of three currencies who bought now and again, some not for a year, some never, some not to be
    profiled."""
    for customer in CustomerFactory.create_batch(60):
        currency = rng.choice(["CNY", "CNY", "EUR", "JPY"])
        for _ in range(rng.choice([0, 1, 2, 5, 9])):
            buy(
                customer, days_ago=rng.choice([0, 1, 4, 30, 90, 200, 400]), paid=rng.randint(1, 9000), currency=currency
            )
        if rng.random() < 0.1:
            Customer.objects.filter(pk=customer.pk).update(profiling_refused_at=NOW)


def ranges(rows, score, value):
    """By score, from 5 down, the least and the most of a value."""
    found = {}
    for number in (5, 4, 3, 2, 1):
        values = [getattr(row, value) for row in rows if getattr(row, score) == number]
        if values:
            found[number] = (min(values), max(values))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_map_that_is_kept_is_what_a_count_of_the_rhythms_gives(seed):
    shop(random.Random(seed))
    rhythms.refresh(at=NOW)
    rows, found = list(Rhythm.objects.all()), rhythms.rfm_map()
    assert found.made_at == NOW
    assert found.everybody.customers == len(rows) > 20
    allowed = Customer.objects.filter(profiling_refused_at=None)
    assert found.strangers == allowed.count() - len(rows) > 0
    today = NOW.date()
    assert found.drifting == sum(
        row.drifts_from is not None and row.drifts_from <= today and (today - row.last_on).days < 365 for row in rows
    )
    for told, key in ((found.groups, lambda row: row.group), (found.cells, lambda row: (row.volume, row.recency))):
        customers, spend = Counter(), defaultdict(Counter)
        for row in rows:
            if row.volume or told is found.groups:
                customers[key(row)] += 1
                spend[key(row)][row.currency] += row.year_spend_minor
        assert {name: tally.customers for name, tally in told.items()} == customers
        assert {name: tally.spend for name, tally in told.items()} == spend
    assert found.recency == ranges(rows, "recency", "last_on")
    assert found.frequency == ranges(rows, "frequency", "year_days")
    assert {currency for currency, spans in found.monetary.items() if spans} == {
        row.currency for row in rows if row.monetary
    }
    for currency, spans in found.monetary.items():
        assert spans == ranges([row for row in rows if row.currency == currency], "monetary", "year_spend_minor")


def test_map_is_one_row_and_the_latest(django_assert_num_queries):
    assert rhythms.rfm_map() is None
    buy(CustomerFactory())
    rhythms.refresh(at=NOW)
    buy(CustomerFactory())
    assert rhythms.rfm_map().everybody.customers == 1
    rhythms.refresh(at=NOW + timedelta(days=1))
    with django_assert_num_queries(1):
        found = rhythms.rfm_map()
    assert (found.everybody.customers, found.made_at) == (2, NOW + timedelta(days=1))
    with pytest.raises(IntegrityError, match="rhythm_map_is_one_row"):
        RhythmMap.objects.create(only=False, made_at=NOW, tallies=[], strangers=0, drifting=0)


def test_usual_gap_is_ones_own_drawn_towards_everybodys():
    """Gaps of 10 and 30 days, everybody's mean is 20: (2 × 10 + 3 × 20) / 5 = 16 and (2 × 30 + 3 × 20) / 5 = 24."""
    often, seldom = CustomerFactory(), CustomerFactory()
    for place in range(3):
        buy(often, days_ago=40 + 10 * place)
        buy(seldom, days_ago=40 + 30 * place)
    rows = [of(often), of(seldom)]
    last = (NOW - timedelta(days=40)).date()
    assert [(row.usual_days, (row.due_on - last).days, (row.drifts_from - last).days) for row in rows] == [
        (16, 16, 32),
        (24, 24, 48),
    ]
    drifting = Rhythm.objects.filter(rhythms.drifting(NOW.date()))
    assert [row.customer for row in drifting] == [often]


def test_nobody_drifts_away_within_two_weeks_nor_after_a_year():
    daily, lost = CustomerFactory(), CustomerFactory()
    for place in range(4):
        buy(daily, days_ago=13 + place)
        buy(lost, days_ago=365 + place)
    assert (of(daily).usual_days, of(daily).drifts_from) == (1, (NOW + timedelta(days=1)).date())
    assert not Rhythm.objects.filter(rhythms.drifting(NOW.date())).exists()
    tomorrow = (NOW + timedelta(days=1)).date()
    assert [row.customer for row in Rhythm.objects.filter(rhythms.drifting(tomorrow))] == [daily]


def test_two_days_make_no_usual_gap():
    mei = CustomerFactory()
    buy(mei, days_ago=5)
    buy(mei, days_ago=50)
    assert (of(mei).usual_days, of(mei).due_on, of(mei).drifts_from) == (None, None, None)
