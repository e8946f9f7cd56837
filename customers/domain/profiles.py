"""What customers change about themselves."""

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, customers
from customers.models import Customer, Store
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError


class PhoneTaken(DomainError):
    code = "phone_taken"
    message = _("This number cannot be used. If it is yours, please ask in one of our stores.")


class BirthdayFixed(DomainError):
    code = "birthday_fixed"
    message = _("Your birthday is noted already. If it is wrong, please ask in one of our stores.")


@transaction.atomic
def change(
    *,
    customer: Customer,
    name: str,
    phone: str,
    birthday: date | None,
    language: str,
    home_store: Store | None,
    by: Actor,
    at: datetime,
) -> Customer:
    """The customer as they are now. A birthday is told once. Raises PhoneTaken, BirthdayFixed,
    CustomerMerged."""
    kept = customers.lock(customer=customer)
    if kept.birthday is not None and birthday != kept.birthday:
        raise BirthdayFixed
    values = {"name": name, "phone": phone, "birthday": birthday, "language": language, "home_store": home_store}
    changed = [field for field, value in values.items() if getattr(kept, field) != value]
    for field in changed:
        setattr(kept, field, values[field])
    _save(kept, changed)
    if changed:
        subject = f"customer:{kept.pk}"
        audit.record(actor=by, action="customer.changed", subject=subject, data={"fields": sorted(changed)}, at=at)
    return kept


def _save(customer: Customer, fields: list[str]) -> None:
    """The unique constraint decides, so that of two people with one number only one gets it."""
    try:
        with transaction.atomic():
            customer.save(update_fields=fields)
    except IntegrityError:
        if Customer.objects.filter(phone=customer.phone).exclude(pk=customer.pk).exclude(phone="").exists():
            raise PhoneTaken from None
        raise
