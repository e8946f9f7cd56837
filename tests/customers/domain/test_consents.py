from datetime import timedelta
from functools import partial
from threading import Event, Timer

import pytest
from django.db import transaction

from customers.domain import consents, merges
from customers.models import Consent, Purpose
from loyalty_site.lib import actors
from tests.factories.customers import ConsentFactory, CustomerFactory
from tests.races import at_once

SURVEYS, MARKETING = Purpose.SURVEY_EMAIL, Purpose.MARKETING_EMAIL


@pytest.mark.django_db
def test_grant_allows_one_purpose_of_one_customer(now):
    customer, other = CustomerFactory(), CustomerFactory()

    consent = consents.grant(customer=customer, purpose=SURVEYS, by=actors.customer(1), at=now)

    assert (consent.granted_at, consent.granted_by, consent.withdrawn_at) == (now, "customer:1", None)
    assert consents.allows(customer=customer, purpose=SURVEYS)
    assert not consents.allows(customer=customer, purpose=MARKETING)
    assert not consents.allows(customer=other, purpose=SURVEYS)


@pytest.mark.django_db
def test_grant_again_keeps_the_first(now):
    first = ConsentFactory()

    again = consents.grant(customer=first.customer, purpose=SURVEYS, by=actors.SYSTEM, at=now)

    assert again == first
    assert again.granted_at == first.granted_at


@pytest.mark.django_db
def test_withdraw_keeps_the_row_as_evidence(now):
    consent = ConsentFactory()

    consents.withdraw(customer=consent.customer, purpose=SURVEYS, by=actors.user(2), at=now)
    consents.withdraw(customer=consent.customer, purpose=SURVEYS, by=actors.user(3), at=now + timedelta(days=1))

    consent.refresh_from_db()
    assert (consent.withdrawn_at, consent.withdrawn_by) == (now, "user:2")
    assert not consents.allows(customer=consent.customer, purpose=SURVEYS)


@pytest.mark.django_db
def test_withdraw_leaves_other_purposes_and_customers(now):
    consent = ConsentFactory()
    kept = [ConsentFactory(customer=consent.customer, purpose=MARKETING), ConsentFactory()]

    consents.withdraw(customer=consent.customer, purpose=SURVEYS, by=actors.SYSTEM, at=now)

    assert set(Consent.objects.filter(withdrawn_at=None)) == set(kept)


@pytest.mark.django_db
def test_grant_after_withdrawing_is_a_new_row(now):
    consent = ConsentFactory(withdrawn_at=now, withdrawn_by="system")

    again = consents.grant(customer=consent.customer, purpose=SURVEYS, by=actors.SYSTEM, at=now)

    assert again != consent
    assert consents.allows(customer=consent.customer, purpose=SURVEYS)


@pytest.mark.django_db(transaction=True)
def test_grant_opens_one_row_when_told_at_once(now):
    customer = CustomerFactory()
    grant = partial(consents.grant, customer=customer, purpose=SURVEYS, by=actors.SYSTEM, at=now)

    results = at_once(grant, grant, grant, grant)

    assert set(results) == {Consent.objects.get()}


@pytest.mark.django_db(transaction=True)
def test_grant_waits_for_a_withdrawal_and_gives_a_new_row(now):
    given = ConsentFactory()
    told = {"customer": given.customer, "purpose": SURVEYS, "by": actors.SYSTEM}

    for minute in range(20):
        at = now + timedelta(minutes=minute)
        results = at_once(*[partial(consents.grant, **told, at=at), partial(consents.withdraw, **told, at=at)] * 2)

        assert [type(result) for result in results] == [Consent, type(None)] * 2


@pytest.mark.django_db(transaction=True)
def test_no_is_heard_while_the_customer_is_merged(now):
    source, target = CustomerFactory(), CustomerFactory()
    ConsentFactory(customer=source, purpose=SURVEYS)
    begun, may_end = Event(), Event()

    def merge():
        with transaction.atomic():
            merges.begin(source=source, target=target, reason="", by=actors.user(7), at=now)
            begun.set()
            assert may_end.wait(timeout=60)

    def say_no():
        assert begun.wait(timeout=60)
        Timer(0.3, may_end.set).start()
        consents.withdraw(customer=source, purpose=SURVEYS, by=actors.customer(source.pk), at=now + timedelta(hours=1))

    assert at_once(merge, say_no) == [None, None]
    assert Consent.objects.get().customer == target
    assert not consents.allows(customer=target, purpose=SURVEYS)
