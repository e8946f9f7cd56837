"""Books receipts: what they name first, then chunk after chunk of whole receipts."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import enrollment
from customers.domain.imports import checking, returns
from customers.domain.imports.checking import Chunk
from customers.domain.imports.scratch import Scratch
from loyalty_site.lib import foreign_keys
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError


class DeletedMeanwhile(DomainError):
    code = "deleted_meanwhile"
    message = _("A store, product or customer that the file names was deleted during the import. Run it again.")


@dataclass(slots=True)
class Booked:
    """Of one chunk: ids of the customers' purchases and of returns, and how much of what was booked."""

    purchases: list[int] = field(default_factory=list)
    returns: list[int] = field(default_factory=list)
    purchases_number: int = 0
    lines: int = 0
    returned_lines: int = 0
    amount_minor: Counter[str] = field(default_factory=Counter)


def make_what_is_named(scratch: Scratch, *, at: datetime) -> int:
    """Stores, categories, products and customers of the receipts to book. Returns how many customers were enrolled."""
    with transaction.atomic():
        scratch.run("make_stores")
        scratch.execute(
            "UPDATE scratch.stores store SET id = made.id FROM customers_store made"
            " WHERE store.id IS NULL AND made.code = store.code"
        )
    _make_products(scratch)
    enrolled = _enroll(scratch, at)
    for table in ("stores", "skus", "keys"):
        scratch.execute(f"ANALYZE scratch.{table}")
    return enrolled


@transaction.atomic
def book(scratch: Scratch, chunk: Chunk, *, again: bool = False, by: Actor, at: datetime) -> Booked:
    """What the facts point to is locked first, in this very transaction: nobody deletes it before they are booked.

    Raises DeletedMeanwhile, and IntegrityError when somebody tells one of the receipts at this moment: then call it
    `again`.
    """
    span = {"first": chunk.first, "last": chunk.last}
    booked = Booked()
    if scratch.run_for_rows("held", span)[0][0]:
        raise DeletedMeanwhile
    if again:
        checking.settle_known(scratch, **span)
    returns.match(scratch, **span)
    with foreign_keys.proven():
        _book_purchases(scratch, booked, {**span, "at": at, "by": str(by)})
        booked.returns = [row[0] for row in scratch.run_for_rows("returns", {**span, "at": at, "by": str(by)})]
    _count_returns(scratch, booked, span)
    return booked


def _book_purchases(scratch: Scratch, booked: Booked, values: dict[str, object]) -> None:
    rows = scratch.run_for_rows("purchases", values)
    booked.purchases = [purchase for purchase, has_customer, _, _ in rows if has_customer]
    booked.purchases_number = len(rows)
    for _purchase, _has_customer, currency, total_minor in rows:
        booked.amount_minor[currency] += total_minor
    booked.lines = scratch.run("purchase_lines", values)


def _count_returns(scratch: Scratch, booked: Booked, span: dict[str, int]) -> None:
    rows = scratch.execute(
        "SELECT receipt.currency, count(*), sum(match.amount_minor)::bigint"
        " FROM scratch.matches match JOIN scratch.receipts receipt ON receipt.no = match.receipt_no"
        " WHERE match.receipt_no BETWEEN %(first)s AND %(last)s GROUP BY receipt.currency",
        span,
    )
    for currency, lines, amount_minor in rows:
        booked.returned_lines += lines
        booked.amount_minor[currency] -= amount_minor


@transaction.atomic
def _make_products(scratch: Scratch) -> None:
    if scratch.number_of("settled") or scratch.number_of("findings"):
        scratch.run("new_skus")
    scratch.run("make_categories")
    scratch.execute(
        "SELECT count(*) FROM (SELECT FROM customers_category WHERE code IN (SELECT category FROM scratch.skus)"
        " FOR KEY SHARE) held"
    )
    with foreign_keys.proven():
        made = scratch.run("make_products")
    if made < scratch.number_of("skus", "is_new"):
        scratch.run("made_elsewhere")


@transaction.atomic
def _enroll(scratch: Scratch, at: datetime) -> int:
    """A key that somebody enrolled since the check is found by its card; nobody adds cards meanwhile."""
    scratch.execute("LOCK TABLE customers_card IN SHARE ROW EXCLUSIVE MODE")
    scratch.execute(
        "UPDATE scratch.keys key SET customer_id = card.customer_id FROM customers_card card"
        " WHERE key.customer_id IS NULL AND card.number = key.key"
    )
    wanted = scratch.run("newcomers")
    if wanted:
        _choose_numbers(scratch, wanted)
        scratch.run("enroll", {"language": settings.LANGUAGE_CODE, "at": at})
    return wanted


def _choose_numbers(scratch: Scratch, wanted: int) -> None:
    """As many customer numbers as wanted, none of them taken."""
    scratch.execute("CREATE UNLOGGED TABLE scratch.numbers (no serial, number text UNIQUE)")
    numbers: set[str] = set()
    while len(numbers) < wanted:
        numbers.update(enrollment.new_number() for _ in range(wanted - len(numbers)))
        taken = scratch.execute("SELECT number FROM customers_customer WHERE number = ANY(%(n)s)", {"n": list(numbers)})
        numbers.difference_update(number for (number,) in taken)
    scratch.execute(
        "INSERT INTO scratch.numbers (number) SELECT unnest(%(numbers)s::text[])", {"numbers": list(numbers)}
    )
