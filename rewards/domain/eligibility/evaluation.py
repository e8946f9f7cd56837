"""What the good ones of several coupons take off together."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from rewards.domain.eligibility.baskets import Basket, Index
from rewards.domain.eligibility.reasons import Refusal, refusal_of, refusal_of_limits
from rewards.domain.eligibility.terms import CouponIn, Terms


@dataclass(frozen=True, slots=True)
class Multiplied:
    """The points of `lines` (positions from 0) count `milli` / 1000 times by this coupon."""

    code: str
    milli: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """By coupon code: its discount, or the word for its refusal. `line_discounts` are those of all coupons together."""

    discounts: dict[str, int]
    refusals: dict[str, Refusal]
    line_discounts: tuple[int, ...]
    multiplied: tuple[Multiplied, ...] = ()

    @property
    def discount_minor(self) -> int:
        return sum(self.discounts.values())


def evaluate(*, coupons: Sequence[CouponIn], basket: Basket) -> Evaluation:
    """Applies the coupons that are good. Several count only when all of these can be combined."""
    index = Index(basket.lines or ())
    refusals = {one.code: refusal_of(coupon=one, basket=basket, index=index) for one in coupons}
    good = [coupon for coupon in coupons if not refusals[coupon.code]]
    if len(good) > 1 and not all(coupon.terms.is_stackable for coupon in good):
        refusals.update({coupon.code: "coupons_not_combinable" for coupon in good})
        good = []
    return applied(good, index, {code: word for code, word in refusals.items() if word})


def applied(coupons: Iterable[CouponIn], index: Index, refusals: dict[str, Refusal] | None = None) -> Evaluation:
    """Applies coupons that are good by themselves, one after the other."""
    run = _Run(index, refusals=dict(refusals or {}))
    for coupon in sorted(coupons, key=_turn):
        run.apply(coupon)
    shares = tuple(line.amount_minor - left for line, left in zip(index.lines, run.left, strict=True))
    return Evaluation(run.discounts, run.refusals, shares, tuple(run.multiplied))


def alone(terms: Terms, index: Index) -> int:
    """What a coupon that is good takes off by itself."""
    if terms.kind == "FREE_PRODUCT":
        return _free(terms, index, index.amounts, index.units)[0]
    return _discount(terms, index.eligible_minor(terms))


def spread(discount: int, amounts: Sequence[int], ranks: Sequence[int]) -> list[int]:
    """Shares of `discount` in proportion to `amounts`, whole units by largest remainder; of equal remainders the larger
    amount first, then the lower rank."""
    total = sum(amounts)
    if not total:
        return [0] * len(amounts)
    shares = [discount * amount // total for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda i: (-(discount * amounts[i] % total), -amounts[i], ranks[i]))
    for i in by_remainder[: discount - sum(shares)]:
        shares[i] += 1
    return shares


@dataclass(slots=True)
class _Run:
    """`left` is what the lines still cost, `units` how many of each line were not given for nothing."""

    index: Index
    refusals: dict[str, Refusal]
    discounts: dict[str, int] = field(default_factory=dict)
    multiplied: list[Multiplied] = field(default_factory=list)
    used: Counter[int] = field(default_factory=Counter)
    spent: Counter[int] = field(default_factory=Counter)
    left: list[int] = field(init=False)
    units: list[Fraction] = field(init=False)
    _milli: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left, self.units = list(self.index.amounts), list(self.index.units)

    def apply(self, coupon: CouponIn) -> None:
        terms = coupon.terms
        lines: Sequence[int]
        if terms.kind == "FREE_PRODUCT":
            discount, lines = _free(terms, self.index, self.left, self.units)
        else:
            lines = self.index.eligible(terms)
            discount = _discount(terms, sum(self.left[at] for at in lines))
        multiplied = self._raised(terms, lines)
        refusal = refusal_of_limits(coupon.left, self.used[terms.offer])
        budget = coupon.left.budget_minor
        if not refusal and not discount and not multiplied and terms.kind != "GIFT":
            refusal = "coupon_worth_nothing"
        if not refusal and budget is not None and discount + terms.cost_minor > budget - self.spent[terms.offer]:
            refusal = "offer_budget_spent"
        if refusal:
            self.refusals[coupon.code] = refusal
            return
        if terms.kind == "FREE_PRODUCT" and discount == int(_unit_minor(self.left[lines[0]], self.units[lines[0]])):
            self.units[lines[0]] = max(self.units[lines[0]] - 1, Fraction(0))
        self._book(coupon, discount, lines)
        if multiplied:
            self._milli.update(dict.fromkeys(multiplied, terms.points_milli))
            self.multiplied.append(Multiplied(coupon.code, terms.points_milli, multiplied))

    def _book(self, coupon: CouponIn, discount: int, lines: Sequence[int]) -> None:
        offer = coupon.terms.offer
        self.discounts[coupon.code] = discount
        self.used[offer] += 1
        self.spent[offer] += discount + coupon.terms.cost_minor
        shares = spread(discount, [self.left[at] for at in lines], [self.index.ranks[at] for at in lines])
        for at, share in zip(lines, shares, strict=True):
            self.left[at] -= share

    def _raised(self, terms: Terms, lines: Sequence[int]) -> tuple[int, ...]:
        """The lines that cost something and that no higher multiplier counts for."""
        if terms.kind != "MULTIPLIER":
            return ()
        return tuple(at for at in lines if self.left[at] and at not in self._milli)


def _turn(coupon: CouponIn) -> tuple[bool, int, bool, str]:
    """Multipliers come last, the highest first: they count for what is left to pay."""
    terms = coupon.terms
    if terms.kind == "MULTIPLIER":
        return True, -terms.points_milli, True, coupon.code
    return False, -terms.priority, terms.kind != "PERCENT", coupon.code


def _discount(terms: Terms, eligible_minor: int) -> int:
    """Of what the lines that it is for still cost; never more than that."""
    if terms.kind == "AMOUNT":
        return min(terms.amount_minor, eligible_minor)
    if terms.kind == "PERCENT":
        percent = terms.percent
        return _at_most(terms, eligible_minor * percent.numerator // (percent.denominator * 100))
    return 0


def _free(terms: Terms, index: Index, left: Sequence[int], units: Sequence[Fraction]) -> tuple[int, Sequence[int]]:
    """What one unit of the free product still costs, rounded down, and the line it is taken off: the dearest."""
    worth = {at: _unit_minor(left[at], units[at]) for at in index.of_product(terms.free_product)}
    if not worth:
        return 0, ()
    line = min(worth, key=lambda at: (-worth[at], -left[at], units[at], index.ranks[at]))
    return _at_most(terms, int(worth[line])), (line,)


def _unit_minor(left: int, units: Fraction) -> Fraction:
    """Less than one, of goods that are weighed, is all that there is."""
    return Fraction(left) / units if units > 1 else Fraction(left)


def _at_most(terms: Terms, discount: int) -> int:
    return discount if terms.discount_max_minor is None else min(discount, terms.discount_max_minor)
