"""What pages show of points, coupons and rewards."""

from datetime import datetime
from typing import Any

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
