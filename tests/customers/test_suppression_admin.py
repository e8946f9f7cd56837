import pytest
from django.urls import reverse

from customers.models import AuditEvent, SuppressedAddress
from tests.factories.customers import UserFactory

pytestmark = pytest.mark.django_db

LIST = reverse("admin:customers_suppressedaddress_changelist")
ADD = reverse("admin:customers_suppressedaddress_add")


@pytest.fixture(autouse=True)
def staff(client):
    client.force_login(UserFactory(is_superuser=True, password=None))


def enter(client, address="Mei@Example.org"):
    return client.post(ADD, {"address": address, "detail": "asked by phone"}, follow=True)


def test_staff_enter_an_address(client):
    enter(client)
    row = SuppressedAddress.objects.get()
    assert (row.address, row.reason, row.detail) == ("mei@example.org", "STAFF", "asked by phone")
    assert row.suppressed_by.startswith("user:")
    assert "mei@example.org" in client.get(LIST, {"is": "held"}).content.decode()


def test_entering_it_again_is_told(client):
    enter(client)
    assert "gets no mail already" in enter(client).content.decode()
    assert SuppressedAddress.objects.count() == 1


def test_staff_lift_it(client):
    enter(client)
    row = SuppressedAddress.objects.get()
    page = reverse("admin:customers_suppressedaddress_change", args=[row.pk])
    assert "Lift" in client.get(page).content.decode()
    url = reverse("admin:customers_suppressedaddress_lift", args=[row.pk])
    client.get(url)
    assert SuppressedAddress.objects.filter(lifted_at=None).exists()
    client.post(url)
    assert not SuppressedAddress.objects.filter(lifted_at=None).exists()
    assert AuditEvent.objects.filter(action="address.lifted").exists()


def test_complaint_offers_no_lifting(client, now):
    row = SuppressedAddress.objects.create(
        address="mei@example.org", reason="COMPLAINT", suppressed_at=now, suppressed_by="system"
    )
    client.post(reverse("admin:customers_suppressedaddress_lift", args=[row.pk]))
    row.refresh_from_db()
    assert row.lifted_at is None
