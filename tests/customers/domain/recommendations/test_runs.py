from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from customers.domain import preferences, ratings
from customers.domain.recommendations import runs
from customers.models import Product, Recommendation
from tests.customers.domain.recommendations.purchases import (
    NOW,
    bring_back,
    buy,
    buy_often,
    list_of,
    neighborhood,
    refreshed,
)
from tests.factories.customers import (
    CategoryFactory,
    CustomerFactory,
    ProductFactory,
    StoreFactory,
)
from tests.fuzz import example_settings
from tests.races import at_once

pytestmark = pytest.mark.django_db


def test_refresh_recommends_again_what_was_bought_most_and_latest(store):
    mia, milk, bread, once = CustomerFactory(), ProductFactory(), ProductFactory(), ProductFactory()
    buy_often(mia, store, milk, times=3)
    buy_often(mia, store, bread, times=8)
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
    assert Recommendation.objects.get(customer=mia, product=oats).reason == {"because": milk.pk}


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
    assert not mia.recommendations.exists()


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


def test_refresh_replaces_what_was_there_and_tells_how_far_it_is(store):
    mia, milk = CustomerFactory(), ProductFactory()
    buy_often(mia, store, milk)
    Recommendation.objects.create(customer=mia, rank=1, product=ProductFactory(), kind="new", score=1, made_at=NOW)
    run = runs.refresh(at=NOW)
    assert mia.recommendations.get().product == milk
    assert (run.customers, run.done, run.is_finished) == (1, 1, True)


def test_who_is_new_gets_what_is_popular_in_the_liked_categories_then_in_the_home_store(store):
    near, far = StoreFactory(), StoreFactory()
    tea, cake = CategoryFactory(), CategoryFactory()
    green, sponge, bread, rare = (ProductFactory(category=kind) for kind in (tea, cake, None, None))
    for _ in range(3):
        buy(CustomerFactory(), near, bread)
    for _ in range(4):
        buy(CustomerFactory(), far, green, sponge)
    buy(CustomerFactory(), far, rare)
    leo = CustomerFactory(home_store=near)
    preferences.state(customer=leo, categories=[cake], at=NOW)
    runs.refresh(at=NOW)
    assert list_of(leo) == [
        (sponge, {"category": cake.pk}),
        (bread, {"store": near.pk}),
        (green, {"everywhere": True}),
        (rare, {"everywhere": True}),
    ]


what_may_happen = st.sampled_from(["buy", "buy", "return", "bad", "good", "off"])
acts = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), what_may_happen, st.integers(0, 60)), max_size=30)


class Undone(Exception):
    pass


