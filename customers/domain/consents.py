"""What customers allow."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from customers.domain import customers, suppressions
from customers.models import Consent, Customer, Purpose
from loyalty_site.lib.actors import Actor


@transaction.atomic
def grant(*, customer: Customer, purpose: Purpose, by: Actor, at: datetime) -> Consent:
    """Granting what is granted changes nothing. The lock keeps a withdrawal from coming in between.

    Of a person who says so themselves, a complaint of before is over. Raises CustomerMerged.
    """
    present = customers.lock(customer=customer)
    if by.kind == "customer":
        suppressions.welcome_back(customer=present, by=by, at=at)
    consent = Consent(customer=customer, purpose=purpose, granted_at=at, granted_by=str(by))
    Consent.objects.bulk_create([consent], ignore_conflicts=True)
    return Consent.objects.get(customer=customer, purpose=purpose, withdrawn_at__isnull=True)


@transaction.atomic
def withdraw(*, customer: Customer, purpose: Purpose, by: Actor, at: datetime) -> None:
    """Withdrawing what is not granted changes nothing. A link in an old mail may name a customer who was merged since,
    or is at this moment: what counts is that the person says no.
    """
    given = Consent.objects.filter(customer=_locked(customer), purpose=purpose, withdrawn_at__isnull=True)
    given.update(withdrawn_at=at, withdrawn_by=str(by))


@transaction.atomic
def choose(*, customer: Customer, wishes: Mapping[Purpose, bool], by: Actor, at: datetime) -> None:
    """What the customer wants and does not want from now on; the row that stands for who was merged since has it.
    Raises CustomerMerged when that happens at this moment."""
    customer = customers.present(customer=customer)
    for purpose, is_wanted in wishes.items():
        (grant if is_wanted else withdraw)(customer=customer, purpose=purpose, by=by, at=at)


def _locked(customer: Customer) -> Customer:
    """Who stands for the customer when nobody merges them any more. The savepoint lets go of who is gone, so that
    nobody waits in a circle."""
    while True:
        try:
            with transaction.atomic():
                return customers.lock(customer=customers.present(customer=customer))
        except customers.CustomerMerged:
            customer = Customer.objects.get(pk=customer.pk)


def allows(*, customer: Customer, purpose: Purpose) -> bool:
    return Consent.objects.filter(customer=customer, purpose=purpose, withdrawn_at__isnull=True).exists()
