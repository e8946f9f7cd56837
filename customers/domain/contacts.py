"""How often customers are written to: a place is taken before a mail leaves, and given back when it did not.

Service mails, as codes to sign in, take none.
"""

from collections.abc import Mapping
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


@transaction.atomic(savepoint=False)
def reserve_each(*, references: Mapping[str, int], limit: int | None, days: int, at: datetime) -> set[str]:
    """As `reserve` for several mails at once, by the ids of their customers; returns those that got a place.

    Customers are locked in the order of their ids, so two who reserve for some of the same never wait in a circle.
    """
    people = statements.numbers(sorted(set(references.values())))
    values = (
        list(references),
        statements.numbers(references.values()),
        at,
        at - timedelta(days=days),
        at,
        limit,
        limit,
        list(references),
    )
    statements.rows(_LOCK, (people,))
    return {reference for (reference,) in statements.rows(_RESERVE, values)}


def free_from(*, customer: Customer, limit: int, days: int, at: datetime) -> datetime:
    """When the customer may be written to again, as things stand."""
    lately = Contact.objects.filter(customer=customer, sent_at__gt=at - timedelta(days=days), sent_at__lte=at)
    moments = list(lately.order_by("-sent_at").values_list("sent_at", flat=True)[:limit])
    return moments[-1] + timedelta(days=days) if len(moments) == limit else at


def give_back(*, reference: str) -> None:
    """The mail did not leave after all."""
    Contact.objects.filter(reference=reference).delete()


_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('contacts:' || id, 0)) FROM unnest(%s::bigint[]) AS id"
# Of several mails to one customer the first ones get the places that are left.
_RESERVE = """
    WITH wanted AS (
        SELECT reference, customer_id, row_number() OVER (PARTITION BY customer_id ORDER BY number) AS place
        FROM unnest(%s::text[], %s::bigint[]) WITH ORDINALITY AS told (reference, customer_id, number)
        WHERE NOT EXISTS (SELECT FROM customers_contact known WHERE known.reference = told.reference)
    ), taken AS (
        INSERT INTO customers_contact (customer_id, reference, sent_at)
        SELECT customer_id, reference, %s
        FROM wanted
        WHERE place + (SELECT count(*) FROM customers_contact lately
                       WHERE lately.customer_id = wanted.customer_id AND lately.sent_at > %s AND lately.sent_at <= %s)
              <= %s::integer OR %s::integer IS NULL
        RETURNING reference
    )
    SELECT reference FROM taken
    UNION ALL
    SELECT reference FROM customers_contact WHERE reference = ANY(%s)
"""
