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
from rewards.domain import coupon_redemptions, earning, merges, points, surprises, tiers
from rewards.domain.checkout import booking, pricing
from rewards.domain.checkout import facts as checkout_facts
from rewards.domain.checkout.refusals import PurchasedInFuture
from rewards.domain.checkout.told import PurchaseIn
from rewards.domain.eligibility import CLOCK_TOLERANCE
from rewards.models import Arm, CouponRedemption, EntryKind, PointsEntry, Surprise


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was booked. `created` is False when the receipt was told before: then it is what was booked then.

    `entry` is the award, `redeemed_entry` what paid with points, `coupons` their uses, `surprises` those that show at
    the till; `summary` and `tier` are of now.
    """

    purchase: Purchase
    created: bool
    entry: PointsEntry | None = None
    redeemed_entry: PointsEntry | None = None
    coupons: Sequence[CouponRedemption] = ()
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
    facts = checkout_facts.read(purchase=purchase, store=store)
    known = _told(purchase, store) if facts.is_told else None
    if known:
        return settled_before(purchase=known, at=at)
    program = facts.terms.program
    if purchase.customer:
        customers.refuse_unless_member(customer=purchase.customer)
    if purchase.purchased_at > at + CLOCK_TOLERANCE:
        raise PurchasedInFuture
    priced = pricing.priced(purchase=purchase, store=store, booking=facts)
    for refusal in priced.refusals.values():
        raise refusal
    points_value = pricing.points_value(purchase=purchase, left_minor=priced.left_minor, program=program)
    gift_card = pricing.gift_card_value(purchase=purchase, left_minor=priced.left_minor - points_value)
    if facts.may_draw and purchase.customer:
        surprises.tell_in_turn(customer=purchase.customer)
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
        products={sku: product for sku, (product, _) in facts.products.items()},
    )
    if not created:
        return settled_before(purchase=recorded, at=at)
    earned = earning.Earned(0, reason="no_customer")
    if purchase.customer:
        earned = pricing.earned(
            purchase=purchase,
            priced=priced,
            points_value_minor=points_value,
            store=store,
            program=program,
            booking=facts,
        )
    for refusal in priced.refusals.values():
        raise refusal
    booked = booking.book(
        purchase=recorded,
        redeem=purchase.points_to_redeem,
        earned=earned,
        priced=priced,
        facts=facts,
        by=by,
        at=at,
    )
    return Settlement(
        purchase=recorded,
        created=True,
        entry=booked.awarded,
        redeemed_entry=booked.redeemed,
        coupons=tuple(booked.coupons),
        surprises=tuple(booked.surprises),
        summary=booked.summary,
        tier=booked.tier,
    )


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


def settled_before(*, purchase: Purchase, at: datetime) -> Settlement:
    """What was booked for a purchase of the past; `summary` is of `at`."""
    by_kind = points.booked(customer=purchase.customer, reference=f"purchase:{purchase.pk}")
    given = Surprise.objects.filter(purchase=purchase, arm=Arm.TREATED, rule__at_till=True)
    given = given.select_related("rule__offer", "coupon__offer", "points_entry")
    return Settlement(
        purchase=purchase,
        created=False,
        entry=by_kind.get(EntryKind.AWARD),
        redeemed_entry=by_kind.get(EntryKind.REDEEM),
        coupons=tuple(coupon_redemptions.redeemed_in(purchase=purchase)),
        surprises=tuple(given.order_by("-rule__priority", "rule_id")),
        summary=points.summary(customer=purchase.customer, at=at) if purchase.customer else None,
        tier=tiers.standing(customer=purchase.customer, at=at) if purchase.customer else None,
    )
