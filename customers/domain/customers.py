"""Finding customers, and the row that stands for a person now."""

from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from customers.models import Card, Customer
from loyalty_site.lib import codes, statements
from loyalty_site.lib.errors import DomainError


class CustomerMerged(DomainError):
    code = "customer_merged"
    message = _("This customer was merged with another one just now. Please look them up again.")


class CustomerClosed(DomainError):
    code = "customer_closed"
    message = _("This customer has left the programme.")


class CustomerUnknown(DomainError):
    code = "customer_unknown"
    message = _("There is no customer %(number)s.")


def by_number(*, number: str) -> Customer:
    """The customer, not closed, with this number as it is printed, or whom they were merged into.

    Raises CustomerUnknown.
    """
    found = statements.rows(_BY_NUMBER, (codes.normalize(_readable(number)),))
    customer = present(customer=statements.instance(Customer, found[0])) if found else None
    if customer is None or customer.closed_at is not None:
        raise CustomerUnknown(number=number)
    return customer


def find(*, text: str) -> list[Customer]:
    """Customers, not closed, whose number (in any case, with or without dashes), card, phone or e-mail this is.

    Who was merged is found as the customer they were merged into.
    """
    people = {person.pk: person for person in (present(customer=holder) for holder in holders(text=text))}
    return sorted((person for person in people.values() if person.closed_at is None), key=lambda person: person.pk)


def holders(*, text: str) -> list[Customer]:
    """The very rows whose number, card, phone or e-mail this is: merged and closed ones too."""
    return list(_reachable_by_email().filter(_is_exactly(text)).order_by("pk"))


def search(*, text: str, limit: int, with_closed: bool = True) -> QuerySet[Customer]:
    """The first `limit` by name of those that `find` finds or whose name begins with `text`."""
    found = _reachable_by_email().filter(_is_exactly(text) | _begins(text))
    return (found if with_closed else found.filter(closed_at__isnull=True)).order_by("name", "pk")[:limit]


def present(*, customer: Customer) -> Customer:
    """Who stands for this person now: the customer, or the last one they were merged into."""
    while customer.merged_into_id is not None:
        customer = Customer.objects.get(pk=customer.merged_into_id)
    return customer


def family(*, customer: Customer) -> list[int]:
    """The ids of the customer and of all who were merged into them, also by way of others."""
    with connection.cursor() as cursor:
        cursor.execute(_FAMILY, [customer.pk])
        return [row[0] for row in cursor.fetchall()]


def refuse_unless_member(*, customer: Customer) -> None:
    """As the row was read. Raises CustomerMerged, CustomerClosed."""
    if customer.merged_into_id is not None:
        raise CustomerMerged
    if customer.closed_at is not None:
        raise CustomerClosed


def lock(*, customer: Customer) -> Customer:
    """The customer's row as it is now; it stays so until the transaction ends. Raises CustomerMerged."""
    locked = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if locked.merged_into_id is not None:
        raise CustomerMerged
    return locked


_BY_NUMBER = f"SELECT {statements.columns(Customer, 'customer')} FROM customers_customer customer WHERE number = %s"  # noqa: S608
_FAMILY = """
    WITH RECURSIVE family AS (
        SELECT %s::bigint AS id
        UNION ALL
        SELECT customer.id FROM customers_customer customer JOIN family ON customer.merged_into_id = family.id
    )
    SELECT id FROM family ORDER BY id
"""


def _reachable_by_email() -> QuerySet[Customer]:
    return Customer.objects.alias(address=Lower("email"))


def _begins(text: str) -> Q:
    text = _readable(text)
    return Q(name__istartswith=text) if text else Q(pk__in=[])


def _readable(text: str) -> str:
    """PostgreSQL's texts cannot hold NUL, so nobody has one."""
    return "" if "\0" in text else text.strip()


def _is_exactly(text: str) -> Q:
    """One arm for each index. Cards are read before: with a join in the OR the whole table would be read."""
    text = _readable(text)
    if not text:
        return Q(pk__in=[])
    owners = list(Card.objects.filter(number=text).values_list("customer", flat=True))
    return (
        Q(pk__in=owners)
        | Q(number=codes.normalize(text))
        | Q(phone=text) & ~Q(phone="")
        | Q(address=Lower(Value(text))) & ~Q(email="")
    )
