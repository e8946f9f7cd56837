from datetime import timedelta
from functools import partial

import pytest

from customers.domain import preferences
from customers.models import Preference
from tests.factories.customers import CategoryFactory, CustomerFactory
from tests.races import at_once


def stated(customer):
    return {preference.category for preference in customer.preferences.select_related("category")}


@pytest.mark.django_db
def test_state_replaces_what_was_stated(now):
    customer = CustomerFactory()
    fruit, cheese, wine = CategoryFactory.create_batch(3)
    preferences.state(customer=customer, categories=[fruit, cheese], at=now)

    preferences.state(customer=customer, categories=[cheese, wine], at=now + timedelta(days=1))

    assert stated(customer) == {cheese, wine}
    assert customer.preferences.get(category=cheese).stated_at == now


@pytest.mark.django_db
def test_state_of_nothing_forgets_only_this_customers(now):
    customer, other, fruit = CustomerFactory(), CustomerFactory(), CategoryFactory()
    for each in (customer, other):
        preferences.state(customer=each, categories=[fruit], at=now)

    preferences.state(customer=customer, categories=[], at=now)

    assert stated(customer) == set()
    assert stated(other) == {fruit}


@pytest.mark.django_db(transaction=True)
def test_state_never_mixes_two_statements(now):
    customer = CustomerFactory()
    baskets = [set(CategoryFactory.create_batch(3)) for _ in range(4)]

    at_once(*(partial(preferences.state, customer=customer, categories=basket, at=now) for basket in baskets))

    assert stated(customer) in baskets
    assert Preference.objects.count() == 3
