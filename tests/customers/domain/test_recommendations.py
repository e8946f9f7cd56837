from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import translation

from customers.domain import recommendations
from customers.models import PurchaseReturn, PurchaseReturnLine, Recommendation
from tests.factories.customers import (
    CategoryFactory,
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    PurchaseLineFactory,
    StoreFactory,
)
from tests.races import at_once

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return StoreFactory(timezone="Asia/Shanghai")


def buy(customer, store, *products, days_ago=10):
    purchase = PurchaseFactory(customer=customer, store=store, purchased_at=NOW - timedelta(days=days_ago))
    return [PurchaseLineFactory(purchase=purchase, product=product) for product in products]


def buy_often(customer, store, *products, every=10, times=4, last=10):
    for n in range(times):
        buy(customer, store, *products, days_ago=last + n * every)


def bring_back(line, *, days_ago):
    at = NOW - timedelta(days=days_ago)
    returned = PurchaseReturn.objects.create(
        purchase=line.purchase, store=line.purchase.store, return_number="B-1", returned_at=at, recorded_at=at
    )
    PurchaseReturnLine.objects.create(purchase_return=returned, line=line, quantity=Decimal(1), amount_minor=0)


def refreshed(customer):
    recommendations.refresh(at=NOW)
    return [
        (row.product, row.kind)
        for row in Recommendation.objects.filter(customer=customer).order_by("rank").select_related("product")
    ]


def neighborhood(store, *products, people=4):
    """Customers who all buy all of `products`."""
    for _ in range(people):
        buy(CustomerFactory(), store, *products)


def test_refresh_recommends_again_what_was_bought_most_and_latest(store):
    mia, milk, bread, once = CustomerFactory(), ProductFactory(), ProductFactory(), ProductFactory()
    buy_often(mia, store, milk, times=3)
    buy_often(mia, store, bread, times=5)
    buy(mia, store, once)
    assert refreshed(mia) == [(bread, "again"), (milk, "again")]
    assert list(Recommendation.objects.values_list("rank", flat=True).order_by("rank")) == [1, 2]
    assert Recommendation.objects.get(rank=1).score == 1.0


def test_refresh_lets_old_habits_fade(store):
    mia, old, fresh = CustomerFactory(), ProductFactory(), ProductFactory()
    buy_often(mia, store, old, times=6, last=300)
    buy_often(mia, store, fresh, times=3)
    assert refreshed(mia) == [(fresh, "again"), (old, "again")]


def test_refresh_keeps_the_rhythm_as_the_reason(store):
    mia, milk = CustomerFactory(), ProductFactory()
    buy_often(mia, store, milk, every=7, times=4, last=8)
    refreshed(mia)
    assert Recommendation.objects.get().reason == {"times": 4, "last_on": "2026-06-22", "every_days": 7}


def test_refresh_claims_no_rhythm_where_there_is_none(store):
    mia, milk = CustomerFactory(), ProductFactory()
    for days_ago in (10, 11, 12, 100):
        buy(mia, store, milk, days_ago=days_ago)
    refreshed(mia)
    assert Recommendation.objects.get().reason == {"times": 4, "last_on": "2026-06-20"}


@pytest.mark.parametrize(("every", "last", "due"), [(4, 1, False), (4, 2, True), (30, 6, False), (30, 7, True)])
def test_refresh_waits_with_what_was_just_bought(store, every, last, due):
    mia, milk = CustomerFactory(), ProductFactory()
    buy_often(mia, store, milk, every=every, last=last)
    assert refreshed(mia) == [(milk, "again")] * due


def test_refresh_never_recommends_what_was_given_up(store):
    mia, gone = CustomerFactory(), ProductFactory(discontinued_at=NOW - timedelta(days=1))
    bread = ProductFactory()
    buy_often(mia, store, gone, bread)
    neighborhood(store, bread, gone)
    assert refreshed(mia) == [(bread, "again")]


def test_refresh_never_recommends_what_came_back_until_it_is_bought_again(store):
    mia, lamp = CustomerFactory(), ProductFactory()
    buy(mia, store, lamp, days_ago=40)
    (line,) = buy(mia, store, lamp, days_ago=30)
    bring_back(line, days_ago=20)
    assert refreshed(mia) == []
    buy(mia, store, lamp, days_ago=10)
    assert refreshed(mia) == [(lamp, "again")]


def test_refresh_recommends_new_what_buyers_of_the_same_take(store):
    mia, milk, oats, honey = CustomerFactory(), ProductFactory(), ProductFactory(), ProductFactory()
    neighborhood(store, milk, oats)
    neighborhood(store, honey)
    buy(mia, store, milk)
    assert refreshed(mia) == [(oats, "new")]
    assert Recommendation.objects.get(customer=mia).reason == {"because": milk.pk}


def test_refresh_does_not_recommend_as_new_what_the_customer_brought_back(store):
    mia, milk, oats = CustomerFactory(), ProductFactory(), ProductFactory()
    neighborhood(store, milk, oats)
    _, line = buy(mia, store, milk, oats)
    bring_back(line, days_ago=5)
    assert refreshed(mia) == []


def test_refresh_does_not_call_new_what_has_the_name_of_a_habit(store):
    mia, milk, bottle = CustomerFactory(), ProductFactory(name="Milk"), ProductFactory(name="Milk")
    neighborhood(store, milk, bottle)
    buy(mia, store, milk)
    assert refreshed(mia) == []


