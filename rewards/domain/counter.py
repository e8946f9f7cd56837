"""What staff do at the counter, where no till tells the lines of a purchase."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from customers.domain.purchases import LineIn
from customers.models import Category, Customer, Product, Purchase, PurchaseReturn, Store
from loyalty_site.lib.actors import Actor
from rewards.domain import checkout, points, redemptions
from rewards.models import Arm, Coupon, EntryKind, PointsEntry, RedemptionState, Reward, RewardRedemption, Surprise

GOODS_SKU = "counter"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A booked purchase for people, with its `returns`, the newest first.

    `earned` and `redeemed` are points (both positive); `surprises` have a coupon each; `summary` is of now.
    """

    purchase: Purchase
    returns: tuple[PurchaseReturn, ...]
    earned: int
    redeemed: int
    coupons: tuple[Coupon, ...]
    surprises: tuple[Surprise, ...]
    summary: points.PointsSummary | None


def goods(*, category: Category | None, amount_minor: int) -> LineIn:
    """The one line of a purchase of which nothing but an amount is known, and perhaps a category."""
    if category is None:
        return LineIn(GOODS_SKU, "Counter", "", Decimal(1), amount_minor)
    return LineIn(f"{GOODS_SKU}-{category.pk}", category.name, category.code, Decimal(1), amount_minor)


def sell(
    *, purchase: checkout.PurchaseIn, category: Category | None, store: Store, by: Actor, at: datetime
) -> checkout.Settlement:
    """`checkout.settle` for a purchase of `goods`; what stands for them is a product that is never recommended."""
    stand_ins = [
        Product(sku=line.sku, name=line.name, category=category, discontinued_at=at) for line in purchase.lines
    ]
    Product.objects.bulk_create(stand_ins, ignore_conflicts=True)
    return checkout.settle(purchase=purchase, store=store, till=None, by=by, at=at)


@transaction.atomic
def hand_over(
    *, customer: Customer, reward: Reward, cost_points: int, reference: str, by: Actor, at: datetime
) -> RewardRedemption:
    """One reward for points, picked up at once; told again with the same reference, the first one.

    `cost_points` is the price that was shown. Raises what `redemptions.request` raises; then nothing is taken.
    """
    taken = redemptions.request(
        customer=customer, reward=reward, quantity=1, reference=reference, by=by, at=at, cost_points=cost_points
    )
    if taken.state == RedemptionState.REQUESTED:
        redemptions.fulfil(redemption=taken, by=by, at=at)
    return taken


def receipt(*, purchase: Purchase, at: datetime) -> Receipt:
    reference = f"purchase:{purchase.pk}"
    kinds = [EntryKind.AWARD, EntryKind.REDEEM]
    booked = PointsEntry.objects.filter(customer=purchase.customer_id, reference=reference, kind__in=kinds)
    moved = dict(booked.values_list("kind", "points")) if purchase.customer_id else {}
    given = Surprise.objects.filter(purchase=purchase, arm=Arm.TREATED).select_related("coupon__offer")
    return Receipt(
        purchase=purchase,
        returns=tuple(purchase.returns.order_by("-pk")),
        earned=moved.get(EntryKind.AWARD, 0),
        redeemed=-moved.get(EntryKind.REDEEM, 0),
        coupons=tuple(Coupon.objects.filter(purchase=purchase).select_related("offer").order_by("pk")),
        surprises=tuple(given.order_by("rule_id")),
        summary=points.summary(customer=purchase.customer, at=at) if purchase.customer else None,
    )
