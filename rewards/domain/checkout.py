"""A till's transaction: what was bought, with coupons and points, is booked whole or not at all.

Everybody takes locks in this order, so that no two tills wait for each other in a ring: the receipt number (by its
insertion), new categories and products (in order), the customer's points account, coupons by id, offers by id, surprise
rules by id.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import purchases
from customers.domain.purchases import LineIn
from customers.models import Category, Customer, Product, Purchase, PurchaseSource, Store, Till
from loyalty_site.lib import codes
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import coupons, earning, eligibility, points, rules, surprises
from rewards.models import Arm, Coupon, EntryKind, PointsEntry, Program, Surprise

# A till's clock may be ahead of ours by this much.
CLOCK_TOLERANCE = timedelta(minutes=15)


class PointsExceedAmount(DomainError):
    code = "points_exceed_amount"
    message = _("%(points)s points are worth more than what is left to pay.")


class PointsWithoutCustomer(DomainError):
    code = "points_without_customer"
    message = _("Only a customer of the programme can pay with points.")


class PointsOtherCurrency(DomainError):
    code = "points_other_currency"
    message = _("Points can pay in %(currency)s only.")


class PurchasedInFuture(DomainError):
    code = "purchased_in_future"
    message = _("The purchase is dated in the future. Please check the till's clock.")


@dataclass(frozen=True, slots=True)
class PurchaseIn:
    """What a till tells. `coupons` are codes as typed or scanned."""

    receipt_number: str
    customer: Customer | None
    purchased_at: datetime
    currency: str
    lines: Sequence[LineIn]
    coupons: Sequence[str] = ()
    points_to_redeem: int = 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was booked. `created` is False when the receipt was told before: then it is what was booked then.

    `entry` is the award, `redeemed_entry` what paid with points, `surprises` have a coupon each; `summary` is of now.
    """

    purchase: Purchase
    created: bool
    entry: PointsEntry | None = None
    redeemed_entry: PointsEntry | None = None
    coupons: Sequence[Coupon] = ()
    surprises: Sequence[Surprise] = ()
    summary: points.PointsSummary | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket would come to; nothing is written. Refused coupons do not count."""

    total_minor: int
    discount_minor: int
    points_value_minor: int
    paid_minor: int
    earned: earning.Earned
    discounts: Mapping[str, int]
    refusals: Mapping[str, DomainError]
    points_payable: int


@dataclass(slots=True)
class _Priced:
    """A basket with its good coupons applied, before it is booked."""

    found: dict[Coupon, int] = field(default_factory=dict)
    line_discounts: Sequence[int] = ()
    left_minor: int = 0
    refusals: dict[str, DomainError] = field(default_factory=dict)


@transaction.atomic
def settle(*, purchase: PurchaseIn, store: Store, till: Till | None, by: Actor, at: datetime) -> Settlement:
    """Books a purchase. The same receipt told again books nothing and returns the first result.

    Raises ReceiptConflict, a CouponRefused or a refusal of its offer, InsufficientPoints, PointsExceedAmount,
    PointsWithoutCustomer, PointsOtherCurrency or PurchasedInFuture; then nothing is booked.
    """
    fingerprint = _fingerprint(purchase)
    known = purchases.told(store=store, receipt_number=purchase.receipt_number, fingerprint=fingerprint)
    if known:
        return _settled_before(known, at)
    program = Program.objects.current()
    try:
        if purchase.purchased_at > at + CLOCK_TOLERANCE:
            raise PurchasedInFuture
        priced = _priced(purchase)
        for refusal in priced.refusals.values():
            raise refusal
        points_value = _points_value(purchase, priced.left_minor, program)
    except DomainError:
        # Another till may have booked this very receipt, and used its coupons, since we looked.
        known = purchases.told(store=store, receipt_number=purchase.receipt_number, fingerprint=fingerprint)
        if known:
            return _settled_before(known, at)
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
        source=PurchaseSource.TILL if till else PurchaseSource.STAFF,
        fingerprint=fingerprint,
        by=by,
        at=at,
    )
    if not created:
        return _settled_before(recorded, at)
    return _book(recorded, purchase, priced, program, by, at)


def quote(*, purchase: PurchaseIn, store: Store, at: datetime) -> Quote:
    """What `settle` would book, with each refused coupon's reason, and how many points could pay.

    Raises PointsExceedAmount, PointsWithoutCustomer or PointsOtherCurrency.
    """
    program = Program.objects.current()
    priced = _priced(purchase)
    points_value = _points_value(purchase, priced.left_minor, program)
    total = sum(line.amount_minor for line in purchase.lines)
    earned = _earned(purchase, priced, points_value, store.pk, program)
    return Quote(
        total_minor=total,
        discount_minor=total - priced.left_minor,
        points_value_minor=points_value,
        paid_minor=priced.left_minor - points_value,
        earned=earned if purchase.customer else earning.Earned(0, reason="no_customer"),
        discounts={coupon.display_code: discount for coupon, discount in priced.found.items()},
        refusals=priced.refusals,
        points_payable=_points_payable(purchase, priced.left_minor, program, at),
    )


def _book(
    recorded: Purchase, purchase: PurchaseIn, priced: _Priced, program: Program, by: Actor, at: datetime
) -> Settlement:
    entry = redeemed = summary = None
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
        earned = _earned(purchase, priced, recorded.points_value_minor, recorded.store_id, program)
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
        summary = points.summary(customer=purchase.customer, at=at)
    return Settlement(recorded, True, entry, redeemed, tuple(priced.found), tuple(given), summary)


def _settled_before(purchase: Purchase, at: datetime) -> Settlement:
    entries = PointsEntry.objects.filter(customer=purchase.customer_id, reference=f"purchase:{purchase.pk}")
    by_kind = {entry.kind: entry for entry in entries} if purchase.customer_id else {}
    given = Surprise.objects.filter(purchase=purchase, arm=Arm.TREATED).select_related("coupon__offer")
    return Settlement(
        purchase=purchase,
        created=False,
        entry=by_kind.get(EntryKind.AWARD),
        redeemed_entry=by_kind.get(EntryKind.REDEEM),
        coupons=tuple(Coupon.objects.filter(purchase=purchase).select_related("offer").order_by("pk")),
        surprises=tuple(given.order_by("rule_id")),
        summary=points.summary(customer=purchase.customer, at=at) if purchase.customer else None,
    )


def _priced(purchase: PurchaseIn) -> _Priced:
    amounts = tuple(line.amount_minor for line in purchase.lines)
    priced = _Priced(line_discounts=(0,) * len(amounts), left_minor=sum(amounts))
    found: dict[str, Coupon] = {}
    for text in purchase.coupons:
        try:
            coupon = coupons.find(text=text)
        except coupons.CouponRefused as refusal:
            priced.refusals[text] = refusal
        else:
            found[coupon.code] = coupon
    if not found:
        return priced
    holder = purchase.customer.pk if purchase.customer else None
    evaluation = eligibility.evaluate(
        coupons=[coupons.as_calculated(coupon) for coupon in found.values()],
        basket=eligibility.Basket(amounts, purchase.currency, holder, purchase.purchased_at),
    )
    for code, word in evaluation.refusals.items():
        priced.refusals[found[code].display_code] = coupons.refusal_for(word, found[code])
    priced.found = {found[code]: discount for code, discount in evaluation.discounts.items()}
    priced.line_discounts = evaluation.line_discounts
    priced.left_minor -= evaluation.discount_minor
    return priced


def _points_value(purchase: PurchaseIn, left_minor: int, program: Program) -> int:
    if purchase.points_to_redeem < 0:
        raise ValueError("points to redeem cannot be negative")
    if not purchase.points_to_redeem:
        return 0
    if purchase.customer is None:
        raise PointsWithoutCustomer
    if purchase.currency != program.currency:
        raise PointsOtherCurrency(currency=program.currency)
    value = purchase.points_to_redeem * program.point_value_minor
    if value > left_minor:
        raise PointsExceedAmount(points=purchase.points_to_redeem)
    return value


def _points_payable(purchase: PurchaseIn, left_minor: int, program: Program, at: datetime) -> int:
    if purchase.customer is None or purchase.currency != program.currency:
        return 0
    available = points.summary(customer=purchase.customer, at=at).available
    return min(available, left_minor // program.point_value_minor)


def _earned(
    purchase: PurchaseIn, priced: _Priced, points_value_minor: int, store_id: int, program: Program
) -> earning.Earned:
    known = rules.effective(at=purchase.purchased_at, currency=program.currency)
    products, categories = _catalog(purchase.lines) if known.multipliers else ({}, {})
    lines = [
        earning.Line(line.amount_minor, discount, *products.get(line.sku, (None, categories.get(line.category))))
        for line, discount in zip(purchase.lines, priced.line_discounts, strict=True)
    ]
    basket = earning.Basket(store_id, purchase.currency, lines, points_value_minor)
    return earning.points_for(basket=basket, rules=known)


def _catalog(lines: Sequence[LineIn]) -> tuple[dict[str, tuple[int, int | None]], dict[str, int]]:
    """By sku its (product, category); by the till's word the category of what nobody has sold before."""
    rows = Product.objects.filter(sku__in={line.sku for line in lines}).values_list("sku", "pk", "category_id")
    products: dict[str, tuple[int, int | None]] = {sku: (product, category) for sku, product, category in rows}
    strange = {line.category for line in lines if line.sku not in products}
    categories = dict(Category.objects.filter(code__in=strange).values_list("code", "pk")) if strange else {}
    return products, categories


def _fingerprint(purchase: PurchaseIn) -> bytes:
    """SHA-256 of the fact, however its numbers, times and codes were written."""
    fact = {
        "customer": purchase.customer.pk if purchase.customer else None,
        "purchased_at": purchase.purchased_at.timestamp(),
        "currency": purchase.currency,
        "coupons": sorted({codes.normalize(code) for code in purchase.coupons}),
        "points": purchase.points_to_redeem,
        "lines": [
            [line.sku, line.name, line.category, f"{line.quantity:.3f}", line.amount_minor] for line in purchase.lines
        ],
    }
    return hashlib.sha256(json.dumps(fact, ensure_ascii=False, sort_keys=True).encode()).digest()
