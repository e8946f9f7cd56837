"""One person is counted once: of two assignments in the same experiment the first counts."""

import pgtrigger
from django.db import connection
from django.db.models import Exists, OuterRef

from customers.domain import merges
from customers.models import CustomerMerge
from rewards.models import Assignment

EXCHANGED = "exchanged assignments"


def carry_over(*, merge: CustomerMerge) -> None:
    """The target stands by the first of both assignments in each experiment; the caller saves the record.

    Where both have one and the source's is the first, the two rows exchange what they say: the later one stays with
    the source, and is counted no more.
    """
    own = Assignment.objects.filter(customer=merge.target_id, experiment=OuterRef("experiment"))
    both = Assignment.objects.filter(Exists(own), customer=merge.source_id)
    earlier = both.filter(~Exists(own.filter(assigned_at__lte=OuterRef("assigned_at"))))
    merge.moved[EXCHANGED] = list(earlier.order_by("experiment").values_list("experiment", flat=True))
    _exchange(merge)
    merges.move(merge=merge, rows=Assignment.objects.filter(~Exists(own), customer=merge.source_id))


def separate(*, merge: CustomerMerge) -> None:
    """Everybody has their own again; what the target was assigned since stays there."""
    merges.move_back(merge=merge, model=Assignment)
    _exchange(merge)


def _exchange(merge: CustomerMerge) -> None:
    if not merge.moved.get(EXCHANGED):
        return
    with pgtrigger.ignore("rewards.Assignment:append_only"), connection.cursor() as cursor:
        pair = [merge.source_id, merge.target_id]
        cursor.execute(_EXCHANGE, [merge.moved[EXCHANGED], pair, pair])


_EXCHANGE = """
    UPDATE rewards_assignment AS one
    SET arm = other.arm, assigned_at = other.assigned_at, occasion = other.occasion
    FROM rewards_assignment AS other
    WHERE one.experiment_id = ANY(%s) AND other.experiment_id = one.experiment_id
      AND one.customer_id = ANY(%s) AND other.customer_id = ANY(%s) AND other.customer_id <> one.customer_id
"""
