"""What a basket costs with its coupons and points, and what it earns: read, not booked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from customers.domain.purchases import LineIn
from customers.models import Category, Product, Store
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import coupon_holds, coupon_terms, coupons, earning, eligibility, points, rules, tiers
from rewards.domain.checkout.facts import Facts
from rewards.domain.checkout.refusals import (
    GiftCardExceedsAmount,
    PointsExceedAmount,
    PointsOtherCurrency,
    PointsWithoutCustomer,
    TaxExceedsAmount,
)
from rewards.domain.checkout.told import PurchaseIn
from rewards.models import Coupon, Program

_UNKNOWN = (None, None)


@dataclass(slots=True)
class Priced:
    """A basket with its good coupons applied, before it is booked."""

    found: dict[Coupon, int] = field(default_factory=dict)
    line_discounts: Sequence[int] = ()
    left_minor: int = 0
    refusals: dict[str, DomainError] = field(default_factory=dict)
    multiplied: Sequence[earning.CouponMultiplier] = ()

    def refuse(self, word: str, coupon: Coupon) -> None:
        """For a coupon that takes nothing off."""
        self.found.pop(coupon, None)
        self.refusals[coupon.display_code] = coupons.refusal_for(word, coupon)


def priced(
    *,
    purchase: PurchaseIn,
    store: Store,
    booking: Facts | None = None,
    by: Actor | None = None,
    at: datetime | None = None,
) -> Priced:
    """With `at` as somebody sees it then: what others than `by` hold is not to be had. A booking finds that out."""
    for line in purchase.lines:
        if not 0 <= line.tax_minor <= line.amount_minor:
            raise TaxExceedsAmount
    amounts = tuple(line.amount_minor for line in purchase.lines)
    priced = Priced(line_discounts=(0,) * len(amounts), left_minor=sum(amounts))
    found: dict[str, Coupon] = {}
    for text in purchase.coupons:
        try:
            coupon = coupons.find(text=text, among=booking.coupons if booking else None)
        except coupons.CouponRefused as refusal:
            priced.refusals[text] = refusal
        else:
            found[coupon.code] = coupon
    if at:
        _refuse_held(found, priced, purchase, by, at)
    if not found:
        return priced
    read, basket = as_read(shown=found.values(), purchase=purchase, store=store, booking=booking)
    evaluation = eligibility.evaluate(coupons=read, basket=basket)
    for code, word in evaluation.refusals.items():
        priced.refuse(word, found[code])
    priced.found = {found[code]: discount for code, discount in evaluation.discounts.items()}
    priced.line_discounts = evaluation.line_discounts
    priced.left_minor -= evaluation.discount_minor
    priced.multiplied = [_multiplied(found[one.code], one) for one in evaluation.multiplied]
    return priced


def _refuse_held(
    found: dict[str, Coupon], priced: Priced, purchase: PurchaseIn, by: Actor | None, at: datetime
) -> None:
    for coupon in coupon_holds.kept_for_others(coupons=found.values(), customer=purchase.customer, by=by, at=at):
        priced.refuse("coupon_held", found.pop(coupon.code))


def as_read(
    *, shown: Iterable[Coupon], purchase: PurchaseIn, store: Store, booking: Facts | None = None
) -> tuple[list[eligibility.CouponIn], eligibility.Basket]:
    """As the calculator reads them. What is sold is looked up only where an offer names products or categories."""
    customer = purchase.customer.pk if purchase.customer else None
    scopes = booking.scopes if booking else None
    read, segments = coupon_terms.read(coupons=shown, customer_id=customer, at=purchase.purchased_at, scopes=scopes)
    is_asked = any(one.terms.free_product or not one.terms.is_for_all_lines for one in read)
    catalog = _catalog(purchase.lines, booking) if is_asked else {}
    lines = [
        eligibility.Line(line.amount_minor, *catalog.get(line, _UNKNOWN), line.quantity, line.sku, line.tax_minor)
        for line in purchase.lines
    ]
    return read, coupon_terms.basket(
        lines=lines,
        currency=purchase.currency,
        customer_id=customer,
        segments=segments,
        store=store,
        at=purchase.purchased_at,
    )


def _multiplied(coupon: Coupon, one: eligibility.Multiplied) -> earning.CouponMultiplier:
    positions = tuple(at + 1 for at in one.lines)
    return earning.CouponMultiplier(coupon.display_code, coupon.offer_id, coupon.offer.title, one.milli, positions)


def points_value(*, purchase: PurchaseIn, left_minor: int, program: Program) -> int:
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


def points_payable(*, purchase: PurchaseIn, left_minor: int, program: Program, at: datetime) -> int:
    if purchase.customer is None or purchase.currency != program.currency:
        return 0
    available = points.summary(customer=purchase.customer, at=at).available
    return min(available, left_minor // program.point_value_minor)


def gift_card_value(*, purchase: PurchaseIn, left_minor: int) -> int:
    """What gift cards paid of what is left after coupons and points."""
    if not 0 <= purchase.gift_card_minor <= left_minor:
        raise GiftCardExceedsAmount
    return purchase.gift_card_minor


def earned(
    *,
    purchase: PurchaseIn,
    priced: Priced,
    points_value_minor: int,
    store: Store,
    program: Program,
    booking: Facts | None = None,
) -> earning.Earned:
    """What the basket earns. For a booking, which has read the facts, the account is locked where something of the
    customer's counts, so that two tills cannot both fill a cap, and a tier that the other one has just given counts.

    Coupons that multiply points and add none are refused in `priced`: they would be used up for nothing.
    """
    at, customer = purchase.purchased_at, purchase.customer
    terms: rules.EffectiveTerms = {"at": at, "currency": program.currency, "earns_on_tax": program.earns_on_tax}
    known = rules.effective_of(versions=booking.terms.rules, **terms) if booking else rules.effective(**terms)
    catalog = _catalog(purchase.lines, booking) if known.multipliers else {}
    by_tier = any(multiplier.tier for multiplier in known.multipliers)
    if booking and customer and (known.caps or by_tier):
        points.lock(customer=customer)
    if known.caps and customer:
        known = replace(known, caps=rules.with_earned_before(caps=known.caps, customer=customer, at=at))
    basket = earning.Basket(
        store=store.pk,
        currency=purchase.currency,
        lines=[
            earning.Line(line.amount_minor, discount, *catalog.get(line, _UNKNOWN), line.tax_minor)
            for line, discount in zip(purchase.lines, priced.line_discounts, strict=True)
        ],
        points_value_minor=points_value_minor,
        gift_card_minor=purchase.gift_card_minor,
        tier=tiers.tier_at(customer=customer, at=at) if by_tier and customer else None,
        local_at=at.astimezone(ZoneInfo(store.timezone)),
    )
    return _with_coupons(basket, known, priced)


def _with_coupons(basket: earning.Basket, known: earning.Rules, priced: Priced) -> earning.Earned:
    """With each coupon that adds points, the highest first."""
    earned = earning.points_for(basket=basket, rules=known)
    by_code = {coupon.display_code: coupon for coupon in priced.found}
    for one in priced.multiplied:
        more = replace(basket, coupons=(*basket.coupons, one))
        raised = earning.points_for(basket=more, rules=known)
        if raised.points > earned.points:
            basket, earned = more, raised
        else:
            priced.refuse("coupon_worth_nothing", by_code[one.coupon])
    return earned


def _catalog(lines: Sequence[LineIn], booking: Facts | None) -> Mapping[LineIn, tuple[int | None, int | None]]:
    """By line its product and category (row ids), the category of what nobody has sold before by the till's word."""
    products: Mapping[str, tuple[int, int | None]]
    if booking and all(line.sku in booking.products for line in lines):
        products = booking.products
    else:
        rows = Product.objects.filter(sku__in={line.sku for line in lines}).values_list("sku", "pk", "category_id")
        products = {sku: (product, category) for sku, product, category in rows}
    strange = {line.category for line in lines if line.sku not in products}
    categories = dict(Category.objects.filter(code__in=strange).values_list("code", "pk")) if strange else {}
    return {line: products.get(line.sku, (None, categories.get(line.category))) for line in lines}
