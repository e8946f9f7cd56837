"""Leaving the programme, and being forgotten.

Interfaces call `loyalty_site.privacy`, which tells the other apps too, under the lock of the points account.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from customers.domain import audit, consents, customers, merges, profiling, suppressions
from customers.models import (
    Card,
    Consent,
    Contact,
    Customer,
    IdempotentCall,
    OutboxMail,
    Preference,
    ProductRating,
    Purpose,
    SegmentMember,
    SignInCode,
)
from loyalty_site.lib.actors import Actor


@transaction.atomic
def close(*, customer: Customer, by: Actor, at: datetime) -> None:
    """No more signing in, mail or booking. What was bought and earned stays in the books.

    Closing again changes nothing. Raises CustomerMerged.
    """
    if customers.lock(customer=customer).closed_at is not None:
        return
    Customer.objects.filter(pk=customer.pk).update(closed_at=at)
    for purpose in Purpose:
        consents.withdraw(customer=customer, purpose=purpose, by=by, at=at)
    _drop_what_leads_in([customer.pk])
    audit.record(actor=by, action="customer.closed", subject=f"customer:{customer.pk}", at=at)


@transaction.atomic
def erase(*, customer_ids: list[int], by: Actor, at: datetime) -> None:
    """Empties what is personal in these rows, one person's, which are closed from then on. Purchases and numbers stay.

    Erasing again changes nothing.
    """
    known = Customer.objects.select_for_update(no_key=True).filter(pk__in=customer_ids, erased_at__isnull=True)
    rows = list(known.order_by("pk"))
    ids = [row.pk for row in rows]
    suppressions.forget(addresses=[row.email for row in rows])
    for row in rows:
        if row.email:
            OutboxMail.objects.filter(to__iexact=row.email).delete()
        _drop_answers_that_name(row)
        audit.record(actor=by, action="customer.erased", subject=f"customer:{row.pk}", at=at)
    Consent.objects.filter(customer__in=ids, withdrawn_at__isnull=True).update(withdrawn_at=at, withdrawn_by=str(by))
    _drop_what_leads_in(ids)
    Card.objects.filter(customer__in=ids).delete()
    Preference.objects.filter(customer__in=ids).delete()
    ProductRating.objects.filter(customer__in=ids).delete()
    Contact.objects.filter(customer__in=ids).delete()
    SegmentMember.objects.filter(customer__in=ids).delete()
    merges.forget(customer_ids=ids)
    Customer.objects.filter(pk__in=ids).update(
        name="", email="", phone="", birthday=None, closed_at=Coalesce(F("closed_at"), at), erased_at=at
    )


def _drop_what_leads_in(customer_ids: list[int]) -> None:
    SignInCode.objects.filter(customer__in=customer_ids).delete()
    profiling.forget(customer_ids=customer_ids)


def _drop_answers_that_name(row: Customer) -> None:
    """The answer to the till that enrolled them, while it is kept; the others name no more than the number."""
    told = (row.enrolled_at - timedelta(minutes=10), row.enrolled_at)
    IdempotentCall.objects.filter(created_at__range=told, body__contains=row.display_number).delete()
