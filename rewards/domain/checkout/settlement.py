"""Booking what was bought."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from django.db import transaction

from customers.domain import customers, purchases
from customers.models import Customer, Purchase, PurchaseSource, Store, Till
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import coupons, merges, points, surprises, tiers
from rewards.domain.checkout import pricing
from rewards.domain.checkout.refusals import PurchasedInFuture
from rewards.domain.checkout.told import PurchaseIn
from rewards.domain.eligibility import CLOCK_TOLERANCE
from rewards.models import Arm, Coupon, EntryKind, PointsEntry, Program, Surprise


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was booked. `created` is False when the receipt was told before: then it is what was booked then.

    `entry` is the award, `redeemed_entry` what paid with points, `surprises` have a coupon each; `summary` and `tier`
    are of now.
    """

    purchase: Purchase
    created: bool
    entry: PointsEntry | None = None
    redeemed_entry: PointsEntry | None = None
    coupons: Sequence[Coupon] = ()
    surprises: Sequence[Surprise] = ()
    summary: points.PointsSummary | None = None
    tier: tiers.Standing | None = None


@transaction.atomic
def settle(*, purchase: PurchaseIn, store: Store, till: Till | None, by: Actor, at: datetime) -> Settlement:
    """Books a purchase. The same receipt told again books nothing and returns the first result.

    Raises ReceiptConflict, a CouponRefused or a refusal of its offer, InsufficientPoints, PointsExceedAmount,
    PointsWithoutCustomer, PointsOtherCurrency, GiftCardExceedsAmount, TaxExceedsAmount, PurchasedInFuture,
    CustomerMerged or CustomerClosed; then nothing is booked.
    """
    known = _told(purchase, store)
    if known:
        return settled_before(purchase=known, at=at)
    program = Program.objects.current()
    try:
        if purchase.customer:
            customers.refuse_unless_member(customer=purchase.customer)
        if purchase.purchased_at > at + CLOCK_TOLERANCE:
            raise PurchasedInFuture
        priced = pricing.priced(purchase=purchase)
        for refusal in priced.refusals.values():
            raise refusal
        points_value = pricing.points_value(purchase=purchase, left_minor=priced.left_minor, program=program)
        gift_card = pricing.gift_card_value(purchase=purchase, left_minor=priced.left_minor - points_value)
    except DomainError:
        # Another till may have booked this very receipt, and used its coupons, since we looked.
        known = _told(purchase, store)
        if known:
            return settled_before(purchase=known, at=at)
        raise
    recorded, created = purchases.record(
        store=store,
        till=till,
        customer=purchase.customer,
        receipt_number=purchase.receipt_number,
        purchased_at=purchase.purchased_at,
        currency=purchase.currency,
        lines=purchase.lines,
        discounts=priced.line_discounts,
        points_value_minor=points_value,
        gift_card_minor=gift_card,
        source=PurchaseSource.TILL if till else PurchaseSource.STAFF,
        fingerprint=purchase.fingerprint,
        by=by,
        at=at,
    )
    if not created:
        return settled_before(purchase=recorded, at=at)
    return _book(recorded, purchase, priced, program, by, at)


def _told(purchase: PurchaseIn, store: Store) -> Purchase | None:
    """The purchase, if this fact is known already, also by the number of who its customer was before a merge."""
    told = partial(purchases.told, store=store, receipt_number=purchase.receipt_number)
    try:
        return told(fingerprint=purchase.fingerprint)
    except purchases.ReceiptConflict:
        for pk in merges.relatives(customer=purchase.customer) if purchase.customer else ():
            with suppress(purchases.ReceiptConflict):
                return told(fingerprint=replace(purchase, customer=Customer(pk=pk)).fingerprint)
        raise


def _book(
    recorded: Purchase, purchase: PurchaseIn, priced: pricing.Priced, program: Program, by: Actor, at: datetime
) -> Settlement:
    entry = redeemed = summary = tier = None
    reference = f"purchase:{recorded.pk}"
    if purchase.customer and purchase.points_to_redeem:
        redeemed = points.redeem(
            customer=purchase.customer,
            points=purchase.points_to_redeem,
            reference=reference,
            by=by,
            at=at,  # what lapsed by now is gone, however far back the till dates the purchase
        )
    if purchase.customer:
        earned = pricing.earned(
            purchase=purchase,
            priced=priced,
            points_value_minor=recorded.points_value_minor,
            store=recorded.store,
            program=program,
            booking=True,
        )
        if earned.points:
            entry = points.award(
                customer=purchase.customer,
                points=earned.points,
                reference=reference,
                by=by,
                at=purchase.purchased_at,
                breakdown=earned.breakdown,
            )
    if purchase.customer and not entry and not redeemed:
        points.lock(customer=purchase.customer)
    coupons.claim(discounts=priced.found, purchase=recorded, by=by, at=at)
    given = surprises.after_purchase(purchase=recorded, by=by, at=at)
    if purchase.customer:
        tier = tiers.reassess(customer=purchase.customer, by=by, at=at)
        summary = points.summary(customer=purchase.customer, at=at)
    return Settlement(recorded, True, entry, redeemed, tuple(priced.found), tuple(given), summary, tier)


def settled_before(*, purchase: Purchase, at: datetime) -> Settlement:
    """What was booked for a purchase of the past; `summary` is of `at`."""
    by_kind = points.booked(customer=purchase.customer, reference=f"purchase:{purchase.pk}")
    given = Surprise.objects.filter(purchase=purchase, arm=Arm.TREATED).select_related("coupon__offer")
    return Settlement(
        purchase=purchase,
        created=False,
        entry=by_kind.get(EntryKind.AWARD),
        redeemed_entry=by_kind.get(EntryKind.REDEEM),
        coupons=tuple(coupons.redeemed_by(purchase=purchase)),
        surprises=tuple(given.order_by("rule_id")),
        summary=points.summary(customer=purchase.customer, at=at) if purchase.customer else None,
        tier=tiers.standing(customer=purchase.customer, at=at) if purchase.customer else None,
    )
