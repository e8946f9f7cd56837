"""The rows of whom a campaign asks: one for each customer in the audience, with the reason where no mail leaves.

They are written some at a time, each time in a transaction of its own: a million customers hold nothing up, and whoever
goes on after a worker was killed adds nobody twice.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Case, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from customers.models import Customer
from rewards.domain import experiments
from rewards.models import Arm
from surveys.domain import audience
from surveys.models import (
    Campaign,
    Delivery,
    DeliveryState,
    Occurrence,
    OccurrenceState,
    SuppressionReason,
)

CHUNK = 50_000
# A day that was missed is not made good: who is asked about it then wonders.
LATE_AFTER = timedelta(hours=24)


def add_some(*, campaign: Campaign, occurrence: Occurrence, late: bool, at: datetime) -> bool:
    """The next customers of an occurrence, in the order of their ids; False when there are none after them.

    `late`: for these it is too late now. The caller holds the campaign's row.
    """
    beyond = Customer.objects.filter(pk__gt=occurrence.reached).order_by("pk").values_list("pk", flat=True)
    last = next(iter(beyond[CHUNK - 1 : CHUNK]), None)
    part = Q(customer__gt=occurrence.reached)
    some = audience.of(campaign=campaign, at=occurrence.began_at).filter(pk__gt=occurrence.reached)
    if last:
        part &= Q(customer__lte=last)
        some = some.filter(pk__lte=last)
    reason = audience.suppression_reason(of=part)
    _assign(campaign, some, reason, at=occurrence.began_at)
    about = "CROSS JOIN (SELECT NULL::bigint AS purchase_id) AS about"
    _insert(campaign, some, reason, (about, []), occurrence=occurrence, late=late, at=at)
    occurrence.reached = last or occurrence.reached
    occurrence.state = OccurrenceState.MATERIALIZING if last else OccurrenceState.CHOSEN
    occurrence.save(update_fields=["reached", "state"])
    return last is not None


def add_purchases(*, campaign: Campaign, at: datetime) -> bool:
    """The next purchases that a campaign asks about since they are long enough ago; False when there are none.

    What is told later than LATE_AFTER is not asked about. Between two ticks that far apart, purchases get a row that
    says so. The caller holds the campaign's row.
    """
    assert campaign.starts_at is not None
    assert campaign.delay_hours is not None
    delay = timedelta(hours=campaign.delay_hours)
    since = max(campaign.starts_at, min(campaign.reached_at or at, at - LATE_AFTER) - delay)
    known = Delivery.objects.filter(campaign=campaign, purchase=OuterRef("pk"), touch=1)
    members = audience.of(campaign=campaign, at=at)
    bought = audience.purchases(campaign=campaign).filter(
        ~Exists(known),
        Exists(members.filter(pk=OuterRef("customer_id"))),
        purchased_at__gte=since,
        purchased_at__lte=at - delay,
    )
    if campaign.ends_at:
        bought = bought.filter(purchased_at__lt=campaign.ends_at)
    rows = list(bought.order_by("purchased_at", "pk").values_list("pk", "customer_id", "purchased_at")[:CHUNK])
    is_late = {pk: bought_at + delay < at - LATE_AFTER for pk, _customer, bought_at in rows}
    written = 0
    for late in (False, True):
        some = [(pk, customer) for pk, customer, _bought_at in rows if is_late[pk] == late]
        written += _add(campaign, some, late=late, at=at) if some else 0
    return written > 0


def add_reminders(*, campaign: Campaign, at: datetime) -> bool:
    """Some of those who got a mail so many days ago and did not answer; False when there are none. A reminder that was
    missed for LATE_AFTER is left out, and so are those after it. The caller holds the campaign's row.
    """
    first = Coalesce("reminds", "pk")
    known = Delivery.objects.filter(reminds=OuterRef("first"), touch=OuterRef("touch") + 1)
    answered = audience.answered().filter(pk=OuterRef("first"))
    told = _lately_sent(campaign, at).annotate(first=first).filter(~Exists(known), ~Exists(answered))
    told = told.filter(settled_at__lte=at - timedelta(days=campaign.reminder_days))
    new = [
        Delivery(
            campaign=campaign,
            customer_id=mail.customer_id,
            occurrence_id=mail.occurrence_id,
            purchase_id=mail.purchase_id,
            reminds_id=mail.reminds_id or mail.pk,
            touch=mail.touch + 1,
            not_before=at,
        )
        for mail in told.order_by("settled_at", "pk")[:CHUNK]
    ]
    Delivery.objects.bulk_create(new, ignore_conflicts=True)
    return bool(new)


def has_reminders_to_come(*, campaign: Campaign, at: datetime) -> bool:
    return campaign.reminders > 0 and _lately_sent(campaign, at).exists()


def _lately_sent(campaign: Campaign, at: datetime) -> QuerySet[Delivery]:
    """Mails that a reminder may follow, not too long ago for it."""
    since = at - timedelta(days=campaign.reminder_days) - LATE_AFTER
    sent = Delivery.objects.filter(campaign=campaign, state=DeliveryState.ACCEPTED, settled_at__gt=since)
    return sent.filter(touch__lte=campaign.reminders)


def _add(campaign: Campaign, bought: list[tuple[int, int]], *, late: bool, at: datetime) -> int:
    people = audience.of(campaign=campaign, at=at).filter(pk__in=[customer for _pk, customer in bought])
    reason = audience.suppression_reason()
    if not late:
        _assign(campaign, people, reason, at=at)
    about = (
        "JOIN unnest(%s::bigint[], %s::bigint[]) AS about (purchase_id, customer_id) ON about.customer_id = people.id"
    )
    told = [[pk for pk, _customer in bought], [customer for _pk, customer in bought]]
    return _insert(campaign, people, reason, (about, told), occurrence=None, late=late, at=at)


def _assign(campaign: Campaign, people: QuerySet[Customer], reason: Case, *, at: datetime) -> None:
    """Arms before any mail: chance alone decides, once for all times the campaign asks."""
    if campaign.experiment:
        mailable = people.alias(why=reason).filter(why="")
        occasion = f"campaign:{campaign.pk}"
        experiments.assign_all(experiment=campaign.experiment, customers=mailable, occasion=occasion, at=at)


def _insert(
    campaign: Campaign,
    people: QuerySet[Customer],
    reason: Case,
    about: tuple[str, list[list[int]]],
    *,
    occurrence: Occurrence | None,
    late: bool,
    at: datetime,
) -> int:
    """One statement; `about` joins to `people` what they are asked about. Returns how many were added."""
    chosen, parameters = people.values_list("pk", reason).order_by("pk").query.sql_with_params()
    not_before = occurrence.began_at if occurrence else at
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH people (id, reason) AS ({chosen})
            INSERT INTO surveys_delivery (campaign_id, occurrence_id, purchase_id, customer_id, touch, state, reason,
                                          attempts, not_before, settled_at, smtp_reply)
            SELECT %s, %s, purchase_id, id, 1, CASE why WHEN '' THEN 'PENDING' ELSE 'SUPPRESSED' END, why, 0, %s,
                   CASE why WHEN '' THEN NULL::timestamptz ELSE %s END, ''
            FROM (SELECT about.purchase_id, people.id,
                         CASE WHEN %s THEN %s WHEN reason = '' AND arm = %s THEN %s ELSE reason END AS why
                  FROM people {about[0]}
                  LEFT JOIN (SELECT customer_id, arm FROM rewards_assignment
                             WHERE experiment_id = %s AND customer_id BETWEEN (SELECT min(id) FROM people)
                                                                          AND (SELECT max(id) FROM people)) AS assigned
                         ON assigned.customer_id = people.id) AS chosen
            ON CONFLICT DO NOTHING
            """,  # noqa: S608 - the query of the ORM, with its parameters apart
            [
                *parameters,
                campaign.pk,
                occurrence.pk if occurrence else None,
                not_before,
                not_before,
                late,
                SuppressionReason.LATE.value,
                Arm.HOLDOUT.value,
                SuppressionReason.HELD_OUT.value,
                *about[1],
                campaign.experiment_id,
            ],
        )
        return int(cursor.rowcount)
