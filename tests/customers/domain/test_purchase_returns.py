from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from customers.domain import purchases
from customers.domain.purchases import ReturnLineIn
from customers.models import PurchaseReturn, PurchaseReturnLine
from loyalty_site.lib import actors
from tests.factories.customers import PurchaseFactory, PurchaseLineFactory, StoreFactory
from tests.races import at_once

FACT, OTHER_FACT = b"f" * 32, b"g" * 32
ONE = ReturnLineIn(position=1, quantity=Decimal(1), amount_minor=400)


@pytest.fixture
def purchase():
    """Three for 12.00 on the first line, one for 5.00 on the second."""
    purchase = PurchaseFactory(total_minor=1700)
    PurchaseLineFactory(purchase=purchase, quantity=3, amount_minor=1200)
    PurchaseLineFactory(purchase=purchase, quantity=1, amount_minor=500)
    return purchase


@pytest.fixture
def record_return(purchase, now):
    return partial(
        purchases.record_return,
        purchase=purchase,
        store=purchase.store,
        return_number="B-1",
        returned_at=now,
        lines=[ONE],
        fingerprint=FACT,
        by=actors.till(3),
        at=now + timedelta(seconds=5),
    )


@pytest.mark.django_db
def test_record_return_books_what_came_back(record_return, purchase, now):
    store = StoreFactory()

    made, created = record_return(store=store, lines=[ONE, ReturnLineIn(2, Decimal(1), 500)])

    assert created
    back = PurchaseReturn.objects.get()
    assert (back, back.purchase, back.store, back.return_number) == (made, purchase, store, "B-1")
    assert (back.returned_at, back.recorded_at, back.recorded_by) == (now, now + timedelta(seconds=5), "till:3")
    lines = back.lines.order_by("line__position")
    assert list(lines.values_list("line__position", "quantity", "amount_minor")) == [(1, 1, 400), (2, 1, 500)]


@pytest.mark.django_db
def test_record_return_again_finds_the_first(record_return):
    first, _ = record_return(lines=[ReturnLineIn(1, Decimal(3), 1200)])

    assert record_return(lines=[ReturnLineIn(1, Decimal(3), 1200)]) == (first, False)
    assert PurchaseReturnLine.objects.count() == 1


@pytest.mark.django_db
def test_record_return_refuses_another_fact_under_the_number(record_return):
    record_return()

    with pytest.raises(purchases.ReturnConflict) as caught:
        record_return(fingerprint=OTHER_FACT)

    assert caught.value.details == {"return_number": "B-1"}


@pytest.mark.django_db
@pytest.mark.parametrize("lines", [[ReturnLineIn(3, Decimal(1), 1)], [ReturnLineIn(0, Decimal(1), 1)], [ONE, ONE]])
def test_record_return_refuses_a_line_unknown_or_named_twice(record_return, lines):
    with pytest.raises(purchases.ReturnLineUnknown):
        record_return(lines=lines)

    assert not PurchaseReturn.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("quantity", "amount"), [(Decimal("2.001"), 0), (Decimal(0), 801)])
def test_record_return_refuses_more_than_is_left(record_return, quantity, amount):
    record_return()

    with pytest.raises(purchases.ReturnExceedsPurchase) as caught:
        record_return(return_number="B-2", fingerprint=OTHER_FACT, lines=[ReturnLineIn(1, quantity, amount)])

    assert caught.value.details == {"line": 1}
    assert PurchaseReturn.objects.count() == 1


@pytest.mark.django_db
def test_record_return_takes_back_all_in_pieces(record_return, purchase):
    for n in range(3):
        record_return(return_number=f"B-{n}")

    assert sum(line.amount_minor for line in PurchaseReturnLine.objects.all()) == 1200


@pytest.mark.django_db(transaction=True)
def test_record_return_takes_the_last_piece_once_when_tills_race(record_return):
    record_return(return_number="B-0", lines=[ReturnLineIn(1, Decimal(2), 800)])

    results = at_once(*(partial(record_return, return_number=f"B-{n}") for n in (1, 2, 3)))

    assert sorted(type(result).__name__ for result in results) == ["ReturnExceedsPurchase"] * 2 + ["tuple"]
    assert sum(line.quantity for line in PurchaseReturnLine.objects.all()) == 3


@pytest.mark.django_db(transaction=True)
def test_record_return_books_once_when_told_at_once(record_return):
    results = at_once(*[partial(record_return, lines=[ReturnLineIn(1, Decimal(3), 1200)])] * 3)

    assert sorted(created for _, created in results) == [False, False, True]
    assert PurchaseReturnLine.objects.count() == 1
