"""Coupons: whether one is good, keeping one for a while, and gifts handed over without a purchase."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone
from ninja import Router

from customers.api import calls
from customers.api.calls import TillRequest
from customers.domain import customers
from customers.models import Customer, Store, TillScope
from loyalty_site.lib import actors
from loyalty_site.lib.api.fields import Code
from loyalty_site.lib.api.problems import Problem
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.texts import localized
from rewards.api import guesses, shapes
from rewards.domain import checkout, coupon_holds, coupon_redemptions, coupon_refusals, coupons, offer_words
from rewards.domain.checkout import PurchaseIn
from rewards.models import Coupon
from rewards.schemas.shown import CouponCheckOut, CouponHoldOut, CouponRedeemedOut, CouponRedemptionOut
from rewards.schemas.told import CouponCheckIn, CouponHoldIn, CouponRedeemIn, Nothing, RollBackIn

router = Router(tags=["coupons"])


@calls.post(router, "/coupons/{code}/check", gives=CouponCheckOut, scope=TillScope.READ, guesses=guesses.IN_ADDRESS)
def check_coupon(request: TillRequest, code: Code, told: CouponCheckIn | None = None) -> CouponCheckOut:
    """Whether a till would take the coupon, for this basket and customer; nothing is booked."""
    told, now, by = told or CouponCheckIn(), timezone.now(), actors.till(request.auth.pk)
    owner = _customer(told.customer)
    with calls.texts_for(request, owner):
        try:
            found = coupons.find(text=code)
        except coupons.CouponRefused as error:
            return _checked(None, code, refusal=error)
        if not told.lines:
            refusal = coupons.refusal_before_purchase(
                coupon=found, customer=owner, store=request.auth.store, at=told.purchased_at or now
            )
            if refusal is None and coupon_holds.kept_for_others(coupons=[found], customer=owner, by=by, at=now):
                refusal = coupons.refusal_for("coupon_held", found)
            return _judged(request, found, code, refusal, now)
        quoted = checkout.quote(
            purchase=_basket(told, owner, code, request.auth.store, now), store=request.auth.store, by=by, at=now
        )
        refusal = next(iter(quoted.refusals.values()), None)
        return _judged(request, found, code, refusal, now, discount_minor=quoted.discount_minor)


@calls.post(
    router, "/coupons/{code}/redeem", gives=CouponRedeemedOut, status=201, is_atomic=True, guesses=guesses.IN_ADDRESS
)
def redeem_coupon(request: TillRequest, code: Code, told: CouponRedeemIn | None = None) -> CouponRedeemedOut:
    """For a gift that is handed over without a purchase. A coupon that takes something off belongs into a purchase."""
    now, store, by = timezone.now(), request.auth.store, actors.till(request.auth.pk)
    owner = _customer(told.customer if told else None)
    with _unknown_is_not_found():
        found = coupons.find(text=code)
    with coupon_refusals.counted(store=store, at=now):
        used = coupon_redemptions.redeem(coupon=found, customer=owner, store=store, by=by, at=now)
    with calls.texts_for(request, owner):
        return CouponRedeemedOut(
            id=str(used.pk),
            coupon=found.display_code,
            title=localized(found.offer.title),
            kind=found.offer.kind.lower(),
            redeemed_at=used.redeemed_at,
        )


@calls.post(router, "/coupons/{code}/hold", gives=CouponHoldOut, status=201, is_atomic=True, guesses=guesses.IN_ADDRESS)
def hold_coupon(request: TillRequest, code: Code, told: CouponHoldIn) -> CouponHoldOut:
    """Nobody else can have this use of the coupon for that long; then it is free again by itself.

    A hold that this till made, unless for another customer, or that anybody made for this customer, is held on; a
    redemption or a purchase by them captures it.
    """
    now = timezone.now()
    with _unknown_is_not_found():
        found = coupons.find(text=code)
    owner, ttl = _customer(told.customer), timedelta(seconds=told.seconds)
    store, by = request.auth.store, actors.till(request.auth.pk)
    with coupon_refusals.counted(store=store, at=now):
        kept = coupon_holds.hold(coupon=found, customer=owner, store=store, ttl=ttl, by=by, at=now)
    return shapes.coupon_hold(kept, at=now)


@calls.post(router, "/coupon-holds/{id}/release", gives=CouponHoldOut)
def release_coupon_hold(request: TillRequest, id: Code, told: Nothing | None = None) -> CouponHoldOut:  # noqa: A002
    """Lets others have the coupon. Told again it is answered the same."""
    now = timezone.now()
    return shapes.coupon_hold(coupon_holds.release(hold=coupon_holds.by_id(text=id), at=now), at=now)


@calls.post(router, "/coupon-redemptions/{id}/rollback", gives=CouponRedemptionOut)
def roll_back_redemption(request: TillRequest, id: Code, told: RollBackIn | None = None) -> CouponRedemptionOut:  # noqa: A002
    """A gift that a till of this store handed over comes back: its coupon is good again, and no longer counts in its
    offer's limits. Told again it is answered the same. What a purchase redeemed comes back with its goods instead."""
    used = coupon_redemptions.made_at(store=request.auth.store, text=id)
    reason = told.reason if told else ""
    coupon_redemptions.roll_back(redemption=used, reason=reason, by=actors.till(request.auth.pk), at=timezone.now())
    return shapes.coupon_redemption(used)


def _customer(number: str | None) -> Customer | None:
    return customers.by_number(number=number) if number is not None else None


def _basket(told: CouponCheckIn, owner: Customer | None, code: str, store: Store, now: datetime) -> PurchaseIn:
    return PurchaseIn(
        receipt_number="",
        customer=owner,
        purchased_at=told.purchased_at or now,
        currency=told.currency or store.currency,
        lines=[line.told() for line in told.lines or ()],
        coupons=[code],
    )


def _judged(
    request: TillRequest,
    found: Coupon,
    code: str,
    refusal: DomainError | None,
    now: datetime,
    discount_minor: int | None = None,
) -> CouponCheckOut:
    if refusal:
        coupon_refusals.count(refusals=[refusal], store=request.auth.store, at=now)
    return _checked(found, code, refusal=refusal, discount_minor=discount_minor)


def _checked(
    found: Coupon | None, code: str, *, refusal: DomainError | None, discount_minor: int | None = None
) -> CouponCheckOut:
    return CouponCheckOut(
        coupon=found.display_code if found else code,
        usable=refusal is None,
        discount_minor=discount_minor,
        code=refusal.code if refusal else None,
        detail=str(refusal) if refusal else None,
        title=localized(found.offer.title) if found else None,
        kind=found.offer.kind.lower() if found else None,
        conditions=offer_words.conditions(found.offer) if found else None,
        expires_at=found.expires_at if found else None,
    )


@contextmanager
def _unknown_is_not_found() -> Iterator[None]:
    """The coupon is the address here; in a purchase an unknown one is a conflict like the other refusals."""
    try:
        yield
    except coupons.CouponRefused as error:
        raise Problem.of(error, status=404) from error
