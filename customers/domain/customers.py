"""Finding customers."""

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from customers.models import Card, Customer
from loyalty_site.lib import codes
from loyalty_site.lib.errors import DomainError


class CustomerUnknown(DomainError):
    code = "customer_unknown"
    message = _("There is no customer %(number)s.")


def by_number(*, number: str) -> Customer:
    """The customer, not closed, with this number as it is printed. Raises CustomerUnknown."""
    code = codes.normalize(_readable(number))
    customer = Customer.objects.filter(number=code, closed_at__isnull=True).first()
    if customer is None:
        raise CustomerUnknown(number=number)
    return customer


def find(*, text: str) -> list[Customer]:
    """Customers, not closed, whose number (in any case, with or without dashes), card, phone or e-mail this is."""
    return list(_reachable_by_email().filter(_is_exactly(text), closed_at__isnull=True).order_by("pk"))


def search(*, text: str, limit: int, with_closed: bool = True) -> QuerySet[Customer]:
    """The first `limit` by name of those that `find` finds or whose name begins with `text`."""
    found = _reachable_by_email().filter(_is_exactly(text) | _begins(text))
    return (found if with_closed else found.filter(closed_at__isnull=True)).order_by("name", "pk")[:limit]


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
