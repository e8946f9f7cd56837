from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest

from customers.domain.recommendations import tables
from customers.models import Purchase
from tests.factories.customers import (
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    PurchaseLineFactory,
    StoreFactory,
)

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def as_told(bought, catalog, customers):
    """[(customer, day, [product ids])], in order of time."""
    lines = sorted(zip(bought.basket.tolist(), catalog.ids[bought.product].tolist(), strict=True))
    products = {basket: [product for _, product in group] for basket, group in groupby(lines, lambda line: line[0])}
    return [
        (customers[owner], day, products[place])
        for place, (owner, day) in enumerate(zip(bought.customer.tolist(), bought.day.tolist(), strict=True))
    ]


def test_baskets_are_the_purchases_of_these_customers_by_the_day_of_the_store():
    people, goods = CustomerFactory.create_batch(3), ProductFactory.create_batch(5)
    near, far = StoreFactory(timezone="Asia/Shanghai"), StoreFactory(timezone="America/New_York")
    for place, customer in enumerate([*people, None]):
        for n in range(4):
            at = NOW - timedelta(days=3 * n + place, hours=5 * n)
            purchase = PurchaseFactory(customer=customer, store=far if n % 2 else near, purchased_at=at)
            for product in goods[n : n + place + 1]:
                PurchaseLineFactory(purchase=purchase, product=product)
    PurchaseFactory(customer=people[0], store=near, purchased_at=NOW)  # without a line
    PurchaseLineFactory(purchase=PurchaseFactory(customer=people[0], store=near, purchased_at=NOW - tables.HISTORY))
    catalog, asked = tables.catalog(at=NOW), [people[0].pk, people[2].pk]
    expected = [
        (
            purchase.customer_id,
            (purchase.purchased_at.astimezone(ZoneInfo(purchase.store.timezone)).date() - tables.DAY_ZERO).days,
            sorted(purchase.lines.values_list("product_id", flat=True)),
        )
        for purchase in Purchase.objects.filter(customer__in=asked, purchased_at__gt=NOW - tables.HISTORY)
        .order_by("customer_id", "purchased_at")
        .select_related("store")
        if purchase.lines.exists()
    ]
    assert len(expected) == 8
    assert as_told(tables.baskets(asked, catalog, at=NOW)[0], catalog, asked) == expected


def test_a_receipt_of_unknown_products_alone_is_none():
    mia, milk = CustomerFactory(), ProductFactory()
    catalog = tables.catalog(at=NOW)
    for product in (milk, ProductFactory()):
        purchase = PurchaseFactory(customer=mia, store=StoreFactory(), purchased_at=NOW - timedelta(days=1))
        PurchaseLineFactory(purchase=purchase, product=product)
    bought, _ = tables.baskets([mia.pk], catalog, at=NOW)
    assert (len(bought.customer), bought.product.tolist()) == (1, [0])


def test_baskets_of_nobody():
    assert len(tables.baskets([], tables.catalog(at=NOW), at=NOW)[0].customer) == 0
