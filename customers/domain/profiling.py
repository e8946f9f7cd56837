"""Whether a customer wants to be recommended things, and to be ranked by what they buy.

It is on until they switch it off. From then on nothing is worked out of their purchases: no list, no rhythm, no score.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from customers.domain import audit, customers
from customers.models import Customer, Recommendation, Rhythm
from loyalty_site.lib.actors import Actor

ALLOWED = Q(closed_at__isnull=True, profiling_refused_at__isnull=True)


@transaction.atomic
def choose(*, customer: Customer, wanted: bool, by: Actor, at: datetime) -> None:
    """Choosing what is chosen already changes nothing. What was made of the customer is deleted at once; who wants it
    again gets a list in the next night. Raises CustomerMerged.
    """
    present = customers.lock(customer=customer)
    if wanted == (present.profiling_refused_at is None):
        return
    present.profiling_refused_at = None if wanted else at
    present.save(update_fields=["profiling_refused_at"])
    forget(customer_ids=[present.pk])
    action = "customer.profiling_allowed" if wanted else "customer.profiling_refused"
    audit.record(actor=by, action=action, subject=f"customer:{present.pk}", at=at)


def forget(*, customer_ids: list[int]) -> None:
    """Deletes what was made of these customers' purchases."""
    Recommendation.objects.filter(customer__in=customer_ids).delete()
    Rhythm.objects.filter(customer__in=customer_ids).delete()
