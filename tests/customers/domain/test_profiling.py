"""Who switches recommendations off gets none, whatever happens in whatever order."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.domain import closing, merges, profiling, rhythms
from customers.domain.recommendations import lists, runs
from customers.models import AuditEvent, Customer, Recommendation, Rhythm
from loyalty_site.lib import actors
from tests.factories.customers import (
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    PurchaseLineFactory,
    StoreFactory,
)
from tests.races import at_once, behind

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
STAFF = actors.user(7)

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return StoreFactory()


def buy(customer, store, *products, at=NOW - 10 * DAY):
    purchase = PurchaseFactory(customer=customer, store=store, purchased_at=at, recorded_at=at)
    for product in products:
        PurchaseLineFactory(purchase=purchase, product=product)


def bought_often(store, *, people=1):
    """Customers with a list and a rhythm."""
    goods = ProductFactory.create_batch(3)
    customers = CustomerFactory.create_batch(people)
    for customer in customers:
        for days in (10, 20, 30, 40):
            buy(customer, store, *goods, at=NOW - days * DAY)
    return customers


def bought_apart(store):
    """Two customers, each with a product that they alone bought."""
    pairs = [(CustomerFactory(), ProductFactory()) for _ in range(2)]
    for customer, product in pairs:
        for days in (10, 20, 30):
            buy(customer, store, product, at=NOW - days * DAY)
    return pairs


def bought_again(customer):
    """The products on their list that they bought before."""
    return set(customer.recommendations.filter(kind="again").values_list("product", flat=True))


def night(at=NOW):
    runs.refresh(at=at)
    rhythms.refresh(at=at)


def choose(customer, wanted, at=NOW, by=STAFF):
    profiling.choose(customer=customer, wanted=wanted, by=by, at=at)
    customer.refresh_from_db()


def made_of(customer):
    """How many recommendations and rhythms there are of the customer."""
    return Recommendation.objects.filter(customer=customer).count(), Rhythm.objects.filter(customer=customer).count()


def test_switching_off_deletes_what_was_made_and_nothing_is_made_again(store):
    mia, leo = bought_often(store, people=2)
    night()
    assert made_of(mia) == made_of(leo) == (3, 1)
    choose(mia, wanted=False)
    assert made_of(mia) == (0, 0)
    night()
    buy(mia, store, ProductFactory(), at=NOW)
    assert runs.refresh_stale(at=NOW + DAY) == 0
    assert made_of(mia) == (0, 0)
    assert made_of(leo) == (3, 1)
    found = rhythms.rfm_map()
    assert (found.everybody.customers, found.strangers) == (1, 0)


def test_switching_on_again_brings_a_list_in_the_next_night(store):
    (mia,) = bought_often(store)
    choose(mia, wanted=False)
    choose(mia, wanted=True)
    night()
    assert made_of(mia) == (3, 1)


def test_every_choice_is_noted_once(store):
    mia = CustomerFactory()
    for wanted in (True, False, False, True, True):
        choose(mia, wanted=wanted)
    events = AuditEvent.objects.order_by("pk").values_list("action", "actor", "subject")
    assert list(events) == [
        ("customer.profiling_refused", "user:7", f"customer:{mia.pk}"),
        ("customer.profiling_allowed", "user:7", f"customer:{mia.pk}"),
    ]


def test_a_list_that_is_still_there_is_not_shown():
    mia = CustomerFactory(profiling_refused_at=NOW)
    Recommendation.objects.create(
        customer=mia, rank=1, product=ProductFactory(), kind="again", score=1, reason={}, made_at=NOW
    )
    assert lists.for_customer(customer=Customer(pk=mia.pk), limit=5, at=NOW) == []


@pytest.mark.parametrize("off", ["source", "target"])
def test_switched_off_under_one_number_is_switched_off_under_both(store, off):
    source, target = bought_often(store, people=2)
    night()
    choose(source if off == "source" else target, wanted=False)
    merge = merges.begin(source=source, target=target, reason="lost card", by=STAFF, at=NOW)
    merge.save(update_fields=["moved"])
    night()
    assert made_of(target) == made_of(source) == (0, 0)
    merges.begin_undo(merge=merge, by=STAFF, at=NOW)
    night()
    assert [made_of(source), made_of(target)] == ([(0, 0), (3, 1)] if off == "source" else [(3, 1), (0, 0)])


def test_what_the_target_chose_after_a_merge_stays_when_it_is_undone(store):
    source, target = bought_often(store, people=2)
    choose(source, wanted=False)
    merge = merges.begin(source=source, target=target, reason="lost card", by=STAFF, at=NOW)
    merge.save(update_fields=["moved"])
    choose(target, wanted=True, at=NOW + DAY)
    choose(target, wanted=False, at=NOW + DAY)
    merges.begin_undo(merge=merge, by=STAFF, at=NOW + DAY)
    target.refresh_from_db()
    assert target.profiling_refused_at == NOW + DAY


@pytest.mark.parametrize("act", ["refuse", "close"])
def test_a_list_that_was_being_made_is_not_stored(store, monkeypatch, act):
    """The choice comes between the making of a list and its storing."""
    (mia,) = bought_often(store)
    store_rows = runs._replace

    def late(customers, rows, said):
        assert rows
        if act == "refuse":
            choose(mia, wanted=False)
        else:
            closing.close(customer=mia, by=STAFF, at=NOW)
        return store_rows(customers, rows, said)

    monkeypatch.setattr(runs, "_replace", late)
    runs.refresh(at=NOW)
    assert made_of(mia) == (0, 0)


def test_a_merge_deletes_the_lists_of_both(store):
    """The source may have brought back, or just bought, what is on the target's."""
    source, target = bought_often(store, people=2)
    runs.refresh(at=NOW)
    merges.begin(source=source, target=target, reason="lost card", by=STAFF, at=NOW)
    assert [made_of(customer)[0] for customer in (source, target)] == [0, 0]


