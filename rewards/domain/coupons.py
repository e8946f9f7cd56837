"""Coupons are issued, redeemed once, or made void."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from itertools import groupby
from operator import attrgetter
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from customers.models import Customer, Purchase, PurchaseReturn, Store
from loyalty_site.lib import codes, statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import alerts, coupon_terms, eligibility, offers, points
from rewards.models import AlertKind, Coupon, CouponGiveBack, CouponState, Offer, OfferKind, Program


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


class CouponNotYours(CouponRefused):
    code = "coupon_not_yours"
    message = _("Coupon %(coupon)s belongs to another customer.")


class CouponNotYetIssued(CouponRefused):
    code = "coupon_not_yet_issued"
    message = _("Coupon %(coupon)s was issued after this purchase.")


class GiftNotHandedOver(DomainError):
    code = "gift_not_handed_over"
    message = _("You have not handed this gift over, or it came back already.")


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

# Nothing comes back when the cause is known already, or when the code happens to exist.
_INSERT = """
    INSERT INTO rewards_coupon (code, offer_id, customer_id, state, reference, issued_at, expires_at, redeemed_by)
    VALUES (%(code)s, %(offer)s, %(customer)s, 'ISSUED', %(reference)s, %(at)s, %(expires_at)s, '')
    ON CONFLICT DO NOTHING
    RETURNING *
