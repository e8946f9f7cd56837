"""What staff undo at the counter: purchases that come back, and what they have just done by mistake.

What would come of it is found out by doing it and rolling it back, so that it is shown as it will be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, Sum

from customers.domain import purchases
from customers.domain.purchases import LineLeft, ReturnLineIn
from customers.models import Purchase, PurchaseReturn, PurchaseReturnLine, PurchaseSource, Store
from loyalty_site.lib.actors import Actor
from rewards.domain import checkout, coupon_redemptions, points, redemptions
from rewards.models import CouponRedemption, RedemptionState, RewardRedemption

UNDO_FOR = timedelta(minutes=15)
# A purchase is dated when its page was opened, at most so long before it was booked.
PAGE_OPEN_FOR = timedelta(hours=1)
# Rewards that were taken and handed over at the counter have references that begin so.
COUNTER = "counter:"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A return: what it does to points and coupons, and what is paid back in minor units of the purchase's currency."""

    taken: checkout.TakenBack
    refund_minor: int


def everything_left(*, purchase: Purchase) -> list[ReturnLineIn]:
    """What has not come back yet; empty when all has."""
    return [
        ReturnLineIn(line.position, line.quantity - line.returned_quantity, line.amount_minor - line.returned_minor)
        for line in purchases.lines_left(purchase=purchase)
        if not line.is_all_back
    ]


def foretell(*, purchase: Purchase, told: checkout.ReturnIn, store: Store, by: Actor, at: datetime) -> Outcome:
    """What `checkout.take_back` would do; nothing is booked. Raises what it raises."""
    with transaction.atomic():
        taken = checkout.take_back(purchase=purchase, told=told, store=store, till=None, by=by, at=at)
        outcome = Outcome(taken, _refund_minor(taken))
        transaction.set_rollback(True)
    return outcome


def foretell_cancelled(*, redemption: RewardRedemption, by: Actor, at: datetime) -> points.PointsSummary:
    """The customer's points as they would be after `undo_reward`; nothing is booked."""
    with transaction.atomic():
        undo_reward(redemption=RewardRedemption.objects.get(pk=redemption.pk), by=by, at=at)
        summary = points.summary(customer=redemption.customer, at=at)
        transaction.set_rollback(True)
    return summary


def outcome(*, purchase_return: PurchaseReturn, at: datetime) -> Outcome:
    """What a return that is in the books did; the points are of now."""
    taken = checkout.taken_back(purchase_return=purchase_return, at=at)
    return Outcome(taken, _refund_minor(taken))


def last_act(*, store: Store, by: Actor, at: datetime) -> Purchase | RewardRedemption | CouponRedemption | None:
    """The last of what they did: purchases that they booked in the store, rewards that they handed over for points,
    gifts of coupons. None when it is undone already or was too long ago: gifts, of which there are no returns, on
    another day of the store's, all else for 15 minutes."""
    bought, taken, gift = _last_purchase(store, by, at), _last_reward(by, at), _last_gift(store, by, at)
    if gift and all(gift.redeemed_at > moment for moment in _moments(bought, taken)):
        return gift if gift.rolled_back_at is None else None
    if taken and (bought is None or taken.requested_at > bought.recorded_at):
        return taken if taken.state == RedemptionState.FULFILLED else None
    return bought if bought and everything_left(purchase=bought) else None


@transaction.atomic
def undo_reward(*, redemption: RewardRedemption, by: Actor, at: datetime) -> None:
    """The reward comes back to the store, its points to the customer. Raises RedemptionCancelled.

    Locks the account, then the redemption.
    """
    points.lock_owner(customer=redemption.customer)
    redemptions.undo_hand_over(redemption=redemption, by=by, at=at)
    redemptions.cancel(redemption=redemption, by=by, at=at)


def _moments(bought: Purchase | None, taken: RewardRedemption | None) -> list[datetime]:
    return ([bought.recorded_at] if bought else []) + ([taken.requested_at] if taken else [])


def _last_purchase(store: Store, by: Actor, at: datetime) -> Purchase | None:
    """Found along the index of when things were bought."""
    recent = Purchase.objects.filter(purchased_at__gte=at - UNDO_FOR - PAGE_OPEN_FOR, source=PurchaseSource.STAFF)
    own = recent.filter(store=store, recorded_by=str(by), recorded_at__gte=at - UNDO_FOR)
    return own.select_related("customer", "store").order_by("-recorded_at", "-pk").first()


def _last_reward(by: Actor, at: datetime) -> RewardRedemption | None:
    """Found along the index of what is handed over."""
    states = [RedemptionState.FULFILLED, RedemptionState.CANCELLED]
    own = RewardRedemption.objects.filter(
        state__in=states, requested_at__gte=at - UNDO_FOR, reference__startswith=COUNTER, closed_by=str(by)
    )
    return own.select_related("reward", "customer").order_by("-requested_at", "-pk").first()


def _last_gift(store: Store, by: Actor, at: datetime) -> CouponRedemption | None:
    """Found along the index of gifts handed over."""
    midnight = at.astimezone(ZoneInfo(store.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    mine = {"redeemed_by": str(by), "redeemed_at__gte": min(midnight, at - UNDO_FOR)}
    handed = coupon_redemptions.with_coupons().filter(purchase__isnull=True, **mine)
    return handed.order_by("-redeemed_at", "-pk").first()


def _refund_minor(taken: checkout.TakenBack) -> int:
    """The goods at what they cost after coupons, without the part that points had paid."""
    made = taken.purchase_return
    bought = purchases.lines_left(purchase=made.purchase)
    before, after = (_net_left(bought, made, limit) for limit in (Q(purchase_return__lt=made.pk), Q()))
    given = taken.reimbursed
    asked = (given.breakdown or {}).get("asked", given.points) if given else 0
    redeemed = -given.corrects.points if given and given.corrects else 0
    by_points = made.purchase.points_value_minor * asked // redeemed if redeemed else 0
    return before - after - by_points


def _net_left(bought: Sequence[LineLeft], made: PurchaseReturn, limit: Q) -> int:
    """What of the lines had not come back, before `made` or with it."""
    rows = PurchaseReturnLine.objects.filter(
        limit, purchase_return__purchase=made.purchase_id, purchase_return__lte=made.pk
    )
    sums = rows.values_list("line__position").annotate(Sum("quantity"), Sum("amount_minor"))
    back = {position: (quantity, amount) for position, quantity, amount in sums}
    return sum(
        LineLeft(
            line.position,
            line.quantity,
            line.amount_minor,
            line.discount_minor,
            *back.get(line.position, (Decimal(0), 0)),
        ).net_left_minor
        for line in bought
    )
