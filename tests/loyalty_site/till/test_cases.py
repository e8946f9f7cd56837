"""A complaint that is written down at the counter."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from loyalty_site import roles
from surveys.models import Case, CaseChannel
from tests.factories.customers import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mei(_programme):
    return CustomerFactory(name="Mei Lin")


def page_of(customer):
    return f"/till/customers/{customer.number}/case/"


def test_cashier_notes_what_a_customer_says(client, cashier, store, mei):
    assert page_of(mei) in client.get(f"/till/customers/{mei.number}/").content.decode()
    assert "In the customer" in client.get(page_of(mei)).content.decode()
    token = client.get(page_of(mei)).context["form"]["token"].value()
    for _click in range(2):
        answer = client.post(page_of(mei), {"words": "The milk was sour.", "token": token}, follow=True)
        assert "Noted" in answer.content.decode()
    case = Case.objects.get()
    assert (case.customer, case.store, case.channel) == (mei, store, CaseChannel.COUNTER)
    assert (case.opened_by, case.subject) == (f"user:{cashier.pk}", "The milk was sour.")


def test_page_of_before_the_form_had_a_name_notes_it_too(client, mei):
    assert "Noted" in client.post(page_of(mei), {"words": "The milk was sour."}, follow=True).content.decode()
    assert Case.objects.count() == 1


@pytest.mark.parametrize("words", ["", "  ", "\0", "x" * 2001])
def test_nothing_said_is_nothing_noted(client, mei, words):
    page = client.post(page_of(mei), {"words": words, "token": uuid4()})
    assert (page.status_code, list(page.context["form"].errors)) == (200, ["words"])
    assert not Case.objects.exists()


def test_who_may_not_open_cases_may_not_here(enter, mei, store, client):
    user = UserFactory(password=None)
    user.user_permissions.add(Permission.objects.get(codename="add_purchase"))
    client.force_login(user)
    assert client.get(page_of(mei)).status_code == 403
    assert page_of(mei) not in client.get(f"/till/customers/{mei.number}/").content.decode()
    assert enter(roles.AUDITOR).get(page_of(mei)).status_code == 403
