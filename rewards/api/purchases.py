"""Purchases: what a basket would come to, booking it, looking it up."""

from datetime import datetime

from django.utils import timezone
from ninja import Router

from customers.api import calls
from customers.api.calls import TillRequest
from customers.domain import customers, purchases
from customers.models import Customer, TillScope
from loyalty_site.lib import actors
from loyalty_site.lib.api.fields import Code
from rewards.api import guesses, shapes
from rewards.domain import checkout, coupon_refusals
from rewards.domain.checkout import Proposal, PurchaseIn, Quote
from rewards.schemas.shown import (
    PurchaseOut,
    QuotedCouponOut,
    QuotedPointsOut,
    QuoteOut,
    RefusalOut,
    SettlementOut,
)
from rewards.schemas.told import BasketTold, PurchaseTold

router = Router(tags=["purchases"])


@calls.post(router, "/quotes", gives=QuoteOut, scope=TillScope.READ, guesses=guesses.IN_BASKET)
def quote_basket(request: TillRequest, told: BasketTold) -> QuoteOut:
    """What a basket would come to and earn, each coupon's discount or its refusal, how many points could pay, and which
    of the customer's coupons would take off most instead."""
    now, store = timezone.now(), request.auth.store
    owner = _customer(told.customer)
    basket = _purchase(told, owner, now)
    quoted = checkout.quote(purchase=basket, store=store, by=actors.till(request.auth.pk), at=now)
    proposals = checkout.propose(purchase=basket, store=store, at=now)
    with calls.texts_for(request, owner):
        return _quote(told.currency, quoted, proposals)


@calls.post(router, "/purchases", gives=SettlementOut, status=201, is_atomic=True, guesses=guesses.IN_BASKET)
def book_purchase(request: TillRequest, told: PurchaseTold) -> SettlementOut:
    """Books a purchase with its coupons and points, whole or not at all.

    The same receipt told again, under this key or another, is answered with what was booked the first time.
    """
    now, till = timezone.now(), request.auth
    owner = _customer(told.customer)
    bought = _purchase(told, owner, now)
    with coupon_refusals.counted(store=till.store, at=now):
        settled = checkout.settle(purchase=bought, store=till.store, till=till, by=actors.till(till.pk), at=now)
    with calls.texts_for(request, owner):
        return shapes.settlement(settled)


@calls.get(router, "/purchases/{id}", gives=PurchaseOut)
def show_purchase(request: TillRequest, id: Code) -> PurchaseOut:  # noqa: A002 - its name in the address
    """With its lines, what it did in the points ledger, and what came back."""
    bought = purchases.by_id(text=id)
    with calls.texts_for(request, bought.customer):
        return shapes.purchase(checkout.settled_before(purchase=bought, at=timezone.now()))


def _customer(number: str | None) -> Customer | None:
    return customers.by_number(number=number) if number is not None else None


def _purchase(told: PurchaseTold | BasketTold, owner: Customer | None, now: datetime) -> PurchaseIn:
    return PurchaseIn(
        receipt_number=told.receipt_number or "",
        customer=owner,
        purchased_at=told.purchased_at or now,
        currency=told.currency,
        lines=[line.told() for line in told.lines],
        coupons=told.coupons,
        points_to_redeem=told.points_to_redeem,
        gift_card_minor=told.gift_card_minor,
    )


def _quote(currency: str, quoted: Quote, proposals: list[Proposal]) -> QuoteOut:
    used = [QuotedCouponOut(code=code, discount_minor=taken, refusal=None) for code, taken in quoted.discounts.items()]
    refused = [
        QuotedCouponOut(code=code, discount_minor=0, refusal=RefusalOut(code=error.code, detail=str(error)))
        for code, error in quoted.refusals.items()
    ]
    return QuoteOut(
        currency=currency,
        total_minor=quoted.total_minor,
        discount_minor=quoted.discount_minor,
        points_value_minor=quoted.points_value_minor,
        paid_minor=quoted.paid_minor,
        points=QuotedPointsOut(earned=quoted.earned.points, payable=quoted.points_payable),
        coupons=used + refused,
        proposals=shapes.proposals(proposals),
    )
