"""What a purchase is priced by: read in one look; the terms are kept from the last purchase while they are the same."""

from collections.abc import Mapping
from dataclasses import dataclass

from customers.models import Store
from loyalty_site.lib import codes, statements
from rewards.domain import coupon_terms, coupons, rules
from rewards.domain.checkout.told import PurchaseIn
from rewards.models import Coupon, EarningRule, Offer, Program, Tier


@dataclass(frozen=True, slots=True)
class Terms:
    """Programme, earning rules of all times, and whether there are tiers, as of one version of their rows."""

    version: int
    program: Program
    rules: tuple[EarningRule, ...]
    has_tiers: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """`products` are (product, category) ids by sku, of those that are known; `coupons` by code, of those that the
    purchase names, with their offers, and `scopes` what stands beside these by their ids."""

    is_told: bool
    terms: Terms
    may_surprise: bool
    may_draw: bool
    products: Mapping[str, tuple[int, int | None]]
    coupons: Mapping[str, Coupon]
    scopes: Mapping[int, coupon_terms.Scope]


_kept: Terms | None = None


def read(*, purchase: PurchaseIn, store: Store) -> Facts:
    values = (
        store.pk,
        purchase.receipt_number,
        statements.texts(sorted({line.sku for line in purchase.lines})),
        purchase.purchased_at,
        sum(line.amount_minor for line in purchase.lines),
        statements.texts(sorted({codes.normalize(text) for text in purchase.coupons})),
        purchase.customer.pk if purchase.customer else None,
        purchase.purchased_at,
    )
    found = statements.rows(_READ, values)
    is_told, version, may_surprise, may_draw, *products = found[0][:_OWN]
    skus, ids, categories = (known or () for known in products)
    named = [(coupons.of_row(row[_OWN:_COUPON]), row[_COUPON:]) for row in found if row[_OWN] is not None]
    return Facts(
        is_told=is_told,
        terms=_terms(version),
        may_surprise=may_surprise,
        may_draw=may_draw,
        products=dict(zip(skus, zip(ids, categories, strict=True), strict=True)),
        coupons={coupon.code: coupon for coupon, _ in named},
        scopes={coupon.offer_id: coupon_terms.Scope.of_row(scope) for coupon, scope in named},
    )


def _terms(version: int) -> Terms:
    """What was read for the last purchase, as long as the version is the same. Terms that were read after a change that
    came later than their version are read again by the next purchase."""
    global _kept
    kept = _kept
    if kept is None or kept.version != version:
        kept = _kept = Terms(
            version, Program.objects.current(), rules.all_versions(), Tier.objects.filter(is_active=True).exists()
        )
    return kept


_OWN = 7
_COUPON = _OWN + len(Coupon._meta.concrete_fields) + len(Offer._meta.concrete_fields)
# One look, of one moment: a coupon is never seen used by a receipt that is not seen told.
_READ = (
    "SELECT is_told, terms_version, may_surprise, may_draw, skus, facts.products, facts.categories,"  # noqa: S608
    f" {statements.columns(Coupon, '(shown.coupon)')}, {statements.columns(Offer, '(shown.offer)')},"
    " shown.products, shown.categories, shown.stores, is_member, used_by_customer, used_in_period,"
    " used_by_customer_in_period"
    " FROM checkout_facts(%s, %s, %s::text[], %s, %s) AS facts"
    " LEFT JOIN coupons_shown(%s::text[], %s, %s) AS shown ON true"
)
