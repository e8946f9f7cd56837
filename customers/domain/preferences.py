"""What customers say they like."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from customers.domain import customers
from customers.models import Category, Customer, Preference


@transaction.atomic
def state(*, customer: Customer, categories: Iterable[Category], at: datetime) -> None:
    """These and no others; what was stated before keeps its date. The lock keeps two statements from mixing.

    Raises CustomerMerged.
    """
    customers.lock(customer=customer)
    wanted = list(categories)
    Preference.objects.filter(customer=customer).exclude(category__in=wanted).delete()
    stated = [Preference(customer=customer, category=category, stated_at=at) for category in wanted]
    Preference.objects.bulk_create(stated, ignore_conflicts=True)
