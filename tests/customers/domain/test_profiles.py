from datetime import date
from functools import partial

import pytest

from customers.domain import profiles
from customers.models import AuditEvent, Customer
from loyalty_site.lib import actors
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.races import at_once

PHONE = "+8613812345678"

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia():
    return CustomerFactory(name="Mia")


def change(customer, at, **values):
    old = {name: getattr(customer, name) for name in ("name", "phone", "birthday", "language", "home_store")}
    return profiles.change(customer=customer, by=actors.customer(customer.pk), at=at, **old | values)


def test_change_keeps_what_the_customer_says(mia, now):
    values = {
        "name": "Mia Wang",
        "phone": PHONE,
        "birthday": date(1990, 2, 28),
        "language": "zh-hans",
        "home_store": StoreFactory(),
    }
    change(mia, now, **values)
    kept = Customer.objects.get()
    assert {name: getattr(kept, name) for name in values} == values
    assert kept.email == mia.email


def test_change_notes_which_fields_but_not_what_is_in_them(mia, now):
    change(mia, now, name="Mia Wang", language="zh-hans")
    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.subject) == (
        f"customer:{mia.pk}",
        "customer.changed",
        f"customer:{mia.pk}",
    )
    assert event.data == {"fields": ["language", "name"]}


def test_change_of_nothing_leaves_no_trace(mia, now):
    change(mia, now)
    assert not AuditEvent.objects.exists()


def test_birthday_is_told_once(mia, now):
    told = change(mia, now, birthday=date(1990, 2, 28))
    for other in (date(1990, 3, 1), None):
        with pytest.raises(profiles.BirthdayFixed):
            change(told, now, birthday=other)
    assert change(told, now, birthday=date(1990, 2, 28)).birthday == date(1990, 2, 28)


def test_change_refuses_somebody_elses_phone(mia, now):
    CustomerFactory(phone=PHONE)
    with pytest.raises(profiles.PhoneTaken):
        change(mia, now, name="Other", phone=PHONE)
    mia.refresh_from_db()
    assert (mia.name, mia.phone) == ("Mia", "")


@pytest.mark.django_db(transaction=True)
def test_change_gives_a_phone_to_one_of_two_at_the_same_moment(now):
    calls = [partial(change, customer, now, phone=PHONE) for customer in CustomerFactory.create_batch(2)]
    assert sorted(type(answer).__name__ for answer in at_once(*calls)) == ["Customer", "PhoneTaken"]


@pytest.mark.django_db(transaction=True)
def test_change_takes_one_of_two_birthdays_at_the_same_moment(now):
    mia = CustomerFactory()
    answers = at_once(*[partial(change, mia, now, birthday=date(1990, 2, day)) for day in (1, 2)])
    assert sorted(type(answer).__name__ for answer in answers) == ["BirthdayFixed", "Customer"]