"""

_OWN = len(Coupon._meta.concrete_fields)
_FIND = (
    f"SELECT {statements.columns(Coupon, 'coupon')}, {statements.columns(Offer, 'offer')}"  # noqa: S608
    " FROM rewards_coupon coupon JOIN rewards_offer offer ON offer.id = coupon.offer_id WHERE coupon.code = %s"
)
_CLAIM = "SELECT refused_coupon, refused_offer FROM coupons_claim(%s::bigint[], %s::bigint[], %s, %s, %s)"


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


def find(*, text: str) -> Coupon:
    """By code as typed or scanned, with its offer. Raises CouponMistyped (by its check symbol) or CouponUnknown."""
    code = codes.normalize(text)
    for row in statements.rows(_FIND, (code,)):
        coupon = statements.instance(Coupon, row[:_OWN])
        coupon.offer = statements.instance(Offer, row[_OWN:])
        return coupon
    well_formed = codes.is_well_formed(code[-Coupon.BODY_LENGTH :]) and len(code) >= Coupon.BODY_LENGTH
    raise (CouponUnknown if well_formed else CouponMistyped)(coupon=text)


def refusal_before_purchase(
    *, coupon: Coupon, customer: Customer | None, store: Store | None = None, at: datetime
) -> DomainError | None:
    """What speaks against a coupon whatever is bought with it; whose it is and where it is used count where they are
    told."""
    holder = customer.pk if customer else coupon.customer_id
    return _refusal_without_lines(coupon, holder, store, at)


@transaction.atomic
def redeem(*, coupon: Coupon, customer: Customer | None, store: Store | None = None, by: Actor, at: datetime) -> Coupon:
    """Redeems a gift that is handed over without a purchase. Raises a CouponRefused or a refusal of its offer."""
    refusal = _refusal_without_lines(coupon, customer.pk if customer else None, store, at)
    if not refusal and coupon.offer.kind != OfferKind.GIFT:
        refusal = refusal_for("coupon_worth_nothing", coupon)
    if refusal:
        raise refusal
    claim(discounts={coupon: 0}, purchase=None, by=by, at=at)
    return coupon


def claim(
    *,
    discounts: Mapping[Coupon, int],
    purchase: Purchase | None,
    by: Actor,
    at: datetime,
    answer: tuple[int | None, int | None] | None = None,
) -> None:
    """Takes coupons that were found good: each once, by a conditional update, and counts them in their offers.

    Raises CouponAlreadyRedeemed or CouponVoid when somebody was quicker, or what offers.count_redemptions raises; the
    caller's transaction must then end. Locks coupons by id, then offers by id. `answer` is what coupons_claim said,
    where the caller has had it called with other work.
    """
    if not discounts:
        return
    if answer is None:
        ids, given = [coupon.pk for coupon in discounts], list(discounts.values())
        (answer,) = statements.rows(_CLAIM, (ids, given, purchase.pk if purchase else None, at, str(by)))
    refused, refused_offer = answer
    for coupon, discount in discounts.items():
        if coupon.pk == refused:
            coupon.refresh_from_db(fields=["state"])
            raise refusal_for(eligibility.refusal_of_state(coupon.state), coupon)
        coupon.state, coupon.redeemed_at, coupon.redeemed_by = CouponState.REDEEMED, at, str(by)
        coupon.purchase, coupon.discount_minor = purchase, discount
    if refused_offer is not None:
        number = sum(coupon.offer_id == refused_offer for coupon in discounts)
        raise offers.why_not_counted(offer_id=refused_offer, redemptions=number)


@transaction.atomic
def void(*, coupon: Coupon, reason: str, by: Actor, at: datetime) -> None:
    """Never redeemable again; doing it again changes nothing. Raises CouponAlreadyRedeemed."""
    if Coupon.objects.filter(pk=coupon.pk, state=CouponState.ISSUED).update(state=CouponState.VOID):
        audit.record(actor=by, action="coupon.voided", subject=f"coupon:{coupon.pk}", reason=reason, at=at)
    coupon.refresh_from_db(fields=["state"])
    if coupon.state == CouponState.REDEEMED:
        raise CouponAlreadyRedeemed(coupon=coupon.display_code)


@transaction.atomic
def give_back(*, coupons: Mapping[Coupon, PurchaseReturn | None], by: Actor, at: datetime) -> None:
    """All that each coupon was redeemed for came back, at last with its return (None: a gift): it is good again, and no
    longer counts in its offer.

    Each keeps its expiry, and one that has expired meanwhile stays so: goods brought back are no new coupon. Locks
    offers by id; the caller has locked the coupons, by id.
    """
    for coupon, purchase_return in coupons.items():
        assert coupon.redeemed_at is not None
        assert coupon.discount_minor is not None
        CouponGiveBack.objects.create(
            coupon=coupon,
            purchase_return=purchase_return,
            redeemed_at=coupon.redeemed_at,
            redeemed_by=coupon.redeemed_by,
            discount_minor=coupon.discount_minor,
            given_back_at=at,
        )
        data = {"return": purchase_return.pk, "purchase": coupon.purchase_id} if purchase_return else {}
        audit.record(actor=by, action="coupon.given_back", subject=f"coupon:{coupon.pk}", data=data, at=at)
    for offer_id, group in groupby(sorted(coupons, key=attrgetter("offer_id")), key=attrgetter("offer_id")):
        given = [coupon.discount_minor or 0 for coupon in group]
        offers.uncount_redemptions(offer_id=offer_id, redemptions=len(given), discount_minor=sum(given))
    for coupon in coupons:
        coupon.state, coupon.purchase = CouponState.ISSUED, None
        coupon.redeemed_at, coupon.redeemed_by, coupon.discount_minor = None, "", None
        coupon.save(update_fields=["state", "purchase", "redeemed_at", "redeemed_by", "discount_minor"])


@transaction.atomic
def undo_hand_over(*, coupon: Coupon, by: Actor, at: datetime) -> None:
    """The gift was handed over by mistake, by the same actor: its coupon is good again. Raises GiftNotHandedOver."""
    locked = Coupon.objects.select_for_update(of=("self",), no_key=True).select_related("offer").get(pk=coupon.pk)
    if locked.state != CouponState.REDEEMED or locked.purchase_id is not None or locked.redeemed_by != str(by):
        raise GiftNotHandedOver
    give_back(coupons={locked: None}, by=by, at=at)
    coupon.refresh_from_db(fields=["state", "redeemed_at", "redeemed_by", "discount_minor"])


def redeemed_by(*, purchase: Purchase) -> list[Coupon]:
    """What the purchase redeemed, as it was then: also what was given back since."""
    found = list(Coupon.objects.filter(purchase=purchase).select_related("offer"))
    undone = CouponGiveBack.objects.filter(purchase_return__purchase=purchase).select_related("coupon__offer")
    for back in undone:
        coupon = back.coupon
        coupon.state, coupon.purchase = CouponState.REDEEMED, purchase
        coupon.redeemed_at, coupon.redeemed_by = back.redeemed_at, back.redeemed_by
        coupon.discount_minor = back.discount_minor
        found.append(coupon)
    return sorted(found, key=attrgetter("pk"))


def refusal_for(refusal: str, coupon: Coupon) -> DomainError:
    """The refusal of that word, to raise or to show."""
    return _REFUSALS[refusal](coupon=coupon.display_code)


def good_until(*, offer: Offer, at: datetime) -> datetime:
    """When a coupon issued at `at` expires: after `coupon_days` full days, at midnight in the programme's zone, or with
    the offer when that ends first."""
    zone = ZoneInfo(Program.objects.current().timezone)
    last_day = at.astimezone(zone).date() + timedelta(days=offer.coupon_days)
    midnight = datetime.combine(last_day + timedelta(days=1), time.min, tzinfo=zone)
    return min(midnight, offer.valid_to) if offer.valid_to else midnight


def _refusal_without_lines(
    coupon: Coupon, customer_id: int | None, store: Store | None, at: datetime
) -> DomainError | None:
    (as_read,), segments = coupon_terms.read(coupons=[coupon], customer_id=customer_id)
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
    values = {
        "offer": offer.pk,
        "customer": customer.pk if customer else None,
        "reference": reference,
        "at": at,
        "expires_at": good_until(offer=offer, at=at),
    }
    while True:
        values["code"] = offer.code_prefix + codes.generate(length=Coupon.BODY_LENGTH)
        for coupon in Coupon.objects.raw(_INSERT, values):
            coupon.offer, coupon.customer = offer, customer
            return coupon
        known = Coupon.objects.filter(offer=offer, reference=reference).first()
        if known:
            return known
