"""Uses of coupons that tills keep for somebody who is about to pay."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Store
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import coupons
from rewards.models import Coupon, CouponHold


class CouponHoldUnknown(DomainError):
    code = "coupon_hold_unknown"
    message = _("There is no coupon hold %(hold)s.")


class CouponHoldCaptured(DomainError):
    code = "coupon_hold_captured"
    message = _("What this hold kept was redeemed.")


@transaction.atomic
def hold(
    *, coupon: Coupon, customer: Customer | None, store: Store | None = None, ttl: timedelta, by: Actor, at: datetime
) -> CouponHold:
    """Keeps one use of the coupon for `ttl`; then it is free again by itself. Only that: not the limits of its offer.

    Theirs is a hold that the same till made, unless for another customer, or that anybody made for this customer: held
    again, it is the same one, from now for `ttl`. It never counts against them, and their redemption captures it.

    Raises what speaks against the coupon, or CouponHeld when holds of others keep what uses are left.
    """
    refusal = coupons.refusal_before_purchase(coupon=coupon, customer=customer, store=store, at=at)
    if refusal:
        raise refusal
    values = (coupon.pk, customer.pk if customer else None, secrets.token_urlsafe(16), at + ttl, at, str(by))
    with connection.cursor() as cursor:
        cursor.execute("SELECT hold, refusal FROM coupon_holds_make(%s, %s, %s, %s, %s, %s)", values)
        made, word = cursor.fetchone()
    if word:
        raise coupons.refusal_for(word, coupon)
    return CouponHold.objects.select_related("coupon", "customer").get(pk=made)


@transaction.atomic
def release(*, hold: CouponHold, at: datetime) -> CouponHold:
    """Lets others have the use; releasing again changes nothing. Raises CouponHoldCaptured."""
    is_open = Q(released_at__isnull=True, captured_at__isnull=True)
    CouponHold.objects.filter(is_open, pk=hold.pk).update(released_at=at)
    hold.refresh_from_db(fields=["released_at", "captured_at"])
    if hold.captured_at:
        raise CouponHoldCaptured
    return hold


def by_id(*, text: str) -> CouponHold:
    """By the id that tills were told, which nobody guesses. Raises CouponHoldUnknown."""
    found = CouponHold.objects.select_related("coupon", "customer").filter(public_id=text).first()
    if found is None:
        raise CouponHoldUnknown(hold=text)
    return found


def kept_for_others(
    *, coupons: Iterable[Coupon], customer: Customer | None, by: Actor | None, at: datetime
) -> list[Coupon]:
    """Those whose last uses are held by others at this moment."""
    by_id = {coupon.pk: coupon for coupon in coupons}
    values = (at, customer.pk if customer else None, at, str(by), list(by_id))
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, values)
        return [by_id[pk] for (pk,) in cursor.fetchall()]


_KEPT = """
    SELECT id FROM rewards_coupon
    WHERE uses_count + coupon_holds_live(id, %s) - (coupon_holds_own(id, %s, %s, %s) IS NOT NULL)::integer >= uses_max
      AND state = 'ISSUED' AND id = ANY (%s)
"""
