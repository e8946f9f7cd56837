"""Newcomers join at the counter."""

import pytest
from django.utils import timezone

from customers.models import Consent, Customer, Purpose
from tests.loyalty_site.till.conftest import text_of

pytestmark = pytest.mark.django_db

URL = "/till/enroll/"


def told(**more):
    return {"name": "Ada", "phone": "+12025550177", "email": "", "language": "en", **more}


def test_newcomer_is_enrolled_in_this_store_with_what_was_ticked(client, cashier, store):
    answer = client.post(URL, told(email="ada@example.org", survey_email="on", language="zh-hans"))
    ada = Customer.objects.get()
    assert answer.url == f"/till/customers/{ada.number}/"
    assert (ada.name, ada.phone, ada.email, ada.home_store) == ("Ada", "+12025550177", "ada@example.org", store)
    assert ada.language == "zh-hans"
    given = Consent.objects.get()
    assert (given.purpose, given.granted_by) == (Purpose.SURVEY_EMAIL, f"user:{cashier.pk}")


def test_nothing_is_allowed_unless_ticked(client, store):
    page = client.get(URL).content.decode()
    assert page.count('type="checkbox"') == 2
    assert "checked" not in page
    client.post(URL, told())
    assert Customer.objects.exists()
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    ("text", "name"),
    [("a@b.example", "email"), ("+1 202 555 0177", "phone"), ("13800138000", "phone"), ("Ada", "name")],
)
def test_what_found_nobody_is_filled_in(client, store, text, name):
    assert client.get(URL, {"q": text}).context["form"].initial[name] == text


def test_pressing_twice_or_a_known_customer_leads_to_the_one_there_is(client, store):
    client.post(URL, told())
    again = client.post(URL, told())
    ada = Customer.objects.get()
    assert f"already belongs to customer {ada.display_number}" in text_of(again)
    assert f'href="/till/customers/{ada.number}/"' in again.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone": ""},
        {"name": ""},
        {"name": "\0"},
        {"phone": "12"},
        {"phone": "\0"},
        {"email": "no"},
        {"email": "a\0@b.example"},
        {"language": "xx"},
        {"name": "x" * 201},
        {"phone": "9" * 500},
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(client, store, wrong):
    answer = client.post(URL, told(**wrong))
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not Customer.objects.exists()


def test_closed_customer_of_that_phone_is_not_enrolled_again(client, store):
    client.post(URL, told())
    Customer.objects.update(closed_at=timezone.now())
    assert "already belongs to customer" in text_of(client.post(URL, told()))
