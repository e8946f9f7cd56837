"""Booking what was bought and what came back, each told fact once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from customers.models import (
    Category,
    Customer,
    Product,
    Purchase,
    PurchaseLine,
    PurchaseReturn,
    PurchaseReturnLine,
    PurchaseSource,
    Store,
    Till,
)
from loyalty_site.lib import ids, statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError

# ON CONFLICT waits for a rival's transaction: when it commits, nothing comes back here and its row can be read.
_RECORD = (
    "SELECT purchases_record(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
    " %s::bigint[], %s::numeric[], %s::bigint[], %s::bigint[], %s::bigint[])"
)
_INSERT_RETURN = """
    INSERT INTO customers_purchasereturn (
        purchase_id, store_id, return_number, returned_at, recorded_at, recorded_by, fingerprint)
    VALUES (%(purchase)s, %(store)s, %(number)s, %(returned_at)s, %(at)s, %(by)s, %(fingerprint)s)
    ON CONFLICT (store_id, return_number) DO NOTHING
    RETURNING *
"""


@dataclass(frozen=True, slots=True)
class LineIn:
    """`amount_minor` is after the line's own price cuts, before coupons and points; `tax_minor` is the tax contained in
    it, where the till tells. `category` may be empty."""

    sku: str
    name: str
    category: str
    quantity: Decimal
    amount_minor: int
    tax_minor: int = 0


@dataclass(frozen=True, slots=True)
class ReturnLineIn:
    """`position` is the purchase line's, from 1."""

    position: int
    quantity: Decimal
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LineLeft:
    """A purchase line and how much of it came back so far; amounts in minor units."""

    position: int
    quantity: Decimal
    amount_minor: int
    discount_minor: int
    returned_quantity: Decimal
    returned_minor: int
    tax_minor: int = 0

    @property
    def is_all_back(self) -> bool:
        return (self.returned_quantity, self.returned_minor) == (self.quantity, self.amount_minor)

    @property
    def net_minor(self) -> int:
        return self.amount_minor - self.discount_minor

    @property
    def net_left_minor(self) -> int:
        """The coupons' discount goes with the goods, in whole minor units rounded down."""
        if not self.amount_minor:
            return 0
        return self.net_minor * (self.amount_minor - self.returned_minor) // self.amount_minor


class PurchaseUnknown(DomainError):
    code = "purchase_unknown"
    message = _("There is no purchase %(purchase)s.")


class ReceiptConflict(DomainError):
    code = "receipt_conflict"
    message = _("Receipt %(receipt_number)s was already told with another content.")


class ReturnConflict(DomainError):
    code = "return_conflict"
    message = _("Return %(return_number)s was already told with another content.")


class ReturnLineUnknown(DomainError):
    code = "return_line_unknown"
    message = _("The purchase has no line %(line)s, or the return names it twice.")


class ReturnExceedsPurchase(DomainError):
    code = "return_exceeds_purchase"
    message = _("More of line %(line)s would come back than was bought and not yet returned.")


def record(
    *,
    store: Store,
    till: Till | None,
    customer: Customer | None,
    receipt_number: str,
    purchased_at: datetime,
    currency: str,
    lines: Sequence[LineIn],
    discounts: Sequence[int] = (),
    points_value_minor: int = 0,
    gift_card_minor: int = 0,
    source: PurchaseSource,
    fingerprint: bytes,
    by: Actor,
    at: datetime,
    products: Mapping[str, int] | None = None,
) -> tuple[Purchase, bool]:
    """The purchase and whether this call made it.

    `discounts` are the lines' shares of the coupons' discount, in their order; `gift_card_minor` is the part of what
    remains to pay that gift cards paid. `fingerprint` is the SHA-256 of the fact
    as it was told: the same receipt with the same one finds the first purchase, with another raises ReceiptConflict.
    `products` are ids by sku, where the caller has looked them up.
    """
    if till is not None and till.store_id != store.pk:
        raise ValueError("a till tells of its own store only")
    total, discount = sum(line.amount_minor for line in lines), sum(discounts)
    purchase = Purchase(
        store=store,
        receipt_number=receipt_number,
        customer=customer,
        source=source,
        purchased_at=purchased_at,
        recorded_at=at,
        recorded_by=str(by),
        currency=currency,
        total_minor=total,
        discount_minor=discount,
        points_value_minor=points_value_minor,
        paid_minor=total - discount - points_value_minor,
        gift_card_minor=gift_card_minor,
        fingerprint=fingerprint,
    )
    if _insert(purchase, lines, discounts, _known_products(lines) if products is None else products):
        return purchase, True
    purchase = Purchase.objects.get(store=store, receipt_number=receipt_number)
    _refuse_another_fact(purchase, fingerprint)
    return purchase, False


