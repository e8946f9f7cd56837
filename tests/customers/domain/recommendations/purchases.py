"""Purchases from which lists are made."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from customers.domain.recommendations import runs
from customers.models import PurchaseReturn, PurchaseReturnLine, Recommendation
from tests.factories.customers import (
    CustomerFactory,
    PurchaseFactory,
    PurchaseLineFactory,
)

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)


def buy(customer, store, *products, days_ago=10):
    purchase = PurchaseFactory(customer=customer, store=store, purchased_at=NOW - timedelta(days=days_ago))
    return [PurchaseLineFactory(purchase=purchase, product=product) for product in products]


def buy_often(customer, store, *products, every=10, times=4, last=10):
    for n in range(times):
        buy(customer, store, *products, days_ago=last + n * every)


def bring_back(line, *, days_ago, number="B-1", store=None):
    at = NOW - timedelta(days=days_ago)
    returned = PurchaseReturn.objects.create(
        purchase=line.purchase, store=store or line.purchase.store, return_number=number, returned_at=at, recorded_at=at
    )
    PurchaseReturnLine.objects.create(purchase_return=returned, line=line, quantity=Decimal(1), amount_minor=0)


def refreshed(customer):
    """What their own purchases brought about; what is popular fills the rest of the list."""
    runs.refresh(at=NOW)
    rows = Recommendation.objects.filter(customer=customer).order_by("rank").select_related("product")
    return [(row.product, row.kind) for row in rows if not {"category", "store", "everywhere"} & set(row.reason)]


def neighborhood(store, *products, people=4):
    """Customers who all buy all of `products`."""
    for _ in range(people):
        buy(CustomerFactory(), store, *products)


def list_of(customer):
    return [(row.product, row.reason) for row in customer.recommendations.order_by("rank").select_related("product")]
