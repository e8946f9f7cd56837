"""What customers rate, and their lists."""

from datetime import timedelta

import pytest

from customers.domain import ratings
from customers.domain.recommendations import runs
from tests.customers.domain.recommendations.purchases import NOW, buy_often, list_of, neighborhood
from tests.factories.customers import (
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    PurchaseLineFactory,
)

pytestmark = pytest.mark.django_db


def test_what_is_rated_badly_leaves_the_list_at_once_and_for_good(store):
    mia, milk, oats = CustomerFactory(), ProductFactory(), ProductFactory()
    buy_often(mia, store, milk, oats)
    runs.refresh(at=NOW)
    ratings.rate(customer=mia, product=milk, stars=2, at=NOW)
    assert [product for product, _ in list_of(mia)] == [oats]
    runs.refresh(at=NOW)
    assert [product for product, _ in list_of(mia)] == [oats]
    ratings.rate(customer=mia, product=milk, stars=4, at=NOW)
    runs.refresh(at=NOW)
    assert {product for product, _ in list_of(mia)} == {milk, oats}


def test_what_is_rated_badly_while_lists_are_made_is_not_on_them(store, monkeypatch):
    """The rating comes between the making of a list and its storing; another of its name, and what it was the reason
    for, are not on them either."""
    mia, milk, bread = CustomerFactory(), *ProductFactory.create_batch(2)
    jam, other_jam = ProductFactory.create_batch(2, name="Jam")
    neighborhood(store, jam, bread)
    buy_often(mia, store, milk, jam)
    buy_often(mia, store, other_jam, times=2)
    store_rows = runs._replace

    def late(customers, rows, said):
        mine = {row.product_id for row in rows if row.customer_id == mia.pk}
        assert ratings.bad(customers=[mia.pk]) or mine == {milk.pk, jam.pk, bread.pk}
        ratings.rate(customer=mia, product=other_jam, stars=1, at=NOW)
        ratings.rate(customer=mia, product=jam, stars=1, at=NOW)
        return store_rows(customers, rows, said)

    monkeypatch.setattr(runs, "_replace", late)
    runs.refresh(at=NOW)
    assert [product for product, _ in list_of(mia)] == [milk, bread]
    assert "because" not in list_of(mia)[1][1]


def test_a_bad_rating_bars_a_name_that_was_bought_earlier_that_day(store):
    """At 7:45 in Shanghai, when it is yesterday in Greenwich; one of the name was bought at 7:30."""
    mia, jam, other_jam, morning = CustomerFactory(), *ProductFactory.create_batch(2, name="Jam"), NOW.replace(hour=23)
    buy_often(mia, store, jam, other_jam, last=-11.5 / 24)
    ratings.rate(customer=mia, product=jam, stars=1, at=morning + timedelta(minutes=45))
    later = morning + timedelta(days=20)
    runs.refresh(at=later)
    assert list_of(mia) == []
    purchase = PurchaseFactory(customer=mia, store=store, purchased_at=later - timedelta(days=15))
    PurchaseLineFactory(purchase=purchase, product=other_jam)
    runs.refresh(at=later)
    assert [product for product, _ in list_of(mia)] == [other_jam]


def test_what_is_rated_badly_once_more_while_lists_are_made_is_not_on_them(store, monkeypatch):
    mia, small, big = CustomerFactory(), *ProductFactory.create_batch(2, name="Shirt")
    ratings.rate(customer=mia, product=small, stars=1, at=NOW - timedelta(days=60))
    buy_often(mia, store, big)
    store_rows, rows_of_mia = runs._replace, []

    def late(customers, rows, said):
        rows_of_mia.append(len(rows))
        ratings.rate(customer=mia, product=small, stars=1, at=NOW)
        return store_rows(customers, rows, said)

    monkeypatch.setattr(runs, "_replace", late)
    runs.refresh(at=NOW)
    assert rows_of_mia == [1, 0]
    assert list_of(mia) == []


@pytest.mark.parametrize("stars", [0, 6])
def test_a_rating_is_from_one_to_five_stars(stars):
    with pytest.raises(ratings.StarsWrong):
        ratings.rate(customer=CustomerFactory(), product=ProductFactory(), stars=stars, at=NOW)


def test_what_is_rated_badly_takes_its_name_and_its_word_for_others_with_it(store):
    mia, milk, other_milk, oats = CustomerFactory(), *ProductFactory.create_batch(2, name="Milk"), ProductFactory()
    neighborhood(store, milk, oats)
    buy_often(mia, store, milk, other_milk)
    runs.refresh(at=NOW)
    [(listed, _), (_, reason)] = list_of(mia)
    assert reason == {"because": milk.pk}
    ratings.rate(customer=mia, product=milk, stars=1, at=NOW)
    assert list_of(mia) == []
    runs.refresh(at=NOW)
    assert {listed, milk, other_milk}.isdisjoint(product for product, _ in list_of(mia))
