"""Coupons are issued, found, or made void; `coupon_redemptions` redeems them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from customers.models import Customer, Store
from loyalty_site.lib import codes, statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import alerts, coupon_terms, eligibility, offers, points
from rewards.models import AlertKind, CodeBatch, Coupon, CouponState, Offer


class CouponRefused(DomainError):
    """`coupon` in the details is its code as people read it. Staff see which refusal; strangers get one answer."""

    def __init__(self, *, coupon: str) -> None:
        super().__init__(coupon=coupon)


class CouponUnknown(CouponRefused):
    code = "coupon_unknown"
    message = _("There is no coupon %(coupon)s.")


class CouponMistyped(CouponRefused):
    code = "coupon_mistyped"
    message = _("%(coupon)s cannot be right: please read the code again.")


class CouponExpired(CouponRefused):
    code = "coupon_expired"
    message = _("Coupon %(coupon)s has expired.")


class CouponAlreadyRedeemed(CouponRefused):
    code = "coupon_already_redeemed"
    message = _("Coupon %(coupon)s was redeemed already.")


class CouponVoid(CouponRefused):
    code = "coupon_void"
    message = _("Coupon %(coupon)s was made void.")


class CouponHeld(CouponRefused):
    code = "coupon_held"
    message = _("Coupon %(coupon)s is kept for somebody at this moment.")


class CouponNotYours(CouponRefused):
    code = "coupon_not_yours"
    message = _("Coupon %(coupon)s belongs to another customer.")


class CouponNotYetIssued(CouponRefused):
    code = "coupon_not_yet_issued"
    message = _("Coupon %(coupon)s was issued after this purchase.")


class CouponOtherCurrency(CouponRefused):
    code = "coupon_other_currency"
    message = _("Coupon %(coupon)s is for another currency.")


class CouponWorthNothing(CouponRefused):
    code = "coupon_worth_nothing"
    message = _("Coupon %(coupon)s would take nothing off this purchase.")


class CouponNotYetGood(CouponRefused):
    code = "coupon_not_yet_good"
    message = _("Coupon %(coupon)s cannot be used yet.")


class CouponNeedsCustomer(CouponRefused):
    code = "coupon_needs_customer"
    message = _("Coupon %(coupon)s is for customers of the programme: please scan their card first.")


class CouponsNotCombinable(CouponRefused):
    code = "coupons_not_combinable"
    message = _("Coupon %(coupon)s cannot be combined with the others.")


_REASONS: tuple[type[DomainError], ...] = (
    CouponExpired,
    CouponAlreadyRedeemed,
    CouponVoid,
    CouponHeld,
    CouponNotYours,
    CouponNotYetIssued,
    CouponOtherCurrency,
    CouponWorthNothing,
    CouponNotYetGood,
    CouponNeedsCustomer,
    CouponsNotCombinable,
    *offers.REFUSALS,
)
_REFUSALS: Mapping[str, type[DomainError]] = {reason.code: reason for reason in _REASONS}


@dataclass(frozen=True, slots=True)
class Voided:
    """`redeemed` were used up before and stay so."""

    voided: int
    redeemed: int


# Nothing comes back when the cause is known already, or when the code happens to exist.
_INSERT = """
    INSERT INTO rewards_coupon (code, offer_id, customer_id, is_public, state, uses_max, uses_count, reference,
                                issued_at, starts_at, expires_at)
    VALUES (%(code)s, %(offer)s, %(customer)s, false, 'ISSUED', %(uses_max)s, 0, %(reference)s, %(at)s, %(starts_at)s,
            %(expires_at)s)
    ON CONFLICT DO NOTHING
    RETURNING *