def by_id(*, text: str) -> Purchase:
    """With its store and customer. Raises PurchaseUnknown."""
    purchase = Purchase.objects.select_related("store", "customer").filter(pk=ids.parse(text)).first()
    if purchase is None:
        raise PurchaseUnknown(purchase=text)
    return purchase


def told(*, store: Store, receipt_number: str, fingerprint: bytes) -> Purchase | None:
    """The purchase, if this fact is known already. Raises ReceiptConflict when another one has its number."""
    purchase = Purchase.objects.filter(store=store, receipt_number=receipt_number).first()
    if purchase:
        _refuse_another_fact(purchase, fingerprint)
    return purchase


@transaction.atomic
def record_return(
    *,
    purchase: Purchase,
    store: Store,
    return_number: str,
    returned_at: datetime,
    lines: Sequence[ReturnLineIn],
    fingerprint: bytes,
    by: Actor,
    at: datetime,
) -> tuple[PurchaseReturn, bool]:
    """The return and whether this call made it; `store` is where the goods came back.

    Raises ReturnConflict, ReturnLineUnknown or ReturnExceedsPurchase. The purchase's lines stay locked until the
    transaction ends: nobody else brings any of them back meanwhile.
    """
    bought = {line.position: line for line in purchase.lines.select_for_update(no_key=True).order_by("position")}
    values = {
        "purchase": purchase.pk,
        "store": store.pk,
        "number": return_number,
        "returned_at": returned_at,
        "at": at,
        "by": str(by),
        "fingerprint": fingerprint,
    }
    for made in PurchaseReturn.objects.raw(_INSERT_RETURN, values):
        made.purchase, made.store = purchase, store
        _insert_return_lines(made, lines, bought)
        return made, True
    known = PurchaseReturn.objects.get(store=store, return_number=return_number)
    if bytes(known.fingerprint) != fingerprint:
        raise ReturnConflict(return_number=return_number)
    return known, False


def lines_left(*, purchase: Purchase) -> list[LineLeft]:
    """All lines of a purchase, by position, with what came back of them."""
    bought = list(purchase.lines.order_by("position"))
    returned = _returned(bought)
    return [
        LineLeft(
            line.position,
            line.quantity,
            line.amount_minor,
            line.discount_minor,
            *returned.get(line.pk, (Decimal(0), 0)),
            line.tax_minor,
        )
        for line in bought
    ]


def _refuse_another_fact(purchase: Purchase, fingerprint: bytes) -> None:
    if bytes(purchase.fingerprint) != fingerprint:
        raise ReceiptConflict(receipt_number=purchase.receipt_number)


def _insert(purchase: Purchase, lines: Sequence[LineIn], discounts: Sequence[int], products: Mapping[str, int]) -> bool:
    """With its lines, in one statement where all products are known; False when the receipt was told before."""
    if all(line.sku in products for line in lines):
        return _insert_rows(purchase, lines, discounts, products)
    with transaction.atomic():
        if not _insert_rows(purchase, (), (), {}):
            return False
        _insert_lines(purchase, lines, discounts)
        return True


