"""Joining the programme."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, consents, customers, preferences
from customers.models import Category, Customer, Purpose, Store
from loyalty_site.lib import codes
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError


class ContactMissing(DomainError):
    code = "contact_missing"
    message = _("An e-mail address or a phone number is needed.")


class CustomerExists(DomainError):
    code = "customer_exists"
    message = _("This e-mail address or phone number already belongs to customer %(number)s.")


@transaction.atomic
def enroll(
    *,
    name: str,
    email: str = "",
    phone: str = "",
    birthday: date | None = None,
    language: str = "en",
    home_store: Store | None = None,
    consents: Iterable[Purpose] = (),
    preferences: Iterable[Category] = (),
    by: Actor,
    at: datetime,
) -> Customer:
    """Raises ContactMissing, or CustomerExists with the printed `number` of who has the e-mail or phone already."""
    if not email.strip() and not phone.strip():
        raise ContactMissing
    customer = _create(
        Customer(
            name=name.strip(),
            email=email.strip(),
            phone=phone.strip(),
            birthday=birthday,
            language=language,
            home_store=home_store,
            enrolled_at=at,
        )
    )
    _record_wishes(customer, consents, preferences, by, at)
    audit.record(actor=by, action="customer.enrolled", subject=f"customer:{customer.pk}", at=at)
    return customer


def new_number() -> str:
    return codes.generate(length=Customer.NUMBER_LENGTH)


def _create(customer: Customer) -> Customer:
    """The unique constraints decide, so that of two tills that enroll one person at once only one does."""
    while True:
        _refuse_known(customer)
        customer.number = new_number()
        try:
            with transaction.atomic():
                customer.save(force_insert=True)
        except IntegrityError:
            _refuse_known(customer)
            if not Customer.objects.filter(number=customer.number).exists():
                raise
        else:
            return customer


def _refuse_known(customer: Customer) -> None:
    by_address = Customer.objects.alias(address=Lower("email"))
    same_email = by_address.filter(address=Lower(Value(customer.email))).exclude(email="")
    same_phone = Customer.objects.filter(phone=customer.phone).exclude(phone="")
    known = same_email.first() or same_phone.first()
    if known:
        raise CustomerExists(number=customers.present(customer=known).display_number)


def _record_wishes(
    customer: Customer, purposes: Iterable[Purpose], categories: Iterable[Category], by: Actor, at: datetime
) -> None:
    for purpose in purposes:
        consents.grant(customer=customer, purpose=purpose, by=by, at=at)
    preferences.state(customer=customer, categories=categories, at=at)