"""

_OWN = len(Coupon._meta.concrete_fields)
_FIND = (
    f"SELECT {statements.columns(Coupon, 'coupon')}, {statements.columns(Offer, 'offer')}"  # noqa: S608
    " FROM rewards_coupon coupon JOIN rewards_offer offer ON offer.id = coupon.offer_id WHERE coupon.code = %s"
)


@transaction.atomic
def issue(*, offer: Offer, customer: Customer | None, reference: str, by: Actor, at: datetime) -> Coupon:
    """A new coupon; the first one when `reference` (what caused it) had one of this offer before.

    Raises OfferNotLive, OfferWithdrawn, CustomerMerged or CustomerClosed. Locks the account, so that no merge leaves
    the coupon with who is gone.
    """
    known = Coupon.objects.filter(offer=offer, reference=reference).first()
    if known:
        return known
    offers.refuse_unless_live(offer=offer, at=at)
    if customer:
        points.lock(customer=customer)
    coupon = _insert(offer, customer, reference, at)
    if by.kind == "user":
        audit.record(actor=by, action="coupon.issued", subject=f"coupon:{coupon.pk}", at=at)
        if customer:
            fact = f"coupon:{coupon.pk}"
            alerts.note_own(kind=AlertKind.OWN_COUPON, fact=fact, customer=customer, by=by, at=at)
    return coupon


def find(*, text: str, among: Mapping[str, Coupon] | None = None) -> Coupon:
    """By code as typed or scanned, with its offer. `among` are coupons by code, where the caller has looked it up.

    Raises CouponMistyped (by its check symbol) or CouponUnknown.
    """
    code = codes.normalize(text)
    found = _by_code(code) if among is None else among.get(code)
    if found is None:
        raise (CouponUnknown if _could_be(code) else CouponMistyped)(coupon=text)
    return found


def _by_code(code: str) -> Coupon | None:
    return next((of_row(row) for row in statements.rows(_FIND, (code,))), None)


def of_row(values: Sequence[Any]) -> Coupon:
    """With its offer, from the columns of both."""
    coupon = statements.instance(Coupon, values[:_OWN])
    coupon.offer = statements.instance(Offer, values[_OWN:])
    return coupon


def refusal_before_purchase(
    *, coupon: Coupon, customer: Customer | None, store: Store | None = None, at: datetime
) -> DomainError | None:
    """What speaks against a coupon whatever is bought with it; whose it is and where it is used count where they are
    told."""
    holder = customer.pk if customer else coupon.customer_id
    return refusal_without_lines(coupon=coupon, customer_id=holder, store=store, at=at)


@transaction.atomic
def void(*, coupon: Coupon, reason: str, by: Actor, at: datetime) -> None:
    """Never redeemable again; doing it again changes nothing. Raises CouponAlreadyRedeemed."""
    if Coupon.objects.filter(pk=coupon.pk, state=CouponState.ISSUED).update(state=CouponState.VOID):
        audit.record(actor=by, action="coupon.voided", subject=f"coupon:{coupon.pk}", reason=reason, at=at)
    coupon.refresh_from_db(fields=["state"])
    if coupon.state == CouponState.REDEEMED:
        raise CouponAlreadyRedeemed(coupon=coupon.display_code)


@transaction.atomic
def void_all(*, coupons: QuerySet[Coupon], reason: str, by: Actor, at: datetime) -> Voided:
    """Makes all of them void that are not yet, with one statement; those that were redeemed stay so, and are counted.

    Each has its row in the audit log. Locks them by id.
    """
    chosen, parameters = coupons.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_VOID_ALL.format(chosen=chosen), [*parameters, at, str(by), reason, *parameters])
        return Voided(*cursor.fetchone())


def _could_be(code: str) -> bool:
    """Whether somebody may hold this code: its check symbol is right for a length that codes here have, or codes of an
    older system are about, which may look like anything."""
    lengths = {Coupon.BODY_LENGTH, *CodeBatch.objects.values_list("body_length", flat=True).distinct()}
    return 0 in lengths or any(
        len(code) >= length and codes.is_well_formed(code[-length:]) for length in lengths if length
    )


def refusal_for(refusal: str, coupon: Coupon) -> DomainError:
    """The refusal of that word, to raise or to show."""
    return _REFUSALS[refusal](coupon=coupon.display_code)


def refusal_without_lines(
    *, coupon: Coupon, customer_id: int | None, store: Store | None, at: datetime
) -> DomainError | None:
    """What speaks against a coupon in the hand of just this customer, whatever is bought with it."""
    (as_read,), segments = coupon_terms.read(coupons=[coupon], customer_id=customer_id, at=at)
    basket = coupon_terms.basket(
        lines=None,
        currency=coupon.offer.currency,
        customer_id=customer_id,
        segments=segments,
        store=store,
        at=at,
    )
    word = eligibility.refusal_of(coupon=as_read, basket=basket)
    return refusal_for(word, coupon) if word else None


def _insert(offer: Offer, customer: Customer | None, reference: str, at: datetime) -> Coupon:
    starts_at, expires_at = offers.good_between(offer=offer, at=at)
    values = {
        "offer": offer.pk,
        "customer": customer.pk if customer else None,
        "uses_max": offer.code_max,
        "reference": reference,
        "at": at,
        "starts_at": starts_at,
        "expires_at": expires_at,
    }
    while True:
        values["code"] = offer.code_prefix + codes.generate(length=Coupon.BODY_LENGTH)
        for coupon in Coupon.objects.raw(_INSERT, values):
            coupon.offer, coupon.customer = offer, customer
            return coupon
        known = Coupon.objects.filter(offer=offer, reference=reference).first()
        if known:
            return known


_VOID_ALL = """
    WITH locked AS MATERIALIZED (
        SELECT id FROM rewards_coupon WHERE id IN ({chosen}) AND state = 'ISSUED' ORDER BY id FOR NO KEY UPDATE
    ), voided AS (
        UPDATE rewards_coupon SET state = 'VOID' FROM locked WHERE rewards_coupon.id = locked.id
        RETURNING rewards_coupon.id
    ), noted AS (
        INSERT INTO customers_auditevent (happened_at, actor, action, subject, reason, data)
        SELECT %s, %s, 'coupon.voided', 'coupon:' || id, %s, '{{}}' FROM voided
    )
    SELECT (SELECT count(*) FROM voided),
           (SELECT count(*) FROM rewards_coupon WHERE id IN ({chosen}) AND state = 'REDEEMED')
"""