@pytest.mark.parametrize("act", ["merge", "undo"])
def test_a_list_of_other_purchases_than_the_customer_has_now_is_made_anew(store, monkeypatch, act):
    """The merge, or the way back, comes between the making of a list and its storing."""
    (source, theirs), (target, hers) = bought_apart(store)
    begin = partial(merges.begin, source=source, target=target, reason="lost card", by=STAFF, at=NOW)
    if act == "undo":
        merge = begin()
        merge.save(update_fields=["moved"])
    store_rows, calls = runs._replace, []

    def late(customers, rows, said):
        calls.append(customers)
        if len(calls) == 1:
            assert {row.product_id for row in rows if row.customer_id == target.pk} == {theirs.pk, hers.pk}
            begin() if act == "merge" else merges.begin_undo(merge=merge, by=STAFF, at=NOW)
        return store_rows(customers, rows, said)

    monkeypatch.setattr(runs, "_replace", late)
    runs.refresh(at=NOW)
    assert bought_again(target) == ({theirs.pk, hers.pk} if act == "merge" else {hers.pk})
    assert calls[1:] == [[target.pk] if act == "undo" else [source.pk, target.pk]]
    assert made_of(source)[0] == 0


def test_a_list_made_while_two_were_one_is_not_the_source_s(store, monkeypatch):
    """Merged when the night began, two again before their lists are stored."""
    (source, wash), (target, milk) = bought_apart(store)
    merge, read, store_rows = None, runs._said, runs._replace

    def first(customers):
        nonlocal merge
        if merge is None:
            merge = merges.begin(source=source, target=target, reason="lost card", by=STAFF, at=NOW)
            merge.save(update_fields=["moved"])
        return read(customers)

    def late(customers, rows, said):
        if merge.undone_at is None:
            merges.begin_undo(merge=merge, by=STAFF, at=NOW)
            merge.refresh_from_db()
        return store_rows(customers, rows, said)

    monkeypatch.setattr(runs, "_said", first)
    monkeypatch.setattr(runs, "_replace", late)
    runs.refresh(at=NOW)
    assert [bought_again(customer) for customer in (source, target)] == [{wash.pk}, {milk.pk}]


