"""One person, two cards: points, coupons and what was bought become one customer's, and two customers' again.

Locks, in this order: mailings that choose their customers, the points accounts by ascending customer id, the customers'
rows in the same order, then what is moved. Whoever books for the source at the same moment comes before, and is carried
over, or is refused with CustomerMerged.
"""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from customers.domain import merges as customers_merges
from customers.models import Customer, CustomerMerge
from loyalty_site.lib.actors import Actor
from rewards.domain import experiments, import_lock, merged_mails, tiers
from rewards.models import (
    Coupon,
    CouponHold,
    CouponRedemption,
    Mailing,
    MailingState,
    PointsAdjustment,
    RewardRedemption,
    Surprise,
)

TIER = "tier before and after"


@transaction.atomic
def merge(*, source: Customer, target: Customer, reason: str, by: Actor, at: datetime) -> CustomerMerge:
    """`source` becomes part of `target`, who has all of both from now on; the record says what went over.

    Points keep the days on which they lapse, and a debt goes over too; open holds of the source are released. Mails
    that wait go to the target, who gets no second one of the same mailing.
    Raises MergeWithSelf, CustomerMerged, CustomerClosed, ImportRunning.
    """
    import_lock.refuse_while_running()
    list(Mailing.objects.filter(state=MailingState.MATERIALIZING).select_for_update(no_key=True).order_by("pk"))
    _lock_accounts(source.pk, target.pk)
    record = customers_merges.begin(source=source, target=target, reason=reason, by=by, at=at)
    _call("points_merge", record.pk, source.pk, target.pk, at, str(by))
    customers_merges.move(merge=record, rows=_in_order(Coupon.objects.filter(customer=source)))
    customers_merges.move(merge=record, rows=CouponHold.objects.filter(customer=source))
    customers_merges.move(merge=record, rows=CouponRedemption.objects.filter(customer=source))
    _call("offers_tally_anew", [source.pk, target.pk])
    customers_merges.move(merge=record, rows=RewardRedemption.objects.filter(customer=source))
    customers_merges.move(merge=record, rows=PointsAdjustment.objects.filter(customer=source))
    customers_merges.move(merge=record, rows=_surprises_only_of(source, target))
    merged_mails.carry_over(merge=record)
    experiments.carry_over(merge=record)
    _carry_tier(record, by, at)
    record.save(update_fields=["moved"])
    return record


@transaction.atomic
def undo(*, merge: CustomerMerge, by: Actor, at: datetime) -> None:
    """Separates them again. What is left of the points that came over goes back, and so do all rows that were moved;
    what the target has got or used since stays there. Undoing again changes nothing.

    Raises MergeNotLatest, MergeTooOld, CustomerMerged, CustomerClosed, ImportRunning.
    """
    import_lock.refuse_while_running()
    _lock_accounts(merge.source_id, merge.target_id)
    record = customers_merges.begin_undo(merge=merge, by=by, at=at)
    if record is None:
        return
    _call("points_separate", record.pk, record.source_id, record.target_id, at, str(by))
    used = Coupon.objects.filter(redemptions__redeemed_at__gte=record.merged_at)
    customers_merges.move_back(merge=record, model=Coupon, since=used)
    customers_merges.move_back(merge=record, model=CouponHold)
    customers_merges.move_back(merge=record, model=CouponRedemption)
    _call("offers_tally_anew", [record.source_id, record.target_id])
    customers_merges.move_back(merge=record, model=RewardRedemption)
    customers_merges.move_back(merge=record, model=PointsAdjustment)
    customers_merges.move_back(merge=record, model=Surprise)
    merged_mails.separate(merge=record)
    experiments.separate(merge=record)
    if TIER in record.moved:
        before, after = record.moved[TIER]
        tiers.separate(customer=record.target, before=before, after=after, by=by, at=at)


def relatives(*, customer: Customer) -> list[int]:
    """The ids of the customer and of all whom a merge ever joined with them, undone or not: in whose accounts what was
    booked for this person may stand."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT points_relatives(%s)", [customer.pk])
        return [row[0] for row in cursor.fetchall()]


def _carry_tier(record: CustomerMerge, by: Actor, at: datetime) -> None:
    """The higher tier stays, or what both reach together; the record keeps what the target had before and after."""
    before = tiers.remembered(customer=record.target)
    tiers.carry_over(source=record.source, target=record.target, by=by, at=at)
    tiers.reassess(customer=record.target, by=by, at=at)
    after = tiers.remembered(customer=record.target)
    if after != before:
        record.moved[TIER] = [before, after]


def _surprises_only_of(source: Customer, target: Customer) -> QuerySet[Surprise]:
    """But not one that the target has got on the same occasion."""
    had = Surprise.objects.filter(customer=target, rule=OuterRef("rule"), occasion=OuterRef("occasion"))
    return Surprise.objects.filter(~Exists(had), customer=source)


def _in_order(rows: QuerySet[Coupon]) -> QuerySet[Coupon]:
    """Locked by id, as everybody does who locks several."""
    list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    return rows


def _lock_accounts(*customer_ids: int) -> None:
    for customer_id in sorted(customer_ids):
        _call("points_lock_account", customer_id)


def _call(function: str, *arguments: int | str | datetime | list[int]) -> None:
    marks = ", ".join(["%s"] * len(arguments))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({marks})", arguments)