def _insert_rows(
    purchase: Purchase, lines: Sequence[LineIn], discounts: Sequence[int], products: Mapping[str, int]
) -> bool:
    values = (
        purchase.store_id,
        purchase.receipt_number,
        purchase.customer_id,
        str(purchase.source),
        purchase.purchased_at,
        purchase.recorded_at,
        purchase.recorded_by,
        purchase.currency,
        purchase.total_minor,
        purchase.discount_minor,
        purchase.points_value_minor,
        purchase.gift_card_minor,
        purchase.fingerprint,
        statements.numbers(products[line.sku] for line in lines),
        statements.numbers(line.quantity for line in lines),
        statements.numbers(line.amount_minor for line in lines),
        statements.numbers(discounts or [0] * len(lines)),
        statements.numbers(line.tax_minor for line in lines),
    )
    ((made,),) = statements.rows(_RECORD, values)
    if made is None:
        return False
    purchase.pk = made
    purchase._state.adding, purchase._state.db = False, connection.alias
    return True


def _insert_lines(purchase: Purchase, lines: Sequence[LineIn], discounts: Sequence[int]) -> None:
    """Of which some sell what nobody has sold before."""
    products = _products(lines)
    shares = discounts or [0] * len(lines)
    PurchaseLine.objects.bulk_create(
        PurchaseLine(
            purchase=purchase,
            position=position,
            product=products[line.sku],
            quantity=line.quantity,
            amount_minor=line.amount_minor,
            discount_minor=discount,
            tax_minor=line.tax_minor,
        )
        for position, (line, discount) in enumerate(zip(lines, shares, strict=True), start=1)
    )


def _known_products(lines: Sequence[LineIn]) -> dict[str, int]:
    return dict(Product.objects.filter(sku__in={line.sku for line in lines}).values_list("sku", "pk"))


def _products(lines: Sequence[LineIn]) -> dict[str, Product]:
    """By sku. Missing ones are made in the order of their skus, so that two tills never wait in a ring."""
    skus = {line.sku for line in lines}
    known = Product.objects.in_bulk(skus, field_name="sku")
    missing = {line.sku: line for line in reversed(lines) if line.sku not in known}
    if not missing:
        return known
    categories = _categories({line.category for line in missing.values()})
    Product.objects.bulk_create(
        [
            Product(sku=sku, name=line.name or sku, category=categories.get(line.category))
            for sku, line in sorted(missing.items())
        ],
        ignore_conflicts=True,
    )
    return Product.objects.in_bulk(skus, field_name="sku")


def _categories(codes: set[str]) -> dict[str, Category]:
    wanted = sorted(codes - {""})
    made = [Category(code=code, name=code) for code in wanted]
    Category.objects.bulk_create(made, ignore_conflicts=True)
    return Category.objects.in_bulk(wanted, field_name="code")


def _insert_return_lines(made: PurchaseReturn, lines: Sequence[ReturnLineIn], bought: dict[int, PurchaseLine]) -> None:
    """`bought` is locked: two returns of one purchase cannot both take the last piece."""
    unnamed, returned = dict(bought), _returned(bought.values())
    for line in lines:
        source = unnamed.pop(line.position, None)
        if source is None:
            raise ReturnLineUnknown(line=line.position)
        quantity, amount_minor = returned.get(source.pk, (Decimal(0), 0))
        if line.quantity + quantity > source.quantity or line.amount_minor + amount_minor > source.amount_minor:
            raise ReturnExceedsPurchase(line=line.position)
    PurchaseReturnLine.objects.bulk_create(
        PurchaseReturnLine(
            purchase_return=made, line=bought[line.position], quantity=line.quantity, amount_minor=line.amount_minor
        )
        for line in lines
    )


def _returned(bought: Iterable[PurchaseLine]) -> dict[int, tuple[Decimal, int]]:
    """Quantity and amount that came back already, by purchase line."""
    rows = PurchaseReturnLine.objects.filter(line__in=list(bought)).values_list("line")
    return {line: (quantity, amount) for line, quantity, amount in rows.annotate(Sum("quantity"), Sum("amount_minor"))}
