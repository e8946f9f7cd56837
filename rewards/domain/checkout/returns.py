"""Taking back what was bought.

Everything is computed on the purchase as it stands, and what earlier returns booked is taken off: however the goods
come back in parts, and in whatever order, they leave what one return of them all would leave.

Points that paid are given back before those earned are taken back. The customer then owes nothing in between, and what
is taken comes from the points that lapse soonest among all. The other way round all other lots would be emptied
first, only to be refilled with points that may lapse sooner. The balance is the same either way: what a claw-back
forgave is recouped from what its purchase's own redemption gives back.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from customers.domain import purchases
from customers.domain.purchases import LineLeft
from customers.models import Customer, Purchase, PurchaseReturn, Store, Till
from loyalty_site.lib.actors import Actor
from rewards.domain import alerts, coupon_redemptions, coupons, earning, points, surprises, tiers
from rewards.domain.checkout.refusals import NothingReturned, ReturnedBeforePurchase, ReturnedInFuture
from rewards.domain.checkout.told import ReturnIn
from rewards.domain.eligibility import CLOCK_TOLERANCE
from rewards.models import AlertKind, Arm, Coupon, CouponRedemption, CouponState, EntryKind, PointsEntry, Surprise


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What was booked. `created` is False when the return was told before: then it is what was booked then.

    `clawed_back` are points that the goods had earned, `reimbursed` points that had paid for them; `coupons` were
    given back because all of the purchase is back; `summary` is of now.
    """

    purchase_return: PurchaseReturn
    created: bool
    clawed_back: PointsEntry | None = None
    reimbursed: PointsEntry | None = None
    coupons: Sequence[Coupon] = ()
    summary: points.PointsSummary | None = None


@transaction.atomic
def take_back(
    *, purchase: Purchase, told: ReturnIn, store: Store, till: Till | None, by: Actor, at: datetime
) -> TakenBack:
    """Books a return; `store` is where the goods came back. The same return told again books nothing and returns the
    first result.

    Takes back the points that the goods earned, by the award's own breakdown, and gives back those that paid for them.
    When all of the purchase is back, quantities and amounts, the coupons that it redeemed are good again, with the
    expiry they had, and what it brought as a surprise is void: points, and a coupon unless it was used. The surprise
    stays one: the rule's count and the cooldown do not go back, so that nobody draws again by bringing goods back.

    Raises ReturnConflict, ReturnLineUnknown, ReturnExceedsPurchase, NothingReturned, ReturnedInFuture or
    ReturnedBeforePurchase; then nothing is booked.
    """
    if till is not None and till.store_id != store.pk:
        raise ValueError("a till tells of its own store only")
    _refuse_nonsense(purchase, told, at)
    made, created = purchases.record_return(
        purchase=purchase,
        store=store,
        return_number=told.return_number,
        returned_at=told.returned_at,
        lines=told.lines,
        fingerprint=told.fingerprint_for(purchase),
        by=by,
        at=at,
    )
    if not created:
        return taken_back(purchase_return=made, at=at)
    reimbursed = clawed_back = summary = None
    lines = purchases.lines_left(purchase=purchase)
    customer = purchase.customer
    if customer:
        customer = points.lock_owner(customer=customer)
        alerts.note_own(kind=AlertKind.OWN_RETURN, fact=f"return:{made.pk}", customer=customer, by=by, at=at)
        reimbursed = _reimburse(customer, made, lines, by, at)
        if _is_all_back(lines):
            surprises.take_back(purchases=[purchase.pk], by=by, at=at)
        clawed_back = _claw_back(customer, made, lines, by, at)
    given_back = _undo_coupons([made], by, at) if _is_all_back(lines) else []
    if customer:
        tiers.reassess(customer=customer, by=by, at=at)
        summary = points.summary(customer=customer, at=at)
    return TakenBack(made, True, clawed_back, reimbursed, tuple(given_back), summary)


def follow(*, returns: Sequence[int], by: Actor, at: datetime) -> None:
    """What is left to do for returns (ids) that were booked in sets, with what they cost in points: gives back points
    that paid, and coupons, as `take_back` does. Their customers' accounts are locked.
    """
    touched = Q(purchase__points_value_minor__gt=0)
    touched |= Q(purchase__coupon_redemptions__isnull=False) | Q(purchase__surprises__arm=Arm.TREATED)
    found = PurchaseReturn.objects.filter(touched, pk__in=returns).select_related("purchase__customer")
    all_back = {}
    for made in found.order_by("returned_at", "pk").distinct():
        lines = purchases.lines_left(purchase=made.purchase)
        if made.purchase.customer:
            _reimburse(made.purchase.customer, made, lines, by, at)
        if _is_all_back(lines):
            all_back[made.purchase_id] = made
    surprises.take_back(purchases=[made.purchase_id for made in all_back.values()], by=by, at=at)
    _undo_coupons(all_back.values(), by, at)


