"""What the addresses of the till page name."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from customers.domain import attempts, customers
from customers.models import Customer, Purchase, Store
from loyalty_site.lib import codes
from loyalty_site.lib.errors import DomainError
from loyalty_site.till.access import Desk, own_stores
from rewards.domain import coupons
from rewards.models import Coupon

TEXT_MAX = 200


class CodeConverter:
    """A code as people read it; nothing else reaches the database."""

    regex = "[0-9A-Za-z-]{2,50}"

    def to_python(self, value: str) -> str:
        return codes.normalize(value)

    def to_url(self, value: str) -> str:
        return str(value)


def customer_or_404(number: str) -> Customer:
    """The whole chain's, as long as they stay; who was merged is whom they were merged into."""
    try:
        return customers.by_number(number=number)
    except customers.CustomerUnknown as error:
        raise Http404 from error


class NobodyNamed(DomainError):
    code = "nobody_named"
    message = _("Nobody in the programme is known by “%(text)s”.")


class SeveralNamed(DomainError):
    code = "several_named"
    message = _("Several customers share “%(text)s”. Please scan the card or type the customer number.")


def one_by_text(text: str) -> Customer:
    """Whose number, card, phone or e-mail it is. Raises NobodyNamed, SeveralNamed."""
    people = customers.find(text=text)
    if not people:
        raise NobodyNamed(text=text)
    if len(people) > 1:
        raise SeveralNamed(text=text)
    return people[0]


def purchase_or_404(desk: Desk, purchase_id: int) -> Purchase:
    """Of their own stores, or of a customer: a customer brings back anywhere what was bought somewhere."""
    seen = Q(customer__isnull=False) | Q(store__in=own_stores(desk.user))
    return get_object_or_404(Purchase.objects.filter(seen).select_related("customer", "store"), pk=purchase_id)


def coupon_or_404(desk: Desk, code: str, at: datetime) -> Coupon:
    """A code that is none is counted. Raises TooManyAttempts."""
    limits = attempts.of_counter(by=desk.by)
    attempts.refuse_when_used_up(limits=limits, at=at)
    try:
        return coupons.find(text=code)
    except coupons.CouponRefused as error:
        attempts.take(limits=limits, at=at)
        raise Http404 from error


def member(customer: Customer | None) -> Customer | None:
    """For pages about something of theirs: who has left is shown no more."""
    return customer if customer and customer.closed_at is None else None


def receipts(store: Store, text: str) -> QuerySet[Purchase]:
    """The purchase of that receipt number in the store. No text can hold a NUL."""
    return Purchase.objects.filter(store=store, receipt_number=text) if "\0" not in text else Purchase.objects.none()
