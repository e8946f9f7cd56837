"""The database counts as the measurement does, and each night's chances stand with the rhythms."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from customers.domain import rhythms
from customers.domain.absences import chances, evaluation, features
from customers.domain.absences.evaluation import Days
from customers.models import Product, Purchase, PurchaseLine, Rhythm
from tests.factories.customers import CustomerFactory, ProductFactory, PurchaseFactory, RhythmFactory, StoreFactory

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
TODAY = NOW.date()

pytestmark = pytest.mark.django_db


def purchase(customer, store, days_ago):
    return Purchase(
        customer=customer,
        store=store,
        receipt_number=f"{customer.pk}-{days_ago}",
        source="TILL",
        purchased_at=NOW - timedelta(days=days_ago),
        recorded_at=NOW,
        recorded_by="system",
        currency="CNY",
        total_minor=100,
        paid_minor=100,
    )


@pytest.fixture
def shop():
    """Some come every week or so, some seldom, some stopped. By customer the days ago on which they bought."""
    rng, store = np.random.default_rng(3), StoreFactory(timezone="UTC")
    visits = {}
    for customer in CustomerFactory.create_batch(80):
        every, until = int(rng.integers(3, 45)), int(rng.choice([0, 0, 40, 120, 250]))
        days = np.unique(np.maximum(np.arange(340, until, -every) + rng.integers(-2, 3), 0))
        visits[customer] = sorted(days.tolist(), reverse=True)
    bought = Purchase.objects.bulk_create(
        [purchase(customer, store, day) for customer, days in visits.items() for day in days]
    )
    product: Product = ProductFactory()
    PurchaseLine.objects.bulk_create(
        PurchaseLine(purchase=one, position=place, product=product, quantity=1, amount_minor=1)
        for one in bought
        for place in range(1, one.pk % 4 + 1)
    )
    rhythms.refresh(at=NOW)
    return visits, bought


@pytest.mark.parametrize("weeks_ago", [0, 4, 12])
def test_database_counts_as_the_measurement_does(shop, weeks_ago):
    visits, bought = shop
    until = TODAY - timedelta(weeks=weeks_ago)
    ids = [customer.pk for customer in visits]
    rows = sorted((ids.index(one.customer_id), one.purchased_at.date().toordinal(), one.pk % 4) for one in bought)
    expected = evaluation.at(Days(len(ids), *np.array(rows, np.int64).T), until.toordinal())
    found, counts, came = chances._counted(NOW, until)
    assert [ids.index(pk) for pk in found] == expected.who.tolist()
    assert len(found) > 40
    assert np.array_equal(features.table(counts), features.table(expected.counts))
    assert came.tolist() == (~expected.stayed_away).tolist()


def test_who_stopped_is_likelier_to_stay_away_than_who_comes(shop):
    visits, _bought = shop
    told = chances.refresh(at=NOW)
    percents = dict(Rhythm.objects.filter(stays_away_percent__isnull=False).values_list("pk", "stays_away_percent"))
    assert told == len(percents) > 40
    present, gone = (
        [percents[customer.pk] for customer, days in visits.items() if customer.pk in percents and is_so(days)]
        for is_so in (lambda days: days[-1] < 10 and len(days) > 20, lambda days: days[-1] > 100)
    )
    assert max(present) < min(gone)
    seldom = {customer.pk for customer, days in visits.items() if len(days) < features.DAYS_MIN}
    assert not seldom & set(percents)


def test_again_changes_nothing_in_chunks_neither_and_who_buys_does(shop, monkeypatch):
    visits, _bought = shop
    chances.refresh(at=NOW)
    whole = dict(Rhythm.objects.values_list("pk", "stays_away_percent"))
    monkeypatch.setattr(chances, "CHUNK", 7)
    chances.refresh(at=NOW)
    assert dict(Rhythm.objects.values_list("pk", "stays_away_percent")) == whole
    gone = max((customer for customer in visits if whole[customer.pk]), key=lambda customer: whole[customer.pk])
    PurchaseFactory(customer=gone, purchased_at=NOW, store=StoreFactory(timezone="UTC"))
    rhythms.refresh(at=NOW)
    chances.refresh(at=NOW)
    assert Rhythm.objects.get(pk=gone.pk).stays_away_percent < whole[gone.pk]


def test_nothing_is_told_where_nothing_can_be_learned(shop, monkeypatch):
    chances.refresh(at=NOW)
    monkeypatch.setattr(chances, "ENOUGH", 10_000)
    assert chances.refresh(at=NOW) == 0
    assert not Rhythm.objects.filter(stays_away_percent__isnull=False).exists()


def test_shop_without_purchases():
    assert chances.refresh(at=NOW) == 0


def test_chance_that_is_none_is_refused():
    with pytest.raises(IntegrityError, match="rhythm_chance_is_a_percentage"), transaction.atomic():
        RhythmFactory(stays_away_percent=101)
