from datetime import date
from functools import partial

import pytest
from django.db import IntegrityError

from customers.domain import consents, enrollment
from customers.models import AuditEvent, Customer, Purpose
from loyalty_site.lib import actors, codes
from tests.factories.customers import CategoryFactory, CustomerFactory, StoreFactory
from tests.races import at_once

TILL = actors.till(4)
enroll = partial(enrollment.enroll, name="Ada", by=TILL)


@pytest.mark.django_db
def test_enroll_keeps_all_it_is_told(now):
    store, fruit = StoreFactory(), CategoryFactory()

    customer = enroll(
        name=" 王秀英 ",
        email=" Xiuying@Example.org ",
        phone="+8613800138000",
        birthday=date(1980, 2, 29),
        language="zh-hans",
        home_store=store,
        consents=[Purpose.SURVEY_EMAIL],
        preferences=[fruit],
        at=now,
    )

    customer = Customer.objects.get(pk=customer.pk)
    assert (customer.name, customer.email, str(customer.phone)) == ("王秀英", "Xiuying@Example.org", "+8613800138000")
    assert (customer.birthday, customer.language) == (date(1980, 2, 29), "zh-hans")
    assert (customer.home_store, customer.enrolled_at) == (store, now)
    assert consents.allows(customer=customer, purpose=Purpose.SURVEY_EMAIL)
    assert not consents.allows(customer=customer, purpose=Purpose.MARKETING_EMAIL)
    assert [preference.category for preference in customer.preferences.all()] == [fruit]


@pytest.mark.django_db
def test_enroll_is_logged_without_anything_personal(now):
    customer = enroll(email="ada@example.org", at=now)

    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.subject) == ("till:4", "customer.enrolled", f"customer:{customer.pk}")
    assert event.data == {}


def test_new_number_is_well_formed():
    number = enrollment.new_number()

    assert len(number) == Customer.NUMBER_LENGTH
    assert codes.is_well_formed(number)


@pytest.mark.django_db
def test_enroll_refuses_nobody_can_be_reached(now):
    with pytest.raises(enrollment.ContactMissing) as caught:
        enroll(email="  ", at=now)

    assert caught.value.code == "contact_missing"
    assert not Customer.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "contact", [{"email": "ADA@example.org"}, {"email": "new@example.org", "phone": "+12025550123"}]
)
def test_enroll_refuses_known_contact_and_names_its_owner(contact, now):
    known = CustomerFactory(email="ada@example.org", phone="+12025550123")

    with pytest.raises(enrollment.CustomerExists) as caught:
        enroll(**contact, at=now)

    assert caught.value.details == {"number": known.display_number}
    assert known.display_number in str(caught.value)


@pytest.mark.django_db
def test_enroll_takes_people_without_email_and_people_without_phone(now):
    for contact in ({"phone": "+12025550123"}, {"phone": "+12025550124"}, {"email": "a@x.org"}, {"email": "b@x.org"}):
        enroll(**contact, at=now)

    assert Customer.objects.count() == 4


@pytest.mark.django_db
def test_enroll_draws_another_number_when_the_first_is_taken(monkeypatch, now):
    taken = CustomerFactory().number
    free = codes.generate(length=Customer.NUMBER_LENGTH)
    drawn = iter([taken, free])
    monkeypatch.setattr(enrollment, "new_number", lambda: next(drawn))

    assert enroll(email="ada@example.org", at=now).number == free


@pytest.mark.django_db
def test_enroll_lets_other_broken_rules_through(now):
    with pytest.raises(IntegrityError, match="customer_language_is_known"):
        enroll(email="ada@example.org", language="xx", at=now)


@pytest.mark.django_db(transaction=True)
def test_enroll_makes_one_customer_when_two_tills_race(now):
    contacts = [{"email": "ada@example.org", "phone": f"+1202555010{n}"} for n in range(4)]

    results = at_once(*(partial(enroll, **contact, at=now) for contact in contacts))

    winner = Customer.objects.get()
    refusals = [result for result in results if not isinstance(result, Customer)]
    assert [type(refusal) for refusal in refusals] == [enrollment.CustomerExists] * 3
    assert {refusal.details["number"] for refusal in refusals} == {winner.display_number}
