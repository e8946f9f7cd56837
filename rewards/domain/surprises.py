"""Small unexpected thank-yous: who gets one is decided and recorded before anybody knows whether it helps."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from customers.models import Customer, Purchase
from loyalty_site.lib.actors import Actor
from rewards.domain import coupons, experiments, offers, points
from rewards.models import Arm, Surprise, SurpriseRule, Trigger


def after_purchase(*, purchase: Purchase, by: Actor, at: datetime, may_fit: bool = True) -> list[Surprise]:
    """Lets every rule look at a purchase of a customer; returns what it gave, the same again when it has looked before.

    A rule fits when it was active at the purchase, its offer is live now, more than its threshold was paid in the
    offer's currency, its limit leaves one, and it did not fit the customer within the cooldown. Who is held out gets a
    row without a coupon, and the cooldown too: both arms are counted alike. Locks the account, then rules by id.
    `may_fit` is false where the caller knows that no rule is active.
    """
    return _looked_at(purchase, by, at) if may_fit and purchase.customer else []


@transaction.atomic
def _looked_at(purchase: Purchase, by: Actor, at: datetime) -> list[Surprise]:
    assert purchase.customer is not None
    fitting = [rule for rule in _rules_for(purchase) if _is_live(rule, at)]
    if fitting:
        points.lock(customer=purchase.customer)
    given = (_look(rule, purchase.customer, purchase, by, at) for rule in fitting)
    return [surprise for surprise in given if surprise and surprise.arm == Arm.TREATED]


def _rules_for(purchase: Purchase) -> list[SurpriseRule]:
    active = Q(active_to__isnull=True) | Q(active_to__gt=purchase.purchased_at)
    active &= Q(activated_at__lte=purchase.purchased_at, ended_at__isnull=True, at_till=True)
    fitting = SurpriseRule.objects.filter(
        active,
        active_from__lte=purchase.purchased_at,
        trigger=Trigger.PURCHASE_OVER,
        threshold_minor__lt=purchase.paid_minor,
        offer__currency=purchase.currency,
    )
    return list(fitting.select_related("offer", "experiment").order_by("pk"))


def _is_live(rule: SurpriseRule, at: datetime) -> bool:
    assert rule.offer is not None
    try:
        offers.refuse_unless_live(offer=rule.offer, at=at)
    except (offers.OfferNotLive, offers.OfferWithdrawn):
        return False
    return True


def _look(rule: SurpriseRule, customer: Customer, purchase: Purchase, by: Actor, at: datetime) -> Surprise | None:
    """With the account locked, so that two tills cannot both find the cooldown over."""
    occasion = f"purchase:{purchase.pk}"
    before = Surprise.objects.filter(rule=rule, customer=customer)
    known = before.filter(occasion=occasion).select_related("coupon").first()
    if known:
        return known
    cooldown = timedelta(days=rule.cooldown_days)
    nearby = (purchase.purchased_at - cooldown, purchase.purchased_at + cooldown)
    if before.filter(happened_at__gt=nearby[0], happened_at__lt=nearby[1]).exists():
        return None
    if not _left(rule).exists():
        return None
    since = max(at, purchase.purchased_at)
    arm = experiments.assign(experiment=rule.experiment, customer=customer, occasion=occasion, at=since).arm
    coupon = None
    assert rule.offer is not None
    if arm == Arm.TREATED:
        if not _left(rule).update(given_count=F("given_count") + 1):
            return None
        reference = f"surprise:{rule.pk}:{occasion}"
        coupon = coupons.issue(offer=rule.offer, customer=customer, reference=reference, by=by, at=at)
    return Surprise.objects.create(
        rule=rule,
        customer=customer,
        occasion=occasion,
        arm=arm,
        happened_at=purchase.purchased_at,
        decided_at=at,
        purchase=purchase,
        coupon=coupon,
    )


def _left(rule: SurpriseRule) -> QuerySet[SurpriseRule]:
    """The rule while it has one to give; who is held out counts only as long."""
    return SurpriseRule.objects.filter(Q(issued_max__isnull=True) | Q(issued_max__gt=F("given_count")), pk=rule.pk)
