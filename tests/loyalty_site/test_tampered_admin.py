"""Addresses of the back office that somebody changed by hand get an answer that says so, never a 500."""

import pytest
from django.urls import reverse

from tests.factories.customers import UserFactory

pytestmark = pytest.mark.django_db
KEY = {"app_label": "customers", "model_name": "customer", "field_name": "home_store", "term": ""}
REFUSED = {400, 403, 404}


@pytest.fixture
def owner(client):
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    return client


@pytest.mark.parametrize(
    "changed",
    [
        {"page": "x"},
        {"page": "-1"},
        {"page": "9" * 40},
        {"app_label": "\0"},
        {"app_label": "a.b"},
        {"model_name": ""},
        {"model_name": "customer.x"},
        {"field_name": "\0"},
        {"field_name": "id"},
        {"field_name": "name"},
        {"field_name": "purchases"},
        {"field_name": "coupons"},
    ],
)
def test_autocomplete_with_a_changed_key_is_refused(owner, changed):
    assert owner.get(reverse("admin:autocomplete"), {**KEY, **changed}).status_code in REFUSED


@pytest.mark.parametrize("changed", [{"term": "\0"}, {"term": "x" * 5000}])
def test_autocomplete_with_any_text_answers(owner, changed):
    assert owner.get(reverse("admin:autocomplete"), {**KEY, **changed}).status_code == 200


def test_autocomplete_is_for_staff(client):
    assert client.get(reverse("admin:autocomplete"), KEY).status_code == 302


@pytest.mark.parametrize("key", ["x", "\0", "9" * 40, "-1", ""])
@pytest.mark.parametrize("page", ["customer", "purchase"])
def test_filter_with_a_changed_key_is_refused(owner, page, key):
    field = {"customer": "home_store", "purchase": "store"}[page]
    answer = owner.get(reverse(f"admin:customers_{page}_changelist"), {f"{field}__id__exact": key})
    assert answer.status_code in {200, 302, 400, 404}
