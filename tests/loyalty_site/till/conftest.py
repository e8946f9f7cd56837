"""A cashier in a store where 1.00 earns a point."""

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from loyalty_site import roles
from loyalty_site.lib import actors
from rewards.domain import ledger, points
from tests.factories.customers import CustomerFactory, StoreFactory, UserFactory
from tests.factories.rewards import BaseRuleFactory, ProgramFactory


@pytest.fixture
def _programme(db):
    ProgramFactory(name="Green Basket")
    BaseRuleFactory()
    roles.sync()


@pytest.fixture
def store(_programme):
    return StoreFactory(name="Market Street")


@pytest.fixture
def staff(store):
    """Makes a member of staff of a role, who works in `stores`."""

    def staff(role=roles.CASHIER, stores=()):
        user = UserFactory(password=None)
        user.groups.add(Group.objects.get(name=role))
        user.stores.set(stores)
        return user

    return staff


@pytest.fixture
def enter(staff):
    """The browser of somebody of a role who is signed in."""

    def enter(role=roles.CASHIER, stores=()):
        client = Client()
        client.force_login(staff(role, stores))
        return client

    return enter


@pytest.fixture
def cashier(staff, store):
    return staff(stores=[store])


@pytest.fixture
def client(cashier):
    client = Client()
    client.force_login(cashier)
    return client


@pytest.fixture
def mia(store):
    return CustomerFactory(name="Mia Stone", phone="+12025550123", email="mia@example.org")


@pytest.fixture
def award(now):
    def award(customer, number, at=now):
        points.award(customer=customer, points=number, reference=f"gift:{number}", by=actors.SYSTEM, at=at)

    return award


@pytest.fixture
def books_balance(db):
    """After the test, whatever it did."""
    yield
    assert list(ledger.differences()) == []


def text_of(response):
    """What people read, without the tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def field(response, name):
    return re.search(rf'name="{name}" value="([^"]*)"', response.content.decode()).group(1)
