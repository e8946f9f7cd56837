"""Lists made anew within the day."""

from datetime import timedelta

import pytest

from customers.domain.recommendations import memory, runs, tables
from customers.models import Product, Recommendation, RecommendationRun
from tests.customers.domain.recommendations.purchases import NOW, bring_back, buy, buy_often, list_of
from tests.factories.customers import (
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    PurchaseLineFactory,
)

pytestmark = pytest.mark.django_db


def sell(customer, store, product, *, at, told_at=None):
    purchase = PurchaseFactory(customer=customer, store=store, purchased_at=at, recorded_at=told_at or at)
    PurchaseLineFactory(purchase=purchase, product=product)


def test_refresh_stale_makes_the_lists_of_who_bought_since(store):
    mia, leo, milk, oats = CustomerFactory(), CustomerFactory(), ProductFactory(), ProductFactory()
    for customer in (mia, leo):
        buy_often(customer, store, milk, oats)
    assert runs.refresh_stale(at=NOW) == 0  # nothing was learned yet
    runs.refresh(at=NOW)
    assert {product for product, _ in list_of(mia)} == {milk, oats}
    later = NOW + timedelta(hours=2)
    sell(mia, store, milk, at=later)
    assert runs.refresh_stale(at=later + timedelta(minutes=1)) == 1
    assert [product for product, _ in list_of(mia)] == [oats]
    assert {product for product, _ in list_of(leo)} == {milk, oats}
    assert runs.refresh_stale(at=later + timedelta(minutes=2)) == 0


def test_refresh_stale_waits_for_a_till_whose_clock_is_fast(store):
    mia, milk, oats = CustomerFactory(), ProductFactory(), ProductFactory()
    buy_often(mia, store, milk, oats)
    runs.refresh(at=NOW)
    later = NOW + timedelta(hours=2)
    fast = later + timedelta(minutes=10)
    sell(mia, store, milk, at=fast, told_at=later)
    runs.refresh_stale(at=later + timedelta(minutes=1))
    runs.refresh_stale(at=fast)
    assert [product for product, _ in list_of(mia)] == [oats]
    assert runs.refresh_stale(at=fast + timedelta(minutes=1)) == 0


def test_refresh_stale_takes_up_no_purchase_that_is_still_to_come(store, monkeypatch):
    """By the clock of a fast till."""
    monkeypatch.setattr(runs, "STALE_AT_ONCE", 1)
    mia, leo, milk = CustomerFactory(), CustomerFactory(), ProductFactory()
    for customer in (mia, leo):
        buy_often(customer, store, milk)
    runs.refresh(at=NOW)
    for customer, minutes in ((mia, 14), (leo, 1)):
        sell(customer, store, milk, at=NOW + timedelta(minutes=minutes), told_at=NOW)
    assert runs.refresh_stale(at=NOW + timedelta(minutes=2)) == 1
    assert list_of(leo) == []
    assert list_of(mia) != []


def test_refresh_stale_takes_up_no_return_that_is_still_to_come(store):
    mia, milk = CustomerFactory(), ProductFactory()
    buy_often(mia, store, milk)
    [line] = buy(mia, store, milk, days_ago=9)
    runs.refresh(at=NOW)
    bring_back(line, days_ago=-14 / 24 / 60)
    assert runs.refresh_stale(at=NOW + timedelta(minutes=2)) == 0
    assert runs.refresh_stale(at=NOW + timedelta(minutes=15)) == 1
    assert list_of(mia) == []


def test_refresh_stale_does_not_wait_for_lists_that_come_out_empty(store, monkeypatch):
    monkeypatch.setattr(runs, "STALE_AT_ONCE", 1)
    mia, leo, wash = CustomerFactory(), CustomerFactory(), ProductFactory()
    buy_often(mia, store, wash)
    runs.refresh(at=NOW)
    for customer, minutes in ((mia, 0), (leo, 5)):
        sell(customer, store, wash, at=NOW + timedelta(minutes=minutes))
    Recommendation.objects.filter(customer=mia).update(made_at=NOW - timedelta(minutes=1))
    for minutes in (6, 7):
        runs.refresh_stale(at=NOW + timedelta(minutes=minutes))
    assert not Recommendation.objects.exists()


def test_refresh_stale_gives_the_same_list_as_the_night(store):
    people = [CustomerFactory() for _ in range(6)]
    goods = ProductFactory.create_batch(8)
    for place, customer in enumerate(people):
        buy_often(customer, store, *goods[place : place + 3], every=7 + place, times=5)
    runs.refresh(at=NOW)
    night = {customer.pk: list_of(customer) for customer in people}
    Recommendation.objects.all().delete()
    Purchase = people[0].purchases.model
    assert Purchase.objects.filter(purchased_at__gt=NOW - timedelta(days=2)).count() == 0
    learned = memory.unpack(bytes(RecommendationRun.objects.get().content))
    catalog = tables.catalog(at=NOW).of(learned.product_ids)
    runs._make(sorted(night), learned, catalog, at=NOW, tell=lambda done: None)
    assert {customer.pk: list_of(customer) for customer in people} == night


def test_refresh_stale_offers_nothing_popular_that_was_given_up_since(store):
    bread, cake = ProductFactory(), ProductFactory()
    for _ in range(3):
        buy(CustomerFactory(), store, bread, cake)
    runs.refresh(at=NOW)
    later = NOW + timedelta(hours=2)
    mia = CustomerFactory()
    sell(mia, store, ProductFactory(), at=later)  # which the night did not know
    Product.objects.filter(pk=cake.pk).update(discontinued_at=later)
    assert runs.refresh_stale(at=later + timedelta(minutes=1)) == 1
    assert list_of(mia) == [(bread, {"everywhere": True})]