def test_a_list_of_an_hour_in_which_two_were_one_is_made_anew(store, monkeypatch):
    """Merged after the night began with them, two again before their lists are stored."""
    (source, wash), (target, milk) = bought_apart(store)
    make_rows, done = runs._rows, []

    def rows(*told):
        if done:
            return make_rows(*told)
        done.append(True)
        merge = merges.begin(source=source, target=target, reason="lost card", by=STAFF, at=NOW)
        merge.save(update_fields=["moved"])
        made = list(make_rows(*told))
        merges.begin_undo(merge=merge, by=STAFF, at=NOW)
        return made

    monkeypatch.setattr(runs, "_rows", rows)
    runs.refresh(at=NOW)
    assert [bought_again(customer) for customer in (source, target)] == [{wash.pk}, {milk.pk}]


@pytest.mark.django_db(transaction=True)
def test_switching_off_while_lists_are_made_leaves_none():
    people = bought_often(StoreFactory(), people=3)
    off = [partial(profiling.choose, customer=one, wanted=False, by=STAFF, at=NOW) for one in people[:2]]
    outcomes = at_once(*[partial(runs.refresh, at=NOW)] * 2, *off, partial(rhythms.refresh, at=NOW))
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert Recommendation.objects.filter(customer__in=people[:2]).count() == 0
    assert people[2].recommendations.count() == 3


@pytest.mark.django_db(transaction=True)
def test_who_leaves_while_rhythms_are_made_has_none():
    """The statement that makes them has seen the customer still here, and waits for the row that closing deletes."""
    (mia,) = bought_often(StoreFactory())
    rhythms.refresh(at=NOW)
    behind(partial(closing.close, customer=mia, by=STAFF, at=NOW), partial(rhythms.refresh, at=NOW + DAY))
    assert made_of(mia) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_who_switches_off_at_the_end_of_the_making_of_their_first_rhythm_has_none():
    """A row that is not committed yet cannot be deleted by them."""
    (mia,) = bought_often(StoreFactory())
    off, done = partial(profiling.choose, customer=mia, wanted=False, by=STAFF, at=NOW), []

    def last_look(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if '"profiling_refused_at" IS NOT NULL' in sql:
            done.extend(at_once(off))
        return result

    with connection.execute_wrapper(last_look):
        assert rhythms.refresh(at=NOW) == 1
    assert done == [None]
    assert made_of(mia) == (0, 0)


def test_nothing_that_is_made_of_the_others_purchases_is_left_when_a_merge_is_undone(store):
    source, target = CustomerFactory(), CustomerFactory()
    goods = ProductFactory()
    for days in (10, 20, 30, 40):
        buy(source, store, goods, at=NOW - days * DAY)
    merge = merges.begin(source=source, target=target, reason="lost card", by=STAFF, at=NOW)
    merge.save(update_fields=["moved"])
    night()
    assert made_of(target) == (1, 1)
    merges.begin_undo(merge=merge, by=STAFF, at=NOW)
    assert made_of(target) == (0, 0)


what_may_happen = st.sampled_from(["buy", "buy", "off", "off", "on", "night", "minute", "merge"])
stories = st.lists(st.tuples(what_may_happen, st.integers(0, 3), st.integers(0, 3)), max_size=16)


class Undone(Exception):
    pass


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stories)
def test_never_a_recommendation_for_who_switched_them_off(store, story):
    with suppress(Undone), transaction.atomic():
        people, goods = bought_often(store, people=4), ProductFactory.create_batch(4)
        at = NOW
        for act, who, what in [*story, ("off", 0, 0), ("night", 0, 0), ("minute", 0, 0)]:
            at += timedelta(hours=7)
            customer = people[who]
            customer.refresh_from_db()
            is_here = customer.closed_at is None
            if act == "buy" and is_here:
                buy(customer, store, goods[what], at=at)
            elif act in ("on", "off") and is_here:
                choose(customer, wanted=act == "on", at=at)
            elif act == "night":
                night(at)
            elif act == "minute":
                runs.refresh_stale(at=at)
            elif act == "merge" and is_here and what != who:
                people[what].refresh_from_db()
                if people[what].closed_at is None:
                    merges.begin(source=customer, target=people[what], reason="", by=STAFF, at=at)
            refused = Customer.objects.filter(profiling_refused_at__isnull=False)
            assert not Recommendation.objects.filter(customer__in=refused).exists()
            assert not Rhythm.objects.filter(customer__in=refused).exists()
        allowed = Customer.objects.filter(profiling.ALLOWED)
        assert Recommendation.objects.filter(customer__in=allowed).exists() == allowed.exists()
        raise Undone
