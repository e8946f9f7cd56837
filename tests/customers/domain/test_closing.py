from datetime import date, timedelta

import pytest

from customers.domain import closing, consents, customers, merges, sign_in
from customers.models import (
    AuditEvent,
    Card,
    Consent,
    Customer,
    CustomerMerge,
    OutboxMail,
    Preference,
    Purchase,
    Purpose,
    SegmentMember,
    SignInCode,
)
from loyalty_site.lib import actors
from tests.factories.customers import (
    CardFactory,
    CategoryFactory,
    ConsentFactory,
    CustomerFactory,
    PurchaseFactory,
    SegmentMemberFactory,
)

pytestmark = pytest.mark.django_db
STAFF = actors.user(7)


@pytest.fixture
def mei(now):
    """With everything that is kept of a person."""
    mei = CustomerFactory(name="Mei", email="mei@example.org", phone="+8613812345678", birthday=date(1990, 2, 28))
    CardFactory(customer=mei, number="card-1")
    ConsentFactory(customer=mei)
    Preference.objects.create(customer=mei, category=CategoryFactory(), stated_at=now)
    SegmentMemberFactory(customer=mei)
    sign_in.request(email="mei@example.org", browser_token="b", at=now)
    PurchaseFactory(customer=mei)
    OutboxMail.objects.create(to="mei@example.org", subject="Hello", text="Hello Mei")
    OutboxMail.objects.create(to="somei@example.org", subject="Hello", text="Hello")
    return mei


def test_who_left_is_not_found_nor_let_in(mei, now):
    closing.close(customer=mei, by=STAFF, at=now)
    mei.refresh_from_db()
    assert (mei.closed_at, mei.erased_at, mei.name) == (now, None, "Mei")
    assert customers.find(text="card-1") == []
    assert sign_in.customer_of({sign_in.SESSION_KEY: mei.pk}) is None
    assert not SignInCode.objects.exists()
    assert not consents.allows(customer=mei, purpose=Purpose.SURVEY_EMAIL)
    assert [event.action for event in AuditEvent.objects.all()] == ["customer.closed"]


def test_closing_again_changes_nothing(mei, now):
    for day in range(2):
        closing.close(customer=mei, by=STAFF, at=now + timedelta(days=day))
    mei.refresh_from_db()
    assert mei.closed_at == now
    assert AuditEvent.objects.count() == 1


def test_a_merged_customer_cannot_be_closed_apart(mei, now):
    merges.begin(source=mei, target=CustomerFactory(), reason="", by=STAFF, at=now)
    with pytest.raises(customers.CustomerMerged):
        closing.close(customer=mei, by=STAFF, at=now)


def test_erasing_empties_what_is_personal_and_keeps_numbers(mei, now):
    closing.erase(customer_ids=[mei.pk], by=STAFF, at=now)
    number = mei.number
    mei.refresh_from_db()
    assert (mei.name, mei.email, mei.phone, mei.birthday) == ("", "", "", None)
    assert (mei.number, mei.closed_at, mei.erased_at) == (number, now, now)
    assert not Card.objects.exists()
    assert not Preference.objects.exists()
    assert not SegmentMember.objects.exists()
    assert not SignInCode.objects.exists()
    assert [mail.to for mail in OutboxMail.objects.all()] == ["somei@example.org"]
    assert Consent.objects.get().withdrawn_at == now
    assert Purchase.objects.get().customer == mei
    assert customers.find(text=number) == []


def test_erasing_who_left_keeps_the_day_they_left(mei, now):
    closing.close(customer=mei, by=STAFF, at=now)
    for day in (1, 2):
        closing.erase(customer_ids=[mei.pk], by=STAFF, at=now + timedelta(days=day))
    mei.refresh_from_db()
    assert (mei.closed_at, mei.erased_at) == (now, now + timedelta(days=1))
    assert AuditEvent.objects.filter(action="customer.erased").count() == 1


def test_erasing_empties_the_records_of_merges(mei, now):
    kept = CustomerFactory(email="other@example.org")
    merge = merges.begin(source=mei, target=kept, reason="Mei's sister told us", by=STAFF, at=now)
    other = merges.begin(source=CustomerFactory(), target=CustomerFactory(), reason="stays", by=STAFF, at=now)
    assert merge.contacts
    closing.erase(customer_ids=[mei.pk, kept.pk], by=STAFF, at=now)
    records = CustomerMerge.objects.order_by("pk").values_list("pk", "contacts", "reason")
    assert list(records) == [(merge.pk, {}, ""), (other.pk, {}, "stays")]
    assert Customer.objects.filter(erased_at=now).count() == 2
