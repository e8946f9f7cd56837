"""Baskets as the calculator reads them, looked up by product and category."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from rewards.domain.eligibility.terms import NONE, Terms


@dataclass(frozen=True, slots=True)
class Line:
    """Amounts in minor units, before coupons and points. `product` and `category` are row ids, None when nobody knows
    them yet; `sku` and `tax_minor` only tell lines apart."""

    amount_minor: int
    product: int | None = None
    category: int | None = None
    quantity: Decimal = Decimal(1)
    sku: str = ""
    tax_minor: int = 0


@dataclass(frozen=True, slots=True)
class Basket:
    """`lines` is None while nobody knows what will be bought, `store` and `local_at` (the time on its clock) while
    nobody knows where: then nothing is refused for their sake. `segments` are those of the customer."""

    lines: Sequence[Line] | None
    currency: str
    customer: int | None
    purchased_at: datetime
    store: int | None = None
    local_at: datetime | None = None
    segments: frozenset[int] = NONE


class Index:
    """The lines by product and by category, so that an offer is looked at without looking at every line.

    `ranks` order the lines by their content: equal lines have equal ranks.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.amounts = [line.amount_minor for line in lines]
        self.units = [Fraction(line.quantity) for line in lines]
        self.total_minor = sum(self.amounts)
        self._by_product: defaultdict[int | None, list[int]] = defaultdict(list)
        self._by_category: defaultdict[int | None, list[int]] = defaultdict(list)
        self._of_product: defaultdict[int | None, int] = defaultdict(int)
        self._of_category: defaultdict[int | None, int] = defaultdict(int)
        self._category: dict[int | None, int | None] = {}
        for position, line in enumerate(lines):
            self._by_product[line.product].append(position)
            self._by_category[line.category].append(position)
            self._of_product[line.product] += line.amount_minor
            self._of_category[line.category] += line.amount_minor
            self._category[line.product] = line.category
        contents = [_content(line) for line in lines]
        ranks = {content: rank for rank, content in enumerate(sorted(set(contents)))}
        self.ranks = [ranks[content] for content in contents]

    def fits(self, terms: Terms) -> bool:
        """Whether an offer is for any of the lines."""
        return terms.is_for_all_lines or bool(
            terms.products & self._by_product.keys() or terms.categories & self._by_category.keys()
        )

    def eligible_minor(self, terms: Terms) -> int:
        """What the lines that an offer is for cost together, before coupons."""
        if terms.is_for_all_lines:
            return self.total_minor
        categories = terms.categories & self._of_category.keys()
        alone = (one for one in terms.products & self._of_product.keys() if self._category[one] not in categories)
        return sum(self._of_category[one] for one in categories) + sum(self._of_product[one] for one in alone)

    def eligible(self, terms: Terms) -> Sequence[int]:
        """Which lines (from 0) an offer is for."""
        if terms.is_for_all_lines:
            return range(len(self.lines))
        found = {at for one in terms.categories & self._by_category.keys() for at in self._by_category[one]}
        found.update(at for one in terms.products & self._by_product.keys() for at in self._by_product[one])
        return sorted(found)

    def of_product(self, product: int | None) -> Sequence[int]:
        return self._by_product[product] if product in self._by_product and product is not None else ()


def _content(line: Line) -> tuple[int, str, int, int, Decimal, int]:
    return (
        line.amount_minor,
        line.sku,
        line.product or 0,
        line.category or 0,
        line.quantity,
        line.tax_minor,
    )
