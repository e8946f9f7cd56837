"""Coupons: whether one is good, and gifts handed over without a purchase."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

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
from rewards.api import guesses
from rewards.domain import checkout, coupon_redemptions, coupons, offer_words
from rewards.domain.checkout import PurchaseIn
from rewards.models import Coupon
from rewards.schemas.shown import CouponCheckOut, CouponRedeemedOut
from rewards.schemas.told import CouponCheckIn, CouponRedeemIn

router = Router(tags=["coupons"])


@calls.post(router, "/coupons/{code}/check", gives=CouponCheckOut, scope=TillScope.READ, guesses=guesses.IN_ADDRESS)
def check_coupon(request: TillRequest, code: Code, told: CouponCheckIn | None = None) -> CouponCheckOut:
    """Whether a till would take the coupon, for this basket and customer; nothing is written."""
    told, now = told or CouponCheckIn(), timezone.now()
    owner = customers.by_number(number=told.customer) if told.customer is not None else None
    with calls.texts_for(request, owner):
        try:
            found = coupons.find(text=code)
        except coupons.CouponRefused as error:
            return _checked(None, code, refusal=error)
        if not told.lines:
            refusal = coupons.refusal_before_purchase(
                coupon=found, customer=owner, store=request.auth.store, at=told.purchased_at or now
            )
            return _checked(found, code, refusal=refusal)
        quoted = checkout.quote(
            purchase=_basket(told, owner, code, request.auth.store, now), store=request.auth.store, at=now
        )
        refusal = next(iter(quoted.refusals.values()), None)
        return _checked(found, code, refusal=refusal, discount_minor=quoted.discount_minor)


@calls.post(router, "/coupons/{code}/redeem", gives=CouponRedeemedOut, status=201, guesses=guesses.IN_ADDRESS)
def redeem_coupon(request: TillRequest, code: Code, told: CouponRedeemIn | None = None) -> CouponRedeemedOut:
    """For a gift that is handed over without a purchase. A coupon that takes something off belongs into a purchase."""
    owner = customers.by_number(number=told.customer) if told and told.customer is not None else None
    with _unknown_is_not_found():
        found = coupons.find(text=code)
    used = coupon_redemptions.redeem(
        coupon=found, customer=owner, store=request.auth.store, by=actors.till(request.auth.pk), at=timezone.now()
    )
    with calls.texts_for(request, owner):
        return CouponRedeemedOut(
            id=str(used.pk),
            coupon=found.display_code,
            title=localized(found.offer.title),
            kind=found.offer.kind.lower(),
            redeemed_at=used.redeemed_at,
        )


def _basket(told: CouponCheckIn, owner: Customer | None, code: str, store: Store, now: datetime) -> PurchaseIn:
    return PurchaseIn(
        receipt_number="",
        customer=owner,
        purchased_at=told.purchased_at or now,
        currency=told.currency or store.currency,
        lines=[line.told() for line in told.lines or ()],
        coupons=[code],
    )


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
