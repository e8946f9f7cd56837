"""Uses of coupons: each counted once in its coupon and its offer, and undone once."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, purchases, tills
from customers.models import Customer, Purchase, PurchaseReturn, Store
from loyalty_site.lib import ids, statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import coupons, points
from rewards.models import Coupon, CouponRedemption, OfferKind

# What coupons_claim says: the redemptions' ids by coupon id; else the word of the refusal and the refused coupon's id.
Answer = tuple[Sequence[int] | None, str | None, int | None]


class CouponRedemptionUnknown(DomainError):
    code = "coupon_redemption_unknown"
    message = _("There is no coupon redemption %(redemption)s.")


class RedeemedInPurchase(DomainError):
    code = "coupon_redeemed_in_purchase"
    message = _("This coupon was used in a purchase: it is good again when all of the goods come back.")


class GiftNotHandedOver(DomainError):
    code = "gift_not_handed_over"
    message = _("You have not handed this gift over, or it came back already.")


class CouponUsedSince(DomainError):
    code = "coupon_used_since"
    message = _("This coupon was used since the page was shown.")


@transaction.atomic
def redeem(
    *,
    coupon: Coupon,
    customer: Customer | None,
    store: Store | None = None,
    uses_before: int | None = None,
    by: Actor,
    at: datetime,
) -> CouponRedemption:
    """Redeems a gift that is handed over without a purchase. `uses_before` is how often the coupon stood used where
    somebody decided to: what was asked for twice is done once.

    Raises a CouponRefused or a refusal of its offer, CouponUsedSince, CustomerMerged or CustomerClosed. Locks the
    account first.
    """
    holder = customer.pk if customer else None
    refusal = coupons.refusal_without_lines(coupon=coupon, customer_id=holder, store=store, at=at)
    if not refusal and coupon.offer.kind != OfferKind.GIFT:
        refusal = coupons.refusal_for("coupon_worth_nothing", coupon)
    if refusal:
        raise refusal
    if uses_before is not None:
        if customer:
            points.lock(customer=customer)
        locked = Coupon.objects.select_for_update(no_key=True).filter(pk=coupon.pk)
        if locked.values_list("uses_count", flat=True).get() != uses_before:
            raise CouponUsedSince
    with points.refusing_who_is_gone():
        (answer,) = statements.rows(_REDEEM, (coupon.pk, holder, at, str(by)))
    (redemption,) = claimed(answer=answer, discounts={coupon: 0}, purchase=None, customer=customer, by=by, at=at)
    return redemption


def claimed(
    *,
    answer: Answer,
    discounts: Mapping[Coupon, int],
    purchase: Purchase | None,
    customer: Customer | None,
    by: Actor,
    at: datetime,
) -> list[CouponRedemption]:
    """The redemptions that coupons_claim made of coupons which were found good, as it answered.

    Raises the CouponRefused or the refusal of the offer that it said; the caller's transaction must then end.
    """
    made, word, refused = answer
    found = sorted(discounts, key=lambda coupon: coupon.pk)
    if word:
        raise coupons.refusal_for(word, next(coupon for coupon in found if coupon.pk == refused))
    return [
        CouponRedemption(
            pk=pk,
            coupon=coupon,
            offer=coupon.offer,
            customer=customer,
            purchase=purchase,
            discount_minor=discounts[coupon],
            redeemed_at=at,
            redeemed_by=str(by),
        )
        for pk, coupon in zip(made or (), found, strict=True)
    ]


@transaction.atomic
def roll_back(*, redemption: CouponRedemption, reason: str = "", by: Actor, at: datetime) -> bool:
    """A gift comes back: its coupon is good again as long as it would have been, and no longer counts in its offer;
    void where it was the surprise of a purchase of which all came back meanwhile.

    Undone again it changes nothing, and False is returned. Raises RedeemedInPurchase: what a purchase redeemed comes
    back with its goods. Locks the account first.
    """
    if redemption.purchase_id is not None:
        raise RedeemedInPurchase
    if redemption.customer:
        points.lock_owner(customer=redemption.customer)
    undone = _roll_back({redemption: None}, reason=reason, by=by, at=at)
    if undone:
        data = {"redemption": redemption.pk}
        subject = f"coupon:{redemption.coupon_id}"
        audit.record(actor=by, action="coupon.given_back", subject=subject, reason=reason, data=data, at=at)
        if is_without_cause(coupon_id=redemption.coupon_id):
            coupons.void(coupon=redemption.coupon, reason=f"redemption:{redemption.pk}", by=by, at=at)
    redemption.refresh_from_db(fields=["rolled_back_at", "rolled_back_by", "reason"])
    return bool(undone)


@transaction.atomic
def undo_hand_over(*, redemption: CouponRedemption, by: Actor, at: datetime) -> None:
    """The gift was handed over by mistake, by the same actor: its coupon is good again. Raises GiftNotHandedOver."""
    if redemption.purchase_id is not None or redemption.redeemed_by != str(by):
        raise GiftNotHandedOver
    if not roll_back(redemption=redemption, by=by, at=at):
        raise GiftNotHandedOver


def give_back(*, redemptions: Mapping[CouponRedemption, PurchaseReturn], by: Actor, at: datetime) -> list[Coupon]:
    """All that each coupon was redeemed for came back, at last with its return: it is good again, and no longer counts
    in its offer. Returns the coupons that are given back by this call.

    Each keeps its expiry, and one that has expired meanwhile stays so: goods brought back are no new coupon. Locks
    coupons by id, offers by id, then what the customers used.
    """
    undone = _roll_back(redemptions, reason="", by=by, at=at)
    for redemption in undone:
        data = {"return": redemptions[redemption].pk, "purchase": redemption.purchase_id}
        audit.record(actor=by, action="coupon.given_back", subject=f"coupon:{redemption.coupon_id}", data=data, at=at)
    coupons_given = Coupon.objects.filter(redemptions__in=undone).select_related("offer")
    return list(coupons_given.order_by("pk"))


def by_id(*, text: str) -> CouponRedemption:
    """Raises CouponRedemptionUnknown."""
    found = with_coupons().filter(pk=ids.parse(text)).first()
    if found is None:
        raise CouponRedemptionUnknown(redemption=text)
    return found


def made_at(*, store: Store, text: str) -> CouponRedemption:
    """The same, made by a till of the store. Raises CouponRedemptionUnknown for any other: ids are easily guessed."""
    found = by_id(text=text)
    if found.redeemed_by not in tills.of_store(store=store):
        raise CouponRedemptionUnknown(redemption=text)
    return found


def is_without_cause(*, coupon_id: int) -> bool:
    """Whether the coupon was the surprise of a purchase of which all came back."""
    cause = Purchase.objects.filter(surprises__coupon=coupon_id).first()
    return cause is not None and all(line.is_all_back for line in purchases.lines_left(purchase=cause))


def redeemed_in(*, purchase: Purchase) -> list[CouponRedemption]:
    """What the purchase redeemed, also what was given back since."""
    return list(with_coupons().filter(purchase=purchase).order_by("coupon_id"))


def with_coupons() -> QuerySet[CouponRedemption]:
    """Redemptions with what pages say of them."""
    return CouponRedemption.objects.select_related("coupon", "offer", "customer")


def latest(*, coupon: Coupon) -> CouponRedemption | None:
    """The last one that stands."""
    return standing(coupon=coupon).order_by("-pk").first()


def standing(*, coupon: Coupon) -> QuerySet[CouponRedemption]:
    """Those that nobody has undone."""
    return with_coupons().filter(coupon=coupon, rolled_back_at__isnull=True)


def _roll_back(
    redemptions: Mapping[CouponRedemption, PurchaseReturn | None], *, reason: str, by: Actor, at: datetime
) -> list[CouponRedemption]:
    """Those that nobody has undone before."""
    if not redemptions:
        return []
    told = [redemption.pk for redemption in redemptions]
    returns = [made.pk if made else None for made in redemptions.values()]
    with connection.cursor() as cursor:
        cursor.execute(_ROLL_BACK, [told, returns, reason, at, str(by)])
        (undone,) = cursor.fetchone()
    return [redemption for redemption in redemptions if redemption.pk in set(undone)]


_REDEEM = "SELECT redemptions, refusal, refused FROM coupons_redeem(%s, %s, %s, %s)"
_ROLL_BACK = "SELECT coupons_roll_back(%s::bigint[], %s::bigint[], %s, %s, %s)"
