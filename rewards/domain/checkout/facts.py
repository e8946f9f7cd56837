"""What a purchase is priced by: read in one look; the terms are kept from the last purchase while they are the same."""

from collections.abc import Mapping
from dataclasses import dataclass

from customers.models import Store
from loyalty_site.lib import statements
from rewards.domain import rules
from rewards.domain.checkout.told import PurchaseIn
from rewards.models import EarningRule, Program, Tier


@dataclass(frozen=True, slots=True)
class Terms:
    """Programme, earning rules of all times, and whether there are tiers, as of one version of their rows."""

    version: int
    program: Program
    rules: tuple[EarningRule, ...]
    has_tiers: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """`products` are (product, category) ids by sku, of those that are known."""

    is_told: bool
    terms: Terms
    may_surprise: bool
    may_draw: bool
    products: Mapping[str, tuple[int, int | None]]


_kept: Terms | None = None


def read(*, purchase: PurchaseIn, store: Store) -> Facts:
    values = (
        store.pk,
        purchase.receipt_number,
        sorted({line.sku for line in purchase.lines}),
        purchase.purchased_at,
        sum(line.amount_minor for line in purchase.lines),
    )
    ((is_told, version, may_surprise, may_draw, *products),) = statements.rows(_READ, values)
    skus, ids, categories = (found or () for found in products)
    known = dict(zip(skus, zip(ids, categories, strict=True), strict=True))
    return Facts(is_told, _terms(version), may_surprise, may_draw, known)


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


_READ = (
    "SELECT is_told, terms_version, may_surprise, may_draw, skus, products, categories"
    " FROM checkout_facts(%s, %s, %s::text[], %s, %s)"
)
