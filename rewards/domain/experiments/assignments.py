"""Which arm a customer belongs to: the same for ever, and written down before any outcome."""

import hashlib
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from customers.domain import customers as people
from customers.models import Customer
from rewards.models import Arm, Assignment, Experiment

_BUCKETS = 10_000


def arm_of(*, salt: str, holdout_percent: int, customer_id: int) -> Arm:
    """By chance and yet always the same: a hash of salt and customer, so that no customer gets by trying again.

    The SQL function experiments_arm says the same. Callers use `assign`, which also knows about merges.
    """
    digest = hashlib.sha256(f"{salt}:customer:{customer_id}".encode()).digest()
    bucket = int.from_bytes(digest[:8]) % _BUCKETS
    return Arm.HOLDOUT if bucket < holdout_percent * _BUCKETS // 100 else Arm.TREATED


@transaction.atomic
def assign(*, experiment: Experiment, customer: Customer, occasion: str, at: datetime) -> Assignment:
    """The customer's assignment, made now unless there is one: the first counts for ever, with its `at` and `occasion`.

    Called in the transaction that gives the gesture, before it does. Purchases after `at` are what is counted.
    """
    person = people.present(customer=customer)
    known = Assignment.objects.filter(experiment=experiment, customer=person)
    found = known.first()
    if found is None:
        assign_all(experiment=experiment, customers=Customer.objects.filter(pk=person.pk), occasion=occasion, at=at)
        found = known.get()
    return found


def assign_all(*, experiment: Experiment, customers: QuerySet[Customer], occasion: str, at: datetime) -> int:
    """Assigns all of them who are not yet, in one statement; returns how many that were. Merged rows are left out.

    Their arms are then read by `Assignment`. The plan cannot change until the transaction ends.
    """
    audience, parameters = customers.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGN.format(audience=audience), [experiment.pk, at, occasion, *parameters])
        return int(cursor.rowcount)


# The row of the experiment is locked against changes of the plan. In the order of ids, as whoever locks several.
_ASSIGN = """
    WITH plan AS MATERIALIZED (
        SELECT id, salt, holdout_percent FROM rewards_experiment WHERE id = %s FOR SHARE
    )
    INSERT INTO rewards_assignment (experiment_id, customer_id, arm, assigned_at, occasion)
    SELECT plan.id, customer.id, experiments_arm(plan.salt, plan.holdout_percent, customer.id), %s, %s
    FROM customers_customer AS customer CROSS JOIN plan
    WHERE customer.id IN ({audience}) AND customer.merged_into_id IS NULL
    ORDER BY customer.id
    ON CONFLICT (experiment_id, customer_id) DO NOTHING
"""