def test_refresh_names_the_habit_whose_buyers_take_it_most(store):
    mia, bananas, tea, honey = CustomerFactory(), ProductFactory(), ProductFactory(), ProductFactory()
    neighborhood(store, bananas, people=40)
    neighborhood(store, bananas, tea, honey, people=10)
    buy(mia, store, bananas, tea)
    refreshed(mia)
    assert Recommendation.objects.get(customer=mia).reason == {"because": tea.pk}


def test_refresh_names_another_habit_when_one_has_told_enough(store):
    mia, tea, coffee = CustomerFactory(), ProductFactory(), ProductFactory()
    neighborhood(store, tea, coffee, *ProductFactory.create_batch(2))
    buy(mia, store, tea, coffee)
    refreshed(mia)
    reasons = Recommendation.objects.filter(customer=mia).values_list("reason__because", flat=True)
    assert set(reasons) == {tea.pk, coffee.pk}


def test_refresh_trusts_no_pair_that_fewer_than_three_customers_made(store):
    mia, milk, oats = CustomerFactory(), ProductFactory(), ProductFactory()
    neighborhood(store, milk, oats, people=2)
    buy(mia, store, milk)
    assert refreshed(mia) == []


def test_refresh_mixes_both_kinds_into_twelve(store):
    mia = CustomerFactory()
    own, others = ProductFactory.create_batch(15), ProductFactory.create_batch(6)
    buy_often(mia, store, *own)
    neighborhood(store, own[0], *others, people=3)
    kinds = [kind for _, kind in refreshed(mia)]
    assert kinds == ["again", "again", "new"] * 4


def test_refresh_fills_up_with_the_other_kind(store):
    mia = CustomerFactory()
    own, others = ProductFactory.create_batch(3), ProductFactory.create_batch(12)
    buy_often(mia, store, *own)
    neighborhood(store, own[0], *others, people=3)
    kinds = [kind for _, kind in refreshed(mia)]
    assert (len(kinds), kinds.count("again")) == (12, 3)


def test_refresh_replaces_what_was_there_and_only_of_those_asked_for(store):
    mia, leo, milk = CustomerFactory(), CustomerFactory(), ProductFactory()
    for customer in (mia, leo):
        buy_often(customer, store, milk)
        Recommendation.objects.create(
            customer=customer, rank=1, product=ProductFactory(), kind="new", score=1, made_at=NOW
        )
    assert recommendations.refresh(at=NOW, customers=[mia]) == 1
    assert mia.recommendations.get().product == milk
    assert leo.recommendations.get().product != milk


def test_refresh_knows_nothing_of_the_future_and_of_anonymous_sales(store):
    mia, milk = CustomerFactory(), ProductFactory()
    buy_often(mia, store, milk, last=-40)
    buy(None, store, milk)
    recommendations.refresh(at=NOW - timedelta(days=1))
    assert not Recommendation.objects.exists()


def test_refresh_works_in_an_empty_house():
    assert recommendations.refresh(at=NOW) == 0


@pytest.mark.parametrize(
    ("reason", "english", "chinese_date"),
    [
        ({"times": 2, "last_on": "2026-06-02"}, "You bought this on 2 days, last on June 2.", "6月2日"),
        ({"times": 9, "last_on": "2026-06-02", "every_days": 1}, "You buy this nearly every day, last on June 2.", ""),
        (
            {"times": 9, "last_on": "2026-06-02", "every_days": 5},
            "You buy this about every 5 days, last on June 2.",
            "",
        ),
        (
            {"times": 9, "last_on": "2026-06-02", "every_days": 8},
            "You buy this about every week, last on June 2.",
            "",
        ),
        (
            {"times": 9, "last_on": "2026-06-02", "every_days": 20},
            "You buy this about every 3 weeks, last on June 2.",
            "",
        ),
        ({"times": 2, "last_on": "2025-06-02"}, "You bought this on 2 days, last on June 2, 2025.", "2025年6月2日"),
    ],
)
def test_for_customer_says_why_again(reason, english, chinese_date):
    row = Recommendation(customer=CustomerFactory(), rank=1, product=ProductFactory(), kind="again", score=1)
    row.reason, row.made_at = reason, NOW
    row.save()
    (item,) = recommendations.for_customer(customer=row.customer, limit=5)
    assert item.reason == english
    with translation.override("zh-hans"):
        assert chinese_date in recommendations.for_customer(customer=row.customer, limit=5)[0].reason


def test_for_customer_says_why_new(store):
    mia, milk = CustomerFactory(), ProductFactory(name="Milk")
    oats = ProductFactory(name="Oats", sku="42", category=CategoryFactory(name="Breakfast"))
    neighborhood(store, milk, oats)
    buy(mia, store, milk)
    refreshed(mia)
    (item,) = recommendations.for_customer(customer=mia, limit=5)
    assert (item.sku, item.name, item.category, item.kind) == ("42", "Oats", "Breakfast", "new")
    assert item.reason == "People who buy Milk often take this too."


@pytest.mark.parametrize("number", [1, 3])
def test_for_customer_takes_two_queries(django_assert_num_queries, number):
    mia = CustomerFactory()
    for rank in range(1, number + 1):
        Recommendation.objects.create(
            customer=mia, rank=rank, product=ProductFactory(), kind="new", score=1, reason={"because": 0}, made_at=NOW
        )
    with django_assert_num_queries(2):
        assert len(recommendations.for_customer(customer=mia, limit=5)) == number


@pytest.mark.django_db(transaction=True)
def test_refresh_may_run_many_times_at_the_same_moment():
    mia, store = CustomerFactory(), StoreFactory()
    buy_often(mia, store, *ProductFactory.create_batch(3))

    assert at_once(*[partial(recommendations.refresh, at=NOW)] * 4) == [1] * 4
    assert mia.recommendations.count() == 3