def _refuse_nonsense(purchase: Purchase, told: ReturnIn, at: datetime) -> None:
    if any(line.quantity < 0 or line.amount_minor < 0 for line in told.lines):
        raise ValueError("what comes back cannot be negative")
    if not any(line.quantity or line.amount_minor for line in told.lines):
        raise NothingReturned
    if told.returned_at > at + CLOCK_TOLERANCE:
        raise ReturnedInFuture
    if told.returned_at < purchase.purchased_at - CLOCK_TOLERANCE:
        raise ReturnedBeforePurchase


def taken_back(*, purchase_return: PurchaseReturn, at: datetime) -> TakenBack:
    """What a return that is in the books did then."""
    made = purchase_return
    customer = made.purchase.customer
    by_kind = points.booked(customer=customer, reference=_reference(made))
    again = Coupon.objects.filter(redemptions__purchase_return=made).select_related("offer").order_by("pk")
    return TakenBack(
        purchase_return=made,
        created=False,
        clawed_back=by_kind.get(EntryKind.CLAW_BACK),
        reimbursed=by_kind.get(EntryKind.REIMBURSE),
        coupons=tuple(again),
        summary=points.summary(customer=customer, at=at) if customer else None,
    )


def _reimburse(
    customer: Customer, made: PurchaseReturn, lines: Sequence[LineLeft], by: Actor, at: datetime
) -> PointsEntry | None:
    """The part of the points that paid which the goods back by now make of the whole, without what came back before."""
    paid = _entry(EntryKind.REDEEM, customer, made.purchase)
    if paid is None:
        return None
    net = sum(line.net_minor for line in lines)
    back = net - sum(line.net_left_minor for line in lines)
    due = -paid.points * back // net - _asked_before(paid, EntryKind.REIMBURSE)
    if due <= 0:
        return None
    return points.reimburse(entry=paid, points=due, reference=_reference(made), by=by, at=at)


def _claw_back(
    customer: Customer, made: PurchaseReturn, lines: Sequence[LineLeft], by: Actor, at: datetime
) -> PointsEntry | None:
    award = _entry(EntryKind.AWARD, customer, made.purchase)
    if award is None:
        return None
    due = award.points - _points_left(award, lines) - _asked_before(award, EntryKind.CLAW_BACK)
    if due <= 0:
        return None
    return points.claw_back(entry=award, points=due, reference=_reference(made), by=by, at=at)


def _points_left(award: PointsEntry, lines: Sequence[LineLeft]) -> int:
    """An award without a breakdown was not computed here: it goes with the amount."""
    if award.breakdown is None:
        net = sum(line.net_minor for line in lines)
        return award.points * sum(line.net_left_minor for line in lines) // net if net else 0
    return earning.points_left(
        breakdown=award.breakdown,
        lines=[earning.Line(line.amount_minor, line.discount_minor, tax_minor=line.tax_minor) for line in lines],
        returned={line.position: line.returned_minor for line in lines},
    )


def _entry(kind: EntryKind, customer: Customer, purchase: Purchase) -> PointsEntry | None:
    return points.booked(customer=customer, reference=f"purchase:{purchase.pk}").get(kind)


def _asked_before(entry: PointsEntry, kind: EntryKind) -> int:
    """What earlier returns asked for, whether or not there was that much to take."""
    corrections = entry.corrections.filter(kind=kind).values_list("points", "breakdown")
    return sum((breakdown or {}).get("asked", abs(booked)) for booked, breakdown in corrections)


def _undo_coupons(returns: Collection[PurchaseReturn], by: Actor, at: datetime) -> list[Coupon]:
    """Of purchases of which all is back: gives back, and returns, what they redeemed; makes void what they brought."""
    last: dict[int | None, PurchaseReturn] = {made.purchase_id: made for made in returns}
    gifts = Surprise.objects.filter(purchase__in=last, coupon__isnull=False)
    brought = dict(gifts.values_list("coupon", "purchase"))
    used = {one: last[one.purchase_id] for one in CouponRedemption.objects.filter(purchase__in=last)}
    touched = Coupon.objects.filter(pk__in=[*brought, *(one.coupon_id for one in used)])
    list(touched.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    given = coupon_redemptions.give_back(redemptions=used, by=by, at=at)
    causes = {pk: last[purchase] for pk, purchase in brought.items()}
    causes |= {
        one.coupon_id: made
        for one, made in used.items()
        if coupon_redemptions.is_without_cause(coupon_id=one.coupon_id)
    }
    for coupon in touched.filter(pk__in=causes, state=CouponState.ISSUED).order_by("pk"):
        coupons.void(coupon=coupon, reason=_reference(causes[coupon.pk]), by=by, at=at)
    return given


def _is_all_back(lines: Sequence[LineLeft]) -> bool:
    return all(line.is_all_back for line in lines)


def _reference(made: PurchaseReturn) -> str:
    return f"return:{made.pk}"
