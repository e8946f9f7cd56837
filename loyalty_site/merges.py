"""Two customers who are one person, in all apps in one transaction; and the way back."""

from datetime import datetime

from django.db import transaction

from customers.domain import merges as customers_merges
from customers.models import Customer, CustomerMerge
from loyalty_site.lib.actors import Actor
from rewards.domain import merges as rewards_merges
from surveys.models import Case


@transaction.atomic
def merge(*, source: Customer, target: Customer, reason: str, by: Actor, at: datetime) -> CustomerMerge:
    """As `rewards.domain.merges.merge`, and the cases go over too."""
    record = rewards_merges.merge(source=source, target=target, reason=reason, by=by, at=at)
    customers_merges.move(merge=record, rows=Case.objects.filter(customer=source))
    record.save(update_fields=["moved"])
    return record


@transaction.atomic
def undo(*, merge: CustomerMerge, by: Actor, at: datetime) -> None:
    """As `rewards.domain.merges.undo`, and the cases that came over go back."""
    was_undone = CustomerMerge.objects.filter(pk=merge.pk, undone_at__isnull=False).exists()
    rewards_merges.undo(merge=merge, by=by, at=at)
    if not was_undone:
        customers_merges.move_back(merge=merge, model=Case)
