"""How often customers are written to: a place is taken before a mail leaves, and given back when it did not.

Service mails, as codes to sign in, take none.
"""

from datetime import datetime, timedelta

from django.db import transaction

from customers.models import Contact, Customer
from loyalty_site.lib import statements


@transaction.atomic
def reserve(*, customer: Customer, reference: str, limit: int | None, days: int, at: datetime) -> bool:
    """Takes a place for the mail `reference`, unless the customer got `limit` in the last `days` days (None: no end).

    Two workers cannot both take the last one: a lock of the customer's contacts alone is taken before they are counted,
    and kept until the transaction ends. Nobody who holds the customer's row waits for it.
    """
    if Contact.objects.filter(reference=reference).exists():
        return True
    statements.rows("SELECT pg_advisory_xact_lock(hashtextextended('contacts:' || %s, 0))", (str(customer.pk),))
    lately = Contact.objects.filter(customer=customer, sent_at__gt=at - timedelta(days=days), sent_at__lte=at)
    if limit is not None and lately.count() >= limit:
        return False
    Contact.objects.create(customer=customer, reference=reference, sent_at=at)
    return True


def free_from(*, customer: Customer, limit: int, days: int, at: datetime) -> datetime:
    """When the customer may be written to again, as things stand."""
    lately = Contact.objects.filter(customer=customer, sent_at__gt=at - timedelta(days=days), sent_at__lte=at)
    moments = list(lately.order_by("-sent_at").values_list("sent_at", flat=True)[:limit])
    return moments[-1] + timedelta(days=days) if len(moments) == limit else at


def give_back(*, reference: str) -> None:
    """The mail did not leave after all."""
    Contact.objects.filter(reference=reference).delete()