@example_settings(15)
@given(acts)
def test_nothing_that_must_not_be_is_ever_recommended(store, acts):
    """Neither brought back, rated badly, switched off, nor bought a moment ago out of its rhythm; nor what has the name
    of such a thing."""
    with suppress(Undone), transaction.atomic():
        people, goods = CustomerFactory.create_batch(4), ProductFactory.create_batch(5)
        goods.append(ProductFactory(name=goods[0].name))
        twins = {goods[0].pk: goods[5].pk, goods[5].pk: goods[0].pk}
        bought, returned, bad, off = {}, {}, {}, set()
        for who, what, act, days_ago in sorted(acts, key=lambda act: -act[3]):
            pair = (people[who].pk, goods[what].pk)
            if act == "buy":
                lines = buy(people[who], store, goods[what], days_ago=days_ago)
                bought.setdefault(pair, []).append((days_ago, lines[0]))
            elif act == "return" and pair in bought and returned.get(pair, [0])[0] != len(bought[pair]):
                bring_back(bought[pair][-1][1], days_ago=days_ago, number=f"{pair}{len(returned)}{days_ago}")
                returned[pair] = (len(bought[pair]), days_ago)
            elif act == "off":
                Product.objects.filter(pk=goods[what].pk).update(discontinued_at=NOW - timedelta(days=1))
                off.add(goods[what].pk)
            elif act in ("bad", "good"):
                ratings.rate(customer=people[who], product=goods[what], stars=1 if act == "bad" else 5, at=NOW)
                bad[pair] = act == "bad"
        runs.refresh(at=NOW)
        rows = list(Recommendation.objects.all())
        for row in rows:
            pair = (row.customer_id, row.product_id)
            assert row.product_id not in off
            twin = (row.customer_id, twins.get(row.product_id))
            days = sorted({days_ago for one in (pair, twin) for days_ago, _ in bought.get(one, [])})
            for one in (pair, twin):
                assert not bad.get(one)
                came_back = one in returned and returned[one][0] == len(bought[one])
                assert not came_back or (one == twin and days[0] < returned[one][1])
            if days:
                gaps = sorted(later - earlier for earlier, later in pairwise(days))
                assert row.kind == "again"
                assert len(days) > 1
                assert days[0] >= min(7, gaps[len(gaps) // 2 if len(gaps) % 2 else len(gaps) // 2 - 1] / 2)
            assert (row.customer_id, twins.get(row.product_id)) not in {
                (one.customer_id, one.product_id) for one in rows
            }
        assert len({(row.customer_id, row.product_id) for row in rows}) == len(rows)
        raise Undone


def test_refresh_knows_nothing_of_the_future_and_of_anonymous_sales(store):
    mia, milk = CustomerFactory(), ProductFactory()
    buy_often(mia, store, milk, last=-40)
    buy(None, store, milk)
    runs.refresh(at=NOW - timedelta(days=11))
    assert not Recommendation.objects.exists()


def test_refresh_works_in_an_empty_house():
    assert runs.refresh(at=NOW).done == 0


@pytest.mark.django_db(transaction=True)
def test_refresh_may_run_many_times_at_the_same_moment():
    mia, store = CustomerFactory(), StoreFactory()
    buy_often(mia, store, *ProductFactory.create_batch(3))

    assert [run.done for run in at_once(*[partial(runs.refresh, at=NOW)] * 4)] == [1] * 4
    assert mia.recommendations.count() == 3


def test_refresh_names_each_thing_once(store):
    mia, jar, other_jar = CustomerFactory(), ProductFactory(name="Jam"), ProductFactory(name="Jam")
    buy_often(mia, store, jar, times=5)
    buy_often(mia, store, other_jar, times=3)
    assert refreshed(mia) == [(jar, "again")]


def test_refresh_waits_for_all_of_a_name(store):
    mia, jar, other_jar = CustomerFactory(), ProductFactory(name="Jam"), ProductFactory(name="Jam")
    buy_often(mia, store, jar, last=20)
    buy_often(mia, store, other_jar, last=0.1)
    assert refreshed(mia) == []


def test_refresh_knows_the_rhythm_of_a_name(store):
    """One of four yogurts every second day: each is bought every eighth."""
    mia, yogurts = CustomerFactory(), ProductFactory.create_batch(4, name="Yogurt")
    for n in range(40):
        buy(mia, store, yogurts[n % 4], days_ago=2 + 2 * n)
    runs.refresh(at=NOW)
    [(product, reason)] = list_of(mia)
    assert product in yogurts
    assert reason == {"times": 40, "last_on": "2026-06-28", "every_days": 2}


def test_refresh_takes_a_name_up_again_that_was_bought_after_one_of_it_came_back(store):
    mia, small, big = CustomerFactory(), *ProductFactory.create_batch(2, name="Shirt")
    [line] = buy(mia, store, small, days_ago=400)
    bring_back(line, days_ago=50)
    buy_often(mia, store, big, last=50)
    assert refreshed(mia) == []
    buy(mia, store, big, days_ago=20)
    assert refreshed(mia) == [(big, "again")]


def test_refresh_does_not_take_up_itself_what_came_back(store):
    """It is bought far more often than the other of its name."""
    mia, big, small = CustomerFactory(), *ProductFactory.create_batch(2, name="Shirt")
    buy_often(mia, store, small, times=8, last=30)
    [line] = buy(mia, store, small, days_ago=26)
    bring_back(line, days_ago=25)
    buy(mia, store, big, days_ago=12)
    assert refreshed(mia) == [(big, "again")]


def test_refresh_waits_for_a_name_after_the_day_on_which_one_came_back_elsewhere(store):
    """Bought in Honolulu, brought back in Shanghai an hour after another of its name was bought there, at 7:30: in
    Honolulu it is yesterday."""
    mia, tie, small, big = CustomerFactory(), ProductFactory(name="Tie"), *ProductFactory.create_batch(2, name="Shirt")
    buy(mia, store, tie, days_ago=15)  # names are not numbered as products are
    [line] = buy(mia, StoreFactory(timezone="Pacific/Honolulu"), small, days_ago=40)
    buy_often(mia, store, big, last=20 - 11.5 / 24)
    bring_back(line, days_ago=20 - 12.5 / 24, store=store)
    assert refreshed(mia) == []


def test_refresh_counts_days_on_the_clock_of_the_store():
    """At 19:00 in Los Angeles it is tomorrow in Greenwich; what was bought a moment ago was bought today."""
    mia, bread, store = CustomerFactory(), ProductFactory(), StoreFactory(timezone="America/Los_Angeles")
    evening = NOW.replace(hour=2) + timedelta(days=1)
    buy_often(mia, store, bread, every=2, last=-13 / 24)
    runs.refresh(at=evening)
    assert list_of(mia) == []
    runs.refresh(at=evening + timedelta(hours=6))
    [(product, reason)] = list_of(mia)
    assert (product, reason["last_on"]) == (bread, "2026-06-30")


def test_refresh_begins_the_day_where_the_store_is(store):
    """At 2:30 in Shanghai it is yesterday in Greenwich; what was bought yesterday waited for a day."""
    mia, bread, night = CustomerFactory(), ProductFactory(), NOW.replace(hour=18, minute=30)
    buy_often(mia, store, bread, every=1, last=0)
    runs.refresh(at=night)
    assert [product for product, _ in list_of(mia)] == [bread]


def test_who_is_new_gets_one_of_a_name(store):
    jar, other_jar = ProductFactory(name="Jam"), ProductFactory(name="Jam")
    neighborhood(store, jar, other_jar)
    mia = CustomerFactory()
    runs.refresh(at=NOW)
    assert [product for product, _ in list_of(mia)] == [jar]
