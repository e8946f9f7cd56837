from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import DatabaseError

from customers.domain import purchases
from customers.domain.purchases import LineIn
from customers.models import Category, Product, Purchase, PurchaseLine, PurchaseSource
from loyalty_site.lib import actors
from tests.factories.customers import CategoryFactory, CustomerFactory, ProductFactory, StoreFactory
from tests.races import at_once

BANANAS = LineIn("4011", "Bananas", "FRUIT", Decimal("1.250"), 1250)
BREAD = LineIn("77", "Bread", "", Decimal(2), 800)
FACT, OTHER_FACT = b"f" * 32, b"g" * 32


@pytest.fixture
def record(now):
    return partial(
        purchases.record,
        till=None,
        customer=None,
        receipt_number="R-1",
        purchased_at=now,
        currency="CNY",
        lines=[BANANAS, BREAD],
        source=PurchaseSource.TILL,
        fingerprint=FACT,
        by=actors.till(3),
        at=now + timedelta(seconds=5),
    )


@pytest.mark.django_db
def test_record_books_the_purchase(record, now):
    store, customer = StoreFactory(), CustomerFactory()

    made, created = record(store=store, customer=customer, discounts=[100, 50], points_value_minor=200)

    assert created
    purchase = Purchase.objects.get()
    assert purchase == made
    assert (purchase.store, purchase.customer, purchase.receipt_number) == (store, customer, "R-1")
    assert (purchase.purchased_at, purchase.recorded_at) == (now, now + timedelta(seconds=5))
    assert (purchase.source, purchase.recorded_by, bytes(purchase.fingerprint)) == ("TILL", "till:3", FACT)
    assert (purchase.total_minor, purchase.discount_minor, purchase.currency) == (2050, 150, "CNY")
    assert (purchase.points_value_minor, purchase.paid_minor) == (200, 1700)


@pytest.mark.django_db
def test_record_books_the_lines_in_their_order(record):
    record(store=StoreFactory(), discounts=[100, 0])

    lines = PurchaseLine.objects.order_by("position")
    assert list(lines.values_list("position", "product__sku", "quantity", "amount_minor", "discount_minor")) == [
        (1, "4011", Decimal("1.250"), 1250, 100),
        (2, "77", Decimal(2), 800, 0),
    ]


@pytest.mark.django_db
def test_record_makes_missing_products_and_categories(record):
    nameless = LineIn("5", "", "FRUIT", Decimal(1), 1)
    record(store=StoreFactory(), lines=[BANANAS, BREAD, nameless, BANANAS])

    products = Product.objects.order_by("name").values_list("sku", "name", "category__code")
    assert list(products) == [("5", "5", "FRUIT"), ("4011", "Bananas", "FRUIT"), ("77", "Bread", None)]


@pytest.mark.django_db
def test_record_leaves_known_products_and_categories(record):
    fruit = CategoryFactory(code="FRUIT", name="Fresh fruit")
    ProductFactory(sku="4011", name="Organic bananas", category=None)

    record(store=StoreFactory(), lines=[BANANAS, LineIn("5", "Kiwi", "FRUIT", Decimal(1), 1)])

    assert Category.objects.get().name == "Fresh fruit"
    assert list(Product.objects.order_by("name").values_list("name", "category")) == [
        ("Kiwi", fruit.pk),
        ("Organic bananas", None),
    ]


@pytest.mark.django_db
def test_record_asks_the_database_little(record, django_assert_num_queries):
    store = StoreFactory()
    record(store=store, receipt_number="R-0", lines=[BANANAS] * 5)

    with django_assert_num_queries(2):
        record(store=store, lines=[BANANAS] * 5)


@pytest.mark.django_db
def test_record_again_finds_the_first(record):
    store = StoreFactory()
    first, _ = record(store=store)

    assert record(store=store) == (first, False)
    assert purchases.told(store=store, receipt_number="R-1", fingerprint=FACT) == first
    assert PurchaseLine.objects.count() == 2


@pytest.mark.django_db
def test_record_refuses_another_fact_under_the_number(record):
    store = StoreFactory()
    record(store=store)

    with pytest.raises(purchases.ReceiptConflict) as caught:
        record(store=store, fingerprint=OTHER_FACT)
    with pytest.raises(purchases.ReceiptConflict):
        purchases.told(store=store, receipt_number="R-1", fingerprint=OTHER_FACT)

    assert caught.value.details == {"receipt_number": "R-1"}


@pytest.mark.django_db
def test_record_lets_two_stores_use_one_number(record):
    assert [record(store=StoreFactory())[1] for _ in range(2)] == [True, True]
    assert purchases.told(store=StoreFactory(), receipt_number="R-1", fingerprint=FACT) is None


@pytest.mark.django_db
def test_record_refuses_a_till_of_another_store(record):
    till = StoreFactory().tills.create(name="Till 1", key_hash="h", key_start="s", scopes=[])

    with pytest.raises(ValueError, match="own store"):
        record(store=StoreFactory(), till=till)
    assert record(store=till.store, till=till)[1]


@pytest.mark.django_db
def test_record_can_never_be_changed(record):
    purchase, _ = record(store=StoreFactory())

    with pytest.raises(DatabaseError, match="append_only"):
        purchase.save(update_fields=["paid_minor"])


@pytest.mark.django_db(transaction=True)
def test_record_books_once_when_tills_race(record):
    store = StoreFactory()

    results = at_once(*[partial(record, store=store)] * 4)

    purchase = Purchase.objects.get()
    assert sorted(created for _, created in results) == [False, False, False, True]
    assert {made for made, _ in results} == {purchase}
    assert purchase.lines.count() == 2


@pytest.mark.django_db(transaction=True)
def test_record_keeps_one_fact_when_two_race_for_a_number(record):
    store = StoreFactory()

    results = at_once(partial(record, store=store), partial(record, store=store, fingerprint=OTHER_FACT))

    assert {type(result) for result in results} == {tuple, purchases.ReceiptConflict}
    assert Purchase.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_record_makes_a_product_once_when_its_first_sales_race(record):
    lines = [LineIn(str(n), f"P{n}", f"C{n % 5}", Decimal(1), 1) for n in range(40)]
    tills = [partial(record, store=StoreFactory(), lines=lines[:: 1 if n % 2 else -1]) for n in range(4)]

    results = at_once(*tills)

    assert [created for _, created in results] == [True] * 4
    assert (Product.objects.count(), Category.objects.count(), PurchaseLine.objects.count()) == (40, 5, 160)
