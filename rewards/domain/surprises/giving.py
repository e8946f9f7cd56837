"""Surprises are given, each once, whoever looks at the same moment; those of purchases that come back are void."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Coalesce

from customers.domain import purchases
from customers.models import Customer, Purchase
from loyalty_site.lib import statements
from loyalty_site.lib.actors import Actor
from rewards.domain import coupons, experiments, offers, points
from rewards.domain.surprises import wording
from rewards.models import (
    Arm,
    Coupon,
    DrawOutcome,
    PointsEntry,
    Surprise,
    SurpriseDraw,
    SurpriseRule,
    Trigger,
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a rule may surprise a customer for. `purchase` is the one that led to it, if one did."""

    customer: Customer
    name: str
    happened_at: datetime
    purchase: Purchase | None = None


def after_purchase(*, purchase: Purchase, by: Actor, at: datetime, may_fit: bool = True) -> list[Surprise]:
    """Lets every rule that shows at the till look at a purchase of a customer, the highest priority first; returns what
    it gave, the same again when it has looked before.

    A rule fits when it was active at the purchase, its offer is live now, and nothing speaks against it: see
    SurpriseRule. Who is held out gets a row without a gesture, and is counted by cooldown, quiet days and the times a
    customer all the same. Locks the account, then rules in their order. `may_fit` is false where the caller knows that
    no rule could. Raises CustomerMerged, CustomerClosed.
    """
    return _looked_at(purchase, by, at) if may_fit and purchase.customer else []


@transaction.atomic
def _looked_at(purchase: Purchase, by: Actor, at: datetime) -> list[Surprise]:
    assert purchase.customer is not None
    fitting = statements.rows("SELECT rule_id, occasion FROM surprises_at_till(%s)", (purchase.pk,))
    if not fitting:
        return []
    points.lock(customer=purchase.customer)
    rules = SurpriseRule.objects.select_related("offer", "experiment").in_bulk([pk for pk, _ in fitting])
    looks = (
        give(rule=rules[pk], occasion=Occasion(purchase.customer, name, purchase.purchased_at, purchase), by=by, at=at)
        for pk, name in fitting
    )
    return [surprise for surprise in looks if surprise and surprise.arm == Arm.TREATED]


def give(*, rule: SurpriseRule, occasion: Occasion, by: Actor, at: datetime) -> Surprise | None:
    """What the rule gives, or that the customer is held out: None where something speaks against it.

    The caller holds the account's lock, so that no two tills or workers find the same cooldown over. The rule's row is
    locked from then on when it gives something.
    """
    if not is_live(rule=rule, at=at):
        return None
    if rule.trigger == Trigger.RANDOM_DRAW:
        return _drawn(rule, occasion, by, at)
    return _decide(rule, occasion, by, at)[1]


def _drawn(rule: SurpriseRule, occasion: Occasion, by: Actor, at: datetime) -> Surprise | None:
    """What came of the lot before stays, whatever else is bought that day, unless all of that had come back by then."""
    lot = int(occasion.name.removeprefix("purchase:"))
    draws = SurpriseDraw.objects.filter(rule=rule).alias(drawn_by=Coalesce("lot", "purchase"))
    if draws.filter(drawn_by=lot).exclude(outcome=DrawOutcome.RETURNED).exists():
        return _known(rule, occasion)
    outcome, surprise = _decide(rule, occasion, by, at)
    if outcome:
        draw = SurpriseDraw(rule=rule, purchase=occasion.purchase, lot_id=lot, outcome=outcome, decided_at=at)
        SurpriseDraw.objects.bulk_create([draw], ignore_conflicts=True)
    return surprise


def _decide(
    rule: SurpriseRule, occasion: Occasion, by: Actor, at: datetime
) -> tuple[DrawOutcome | None, Surprise | None]:
    values = (rule.pk, occasion.customer.pk, occasion.name, occasion.happened_at)
    ((refusal,),) = statements.rows("SELECT surprises_refusal(%s, %s, %s, %s)", values)
    if refusal == "KNOWN":
        return None, _known(rule, occasion)
    if refusal:
        return DrawOutcome(refusal), None
    if occasion.purchase and _is_all_back(occasion.purchase):
        return DrawOutcome.RETURNED, None
    since = max(at, occasion.happened_at)
    assigned = experiments.assign(
        experiment=rule.experiment, customer=occasion.customer, occasion=occasion.name, at=since
    )
    if assigned.arm == Arm.HOLDOUT:
        return DrawOutcome.HOLDOUT, _recorded(rule, occasion, Arm.HOLDOUT, at)
    ((has_spent,),) = statements.rows("SELECT surprises_spend(%s, %s)", (rule.pk, at))
    if not has_spent:
        return DrawOutcome.NOTHING_LEFT, None
    coupon, entry = _gesture(rule, occasion, by, at)
    return DrawOutcome.GIVEN, _recorded(rule, occasion, Arm.TREATED, at, coupon, entry)


def _known(rule: SurpriseRule, occasion: Occasion) -> Surprise | None:
    """What was given before, for this very purchase: another one may have been the same visit's number."""
    known = Surprise.objects.filter(rule=rule, customer=occasion.customer, occasion=occasion.name)
    found = known.filter(purchase=occasion.purchase).select_related("coupon__offer", "points_entry").first()
    if found:
        found.rule = rule
    return found


def _gesture(
    rule: SurpriseRule, occasion: Occasion, by: Actor, at: datetime
) -> tuple[Coupon | None, PointsEntry | None]:
    customer = occasion.customer
    reference = f"surprise:{rule.pk}:{customer.pk}:{occasion.name}"
    if rule.offer:
        return coupons.issue(offer=rule.offer, customer=customer, reference=reference, by=by, at=at), None
    assert rule.points is not None
    reason = wording.title_of(rule, customer.language)
    return None, points.award(customer=customer, points=rule.points, reference=reference, reason=reason, by=by, at=at)


def _recorded(
    rule: SurpriseRule,
    occasion: Occasion,
    arm: Arm,
    at: datetime,
    coupon: Coupon | None = None,
    entry: PointsEntry | None = None,
) -> Surprise:
    return Surprise.objects.create(
        rule=rule,
        customer=occasion.customer,
        occasion=occasion.name,
        arm=arm,
        happened_at=occasion.happened_at,
        decided_at=at,
        purchase=occasion.purchase,
        coupon=coupon,
        points_entry=entry,
        cost_minor=rule.cost_minor if arm == Arm.TREATED else 0,
    )


def is_live(*, rule: SurpriseRule, at: datetime) -> bool:
    """Whether its offer can be issued at this moment."""
    try:
        if rule.offer:
            offers.refuse_unless_live(offer=rule.offer, at=at)
    except (offers.OfferNotLive, offers.OfferWithdrawn):
        return False
    return True


def _is_all_back(purchase: Purchase) -> bool:
    """It came back before anybody looked at it, as happens to what the timetable looks at."""
    return purchase.returns.exists() and all(line.is_all_back for line in purchases.lines_left(purchase=purchase))


def take_back(*, purchases: Collection[int], by: Actor, at: datetime) -> None:
    """Takes back the points that these purchases (ids) brought as surprises, because all of them came back. Coupons are
    made void by their own return. The surprise stays one: nobody draws again by bringing goods back.
    """
    given = (
        Surprise.objects.filter(purchase__in=purchases, points_entry__isnull=False)
        .select_related("points_entry")
        .order_by("customer", "pk")
    )
    for surprise in given:
        entry = surprise.points_entry
        assert entry is not None
        points.claw_back(entry=entry, points=entry.points, reference=f"surprise:{surprise.pk}", by=by, at=at)
