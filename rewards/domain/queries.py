"""What pages show of points, coupons and rewards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Greatest

from customers.models import Customer
from rewards.models import Coupon, CouponState, PointsEntry, RedemptionState, Reward, RewardRedemption, Surprise

# PostgreSQL's greatest takes no notice of what is empty.
_BEGINS = Greatest("starts_at", "offer__valid_from", "offer__published_at")


def available_coupons(*, customer: Customer, at: datetime) -> list[Coupon]:
    """The customer's coupons that a till would take now, those that expire first before the others."""
    open_ended = Q(offer__valid_to__isnull=True) | Q(offer__valid_to__gt=at)
    not_withdrawn = Q(offer__withdrawn_at__isnull=True) | Q(offer__withdrawn_at__gt=at)
    not_expired = Q(expires_at__isnull=True) | Q(expires_at__gt=at)
    room = Q(offer__redemptions_max__isnull=True) | Q(offer__redemptions_max__gt=F("offer__redeemed_count"))
    has_started = Q(starts_at__isnull=True) | Q(starts_at__lte=at)
    usable = Coupon.objects.filter(
        open_ended,
        not_withdrawn,
        not_expired,
        has_started,
        room,
        customer=customer,
        state=CouponState.ISSUED,
        offer__published_at__lte=at,
        offer__valid_from__lte=at,
    )
    return list(usable.select_related("offer", "surprise__rule").order_by(F("expires_at").asc(nulls_last=True), "pk"))


def coming_coupons(*, customer: Customer, at: datetime) -> list[Coupon]:
    """The customer's coupons that no till would take yet, those that begin first before the others; `good_from` is
    when they begin, by themselves or with their offer."""
    coming = Coupon.objects.annotate(good_from=_BEGINS).filter(
        Q(offer__valid_to__isnull=True) | Q(offer__valid_to__gt=F("good_from")),
        Q(expires_at__isnull=True) | Q(expires_at__gt=F("good_from")),
        customer=customer,
        state=CouponState.ISSUED,
        good_from__gt=at,
        offer__published_at__isnull=False,
        offer__withdrawn_at__isnull=True,
    )
    return list(coming.select_related("offer", "surprise__rule").order_by("good_from", "pk"))


def points_surprises(*, customer: Customer, since: datetime) -> list[Surprise]:
    """What the customer was surprised with in points, the newest first."""
    given = Surprise.objects.filter(customer=customer, points_entry__isnull=False, happened_at__gte=since)
    return list(given.select_related("rule", "points_entry").order_by("-happened_at", "-pk"))


def past_coupons(*, customer: Customer, at: datetime, limit: int) -> list[Coupon]:
    """Redeemed, void and expired ones, newest first; `redeemed_at` is when they were last."""
    over = _dated_coupons().filter(~Q(state=CouponState.ISSUED) | Q(expires_at__lte=at), customer=customer)
    return list(over.order_by("-pk")[:limit])


def own_coupons(*, customer: Customer) -> QuerySet[Any]:
    """Those of the customer, good or not; `redeemed_at` is when they were last, `good_from` when they begin."""
    return _dated_coupons().filter(customer=customer).annotate(good_from=_BEGINS)


def _dated_coupons() -> QuerySet[Coupon]:
    stands = Q(redemptions__rolled_back_at__isnull=True)
    dated = Coupon.objects.annotate(redeemed_at=Max("redemptions__redeemed_at", filter=stands))
    return dated.select_related("offer", "surprise__rule")


def catalogue(*, at: datetime) -> list[Reward]:
    """The rewards on offer, the cheapest first."""
    offered = Reward.objects.filter(Q(offered_to__isnull=True) | Q(offered_to__gt=at), offered_from__lte=at)
    return list(offered.order_by("cost_points", "pk"))


def pending_redemptions(*, customer: Customer) -> list[RewardRedemption]:
    """What waits to be picked up, the oldest first."""
    waiting = RewardRedemption.objects.filter(customer=customer, state=RedemptionState.REQUESTED)
    return list(waiting.select_related("reward").order_by("requested_at", "pk"))


def ledger_page(*, customer: Customer, before_seq: int | None = None, limit: int) -> list[PointsEntry]:
    """Entries, newest first, from the one numbered before `before_seq` on."""
    entries = PointsEntry.objects.filter(customer=customer.pk)
    if before_seq is not None:
        entries = entries.filter(seq__lt=before_seq)
    return list(entries.order_by("-seq")[:limit])


@dataclass(frozen=True, slots=True)
class PointsDay:
    """One day of the programme's calendar: points awarded, redeemed (positive), and outstanding when it ended."""

    day: date
    awarded: int
    redeemed: int
    outstanding: int


def points_by_day(*, first: date, last: date) -> Sequence[PointsDay]:
    """Every day from `first` to `last`, by when things happened; days without bookings too.

    What lapses at midnight lapses on the day that ends.
    """
    with connection.cursor() as cursor:
        cursor.execute(_POINTS_BY_DAY, {"first": first, "last": last})
        return list(_days(cursor.fetchall()))


def _days(rows: Sequence[tuple[date | None, int, int, int]]) -> Iterator[PointsDay]:
    outstanding = 0
    for day, awarded, redeemed, moved in rows:
        outstanding += moved
        if day:
            yield PointsDay(day, awarded, redeemed, outstanding)


# The row before the first day (without a day) brings everything that happened earlier.
_POINTS_BY_DAY = """
    WITH entry AS (
        SELECT (happened.at AT TIME ZONE terms.timezone)::date AS day, kind, points
        FROM rewards_pointsentry CROSS JOIN points_terms() AS terms
        CROSS JOIN LATERAL (
            SELECT happened_at - (kind = 'EXPIRE')::int * interval '1 microsecond' AS at
        ) AS happened
        WHERE happened.at < ((%(last)s::date + 1)::timestamp AT TIME ZONE terms.timezone)
    ), moved AS (
        SELECT CASE WHEN day >= %(first)s THEN day END AS day,
               coalesce(sum(points) FILTER (WHERE kind = 'AWARD'), 0)::bigint AS awarded,
               coalesce(-sum(points) FILTER (WHERE kind = 'REDEEM'), 0)::bigint AS redeemed,
               sum(points)::bigint AS points
        FROM entry GROUP BY 1
    )
    SELECT calendar.day, coalesce(awarded, 0), coalesce(redeemed, 0), coalesce(points, 0)
    FROM (SELECT NULL::date AS day
          UNION ALL
          SELECT day::date FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS day) AS calendar
    LEFT JOIN moved ON moved.day IS NOT DISTINCT FROM calendar.day
    ORDER BY calendar.day NULLS FIRST
"""
