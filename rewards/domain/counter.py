"""What staff do at the counter, where no till tells the lines of a purchase."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from customers.domain.purchases import LineIn
from customers.models import Category, Customer, Product, Store
from loyalty_site.lib.actors import Actor
from rewards.domain import checkout, redemptions
from rewards.models import RedemptionState, Reward, RewardRedemption

GOODS_SKU = "counter"


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
