import pytest

from customers.domain import preferences, queries
from tests.factories.customers import (
    CategoryFactory,
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    PurchaseLineFactory,
)

pytestmark = pytest.mark.django_db


def sell(category, times):
    product, purchase = ProductFactory(category=category), PurchaseFactory()
    for _ in range(times):
        PurchaseLineFactory(purchase=purchase, product=product)


def test_categories_to_like_are_those_that_sell_best_by_name():
    fruit, cheese, tea = (CategoryFactory(name=name) for name in ("Fruit", "Cheese", "Tea"))
    for category, times in ((fruit, 2), (cheese, 3), (tea, 1)):
        sell(category, times)
    mia = CustomerFactory()
    assert queries.categories_to_like(customer=mia, limit=2) == [cheese, fruit]
    assert queries.categories_to_like(customer=None, limit=1) == [cheese]


def test_categories_to_like_begin_with_those_liked_already(now):
    fruit, tea, other = (CategoryFactory(name=name) for name in ("Fruit", "Tea", "Other"))
    sell(fruit, 2)
    mia, leo = CustomerFactory(), CustomerFactory()
    preferences.state(customer=mia, categories=[tea], at=now)
    preferences.state(customer=leo, categories=[other], at=now)
    assert queries.categories_to_like(customer=mia, limit=2) == [fruit, tea]
