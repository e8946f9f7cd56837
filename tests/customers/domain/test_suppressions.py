from datetime import timedelta

import pytest
from django.db import IntegrityError

from customers.domain import consents, suppressions
from customers.models import AddressReason, AuditEvent, Consent, Customer, Purpose, SoftBounce, SuppressedAddress
from loyalty_site import privacy
from loyalty_site.lib import actors
from tests.factories.customers import ConsentFactory, CustomerFactory
from tests.races import crowd

pytestmark = pytest.mark.django_db

BY = actors.user(7)


def suppress(now, address="Mei@Example.org", reason=AddressReason.HARD_BOUNCE):
    return suppressions.suppress(address=address, reason=reason, detail="5.1.1", by=actors.SYSTEM, at=now)


def held_back():
    return set(Customer.objects.filter(suppressions.holds_back()).values_list("email", flat=True))


def test_address_is_held_back_in_any_case(now):
    CustomerFactory(email="mei@EXAMPLE.org")
    CustomerFactory(email="tom@example.org")
    assert held_back() == set()
    suppress(now)
    assert held_back() == {"mei@EXAMPLE.org"}
    assert suppressions.is_held_back(address="MEI@example.org")
    assert not suppressions.is_held_back(address="tom@example.org")


def test_suppressing_again_changes_nothing(now):
    first = suppress(now)
    assert suppress(now + timedelta(days=1), reason=AddressReason.STAFF) is None
    assert SuppressedAddress.objects.get() == first
    assert AuditEvent.objects.filter(action="address.suppressed").count() == 1


def test_lifting_is_audited_and_once(now):
    row = suppress(now)
    suppressions.lift(suppressed=row, by=BY, at=now)
    assert not suppressions.is_held_back(address="mei@example.org")
    assert AuditEvent.objects.get(action="address.lifted").actor == "user:7"
    with pytest.raises(suppressions.AddressLifted):
        suppressions.lift(suppressed=row, by=BY, at=now)
    assert suppress(now) is not None


def test_complaint_takes_back_what_was_allowed_and_outweighs_a_bounce(now):
    customer = CustomerFactory(email="mei@example.org")
    ConsentFactory(customer=customer, purpose=Purpose.SURVEY_EMAIL)
    suppress(now)
    row = suppress(now, reason=AddressReason.COMPLAINT)
    assert not Consent.objects.filter(withdrawn_at__isnull=True).exists()
    assert SuppressedAddress.objects.get(lifted_at=None) == row


def test_only_the_person_ends_a_complaint(now):
    customer = CustomerFactory(email="mei@example.org")
    row = suppress(now, reason=AddressReason.COMPLAINT)
    with pytest.raises(suppressions.ComplaintStands):
        suppressions.lift(suppressed=row, by=BY, at=now)
    consents.grant(customer=customer, purpose=Purpose.SURVEY_EMAIL, by=BY, at=now)
    assert held_back() == {"mei@example.org"}
    consents.grant(customer=customer, purpose=Purpose.SURVEY_EMAIL, by=actors.customer(customer.pk), at=now)
    assert held_back() == set()


def test_mailbox_that_does_not_exist_stays_so_whatever_the_person_allows(now):
    customer = CustomerFactory(email="mei@example.org")
    suppress(now)
    consents.grant(customer=customer, purpose=Purpose.SURVEY_EMAIL, by=actors.customer(customer.pk), at=now)
    assert held_back() == {"mei@example.org"}


def soft(at, number, address="mei@example.org"):
    return suppressions.note_soft_bounce(
        address=address, reference=f"mailing-{number}", detail="4.2.2", by=actors.SYSTEM, at=at
    )


def test_third_soft_bounce_holds_back_and_the_same_one_told_again_does_not(now):
    assert [soft(now, 1), soft(now, 1), soft(now, 1), soft(now, 2)] == [False] * 4
    assert soft(now, 3)
    assert SuppressedAddress.objects.get().reason == AddressReason.SOFT_BOUNCES


def test_soft_bounces_of_long_ago_do_not_count(now):
    assert not soft(now - timedelta(days=61), 1)
    assert not soft(now - timedelta(days=1), 2)
    assert not soft(now, 3)
    assert SoftBounce.objects.count() == 2


def test_lifting_begins_the_count_anew(now):
    for number in (1, 2, 3):
        soft(now, number)
    suppressions.lift(suppressed=SuppressedAddress.objects.get(), by=BY, at=now)
    assert not soft(now, 4)


@pytest.mark.django_db(transaction=True)
def test_soft_bounces_at_once_are_all_counted(now):
    with crowd(3) as people:
        for round_ in range(10):
            told = [lambda n=n, r=round_: soft(now, f"{r}-{n}", f"mei{r}@example.org") for n in range(3)]
            assert sorted(people.at_once(told)) == [False, False, True]


@pytest.mark.django_db(transaction=True)
def test_complaint_outweighs_a_bounce_that_comes_at_the_same_moment(now):
    addresses = [f"mei{number}@example.org" for number in range(10)]
    reasons = [AddressReason.HARD_BOUNCE, AddressReason.COMPLAINT]
    with crowd(2) as people:
        for address in addresses:
            people.at_once([lambda a=address, r=reason: suppress(now, a, r) for reason in reasons])
    standing = SuppressedAddress.objects.filter(lifted_at__isnull=True)
    assert set(standing.values_list("address", "reason")) == {(address, "COMPLAINT") for address in addresses}


def test_who_was_forgotten_leaves_a_hash_that_holds_them_back_still(now, settings):
    suppress(now)
    privacy.erase(customer=CustomerFactory(email="mei@example.org"), by=BY, at=now)
    row = SuppressedAddress.objects.get()
    assert "mei" not in row.address + row.detail
    assert str(row) == "forgotten"
    CustomerFactory(email="Mei@example.org")
    assert held_back() == {"Mei@example.org"}
    assert suppressions.is_held_back(address="mei@example.org")
    assert suppress(now) is None
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 10
    assert held_back() == {"Mei@example.org"}


def test_entering_what_is_entered_is_refused(now):
    suppressions.enter(address="Mei@example.org", detail="asked by phone", by=BY, at=now)
    with pytest.raises(suppressions.AddressSuppressed):
        suppressions.enter(address="mei@example.org", detail="", by=BY, at=now)


def test_address_is_in_lower_case(now):
    with pytest.raises(IntegrityError, match="suppressed_address_is_lower_case"):
        SuppressedAddress.objects.create(address="Mei@x.org", reason="STAFF", suppressed_at=now, suppressed_by="user:1")
