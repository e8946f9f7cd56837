"""Leaving the programme and being forgotten, in all apps in one transaction."""

from datetime import datetime

from django.db import transaction

from customers.domain import closing, customers
from customers.models import Customer
from loyalty_site.lib.actors import Actor
from rewards.domain import closing as rewards_closing
from rewards.domain import import_lock, points
from surveys.domain import closing as surveys_closing


@transaction.atomic
def close(*, customer: Customer, by: Actor, at: datetime) -> None:
    """The customer leaves: no more signing in, mail or booking, and what was held of their points is released.

    The points stay in the books and lapse on their days; what comes back of earlier purchases is still settled with
    them, and rewards that wait can be fetched. Closing again changes nothing. Raises CustomerMerged, ImportRunning.
    """
    import_lock.refuse_while_running()
    points.release_all(customer=customer, by=by, at=at)
    closing.close(customer=customer, by=by, at=at)


@transaction.atomic
def erase(*, customer: Customer, by: Actor, at: datetime) -> None:
    """Forgets the person: every row that was merged with theirs, in all apps. What is left is numbers in the books.

    Erasing again changes nothing. Raises ImportRunning.
    """
    import_lock.refuse_while_running()
    person = points.lock_owner(customer=customer)
    points.release_all(customer=person, by=by, at=at)
    ids = customers.family(customer=person)
    surveys_closing.erase(customer_ids=ids)
    rewards_closing.erase(customer_ids=ids)
    closing.erase(customer_ids=ids, by=by, at=at)
