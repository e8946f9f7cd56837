"""How many points a basket earns: arithmetic on integers, no database, no clock.

points = ⌊ Σ (net of line × multiplier of line) × paid / net × rate ⌋, where a line's net is its amount minus its share
of the coupons' discount, net is their sum, paid is net minus the part paid with points, and the rate is points for
every so many minor units. It is rounded once, on the whole basket: each line by itself would lose a sixth of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypedDict

MILLI = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """Amounts in minor units. `product` and `category` are row ids, None when nobody knows them yet."""

    amount_minor: int
    discount_minor: int = 0
    product: int | None = None
    category: int | None = None

    @property
    def net_minor(self) -> int:
        return self.amount_minor - self.discount_minor


@dataclass(frozen=True, slots=True)
class Basket:
    store: int
    currency: str
    lines: Sequence[Line]
    points_value_minor: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """`points` for every `per_minor` minor units paid."""

    code: str
    version: int
    name: str
    points: int
    per_minor: int


@dataclass(frozen=True, slots=True)
class Multiplier:
    """Lines of `category`, `product` and `store` (each when set) count `milli` / 1000 times; 0 leaves them out."""

    code: str
    version: int
    name: str
    milli: int
    category: int | None = None
    product: int | None = None
    store: int | None = None

    def fits(self, line: Line, store: int) -> bool:
        return (
            self.category in (None, line.category)
            and self.product in (None, line.product)
            and self.store in (None, store)
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """What was in force when the purchase was made. `currency` is the only one that earns."""

    currency: str
    rates: Sequence[Rate]
    multipliers: Sequence[Multiplier] = ()


class RateNote(TypedDict):
    code: str
    version: int
    name: str
    points: int
    per_minor: int


class MultiplierNote(TypedDict):
    code: str
    version: int
    name: str
    multiplier: str  # "2", "1.5"; "0": left out
    lines: list[int]  # from 1
    net_minor: int  # of these lines together


class Breakdown(TypedDict):
    """What an award is explained by and a return computed from, whatever the rules are by then. JSON.

    A line that no multiplier names counts once; the lines' nets are in the purchase. `rounded_down` is what was left of
    a point, cut to three digits.
    """

    currency: str
    net_minor: int
    paid_minor: int
    rate: RateNote
    multipliers: list[MultiplierNote]
    rounded_down: str


@dataclass(frozen=True, slots=True)
class Earned:
    """`reason` says why there are no points: other_currency, no_rate, nothing_paid, left_out or too_little."""

    points: int
    breakdown: Breakdown | None = None
    reason: str = ""


def points_for(*, basket: Basket, rules: Rules) -> Earned:
    """The points of a basket with their breakdown, or 0 with the reason."""
    rate = best_rate(rules.rates)
    net = sum(line.net_minor for line in basket.lines)
    paid = net - basket.points_value_minor
    if basket.currency != rules.currency:
        return Earned(0, reason="other_currency")
    if rate is None:
        return Earned(0, reason="no_rate")
    if paid <= 0:
        return Earned(0, reason="nothing_paid")
    chosen = [best_multiplier(line, basket.store, rules.multipliers) for line in basket.lines]
    weighted = sum(
        line.net_minor * (multiplier.milli if multiplier else MILLI)
        for line, multiplier in zip(basket.lines, chosen, strict=True)
    )
    divisor = MILLI * net * rate.per_minor
    points, rest = divmod(weighted * paid * rate.points, divisor)
    if not points:
        return Earned(0, reason="too_little" if weighted else "left_out")
    breakdown: Breakdown = {
        "currency": basket.currency,
        "net_minor": net,
        "paid_minor": paid,
        "rate": {
            "code": rate.code,
            "version": rate.version,
            "name": rate.name,
            "points": rate.points,
            "per_minor": rate.per_minor,
        },
        "multipliers": _notes(basket.lines, chosen),
        "rounded_down": f"0.{rest * MILLI // divisor:03}",
    }
    return Earned(points, breakdown)


def points_left(*, breakdown: Breakdown, lines: Sequence[Line], returned: Mapping[int, int]) -> int:
    """What an award would be without what came back, by the rules that it was computed with.

    `lines` are those of the purchase, in the order of their positions from 1; `returned` is how much of each line's
    amount came back in all so far, in minor units by position. A return takes back the points left before it minus
    those left after it, so that several returns together take what one would, and nothing is left when all is back.
    The discount of a line goes with its amount, in whole minor units rounded down.
    """
    milli = {
        position: int(Fraction(note["multiplier"]) * MILLI)
        for note in breakdown["multipliers"]
        for position in note["lines"]
    }
    weighted = sum(
        line.net_minor
        * (line.amount_minor - returned.get(position, 0))
        // line.amount_minor
        * milli.get(position, MILLI)
        for position, line in enumerate(lines, start=1)
        if line.amount_minor
    )
    rate = breakdown["rate"]
    divisor = MILLI * breakdown["net_minor"] * rate["per_minor"]
    return weighted * breakdown["paid_minor"] * rate["points"] // divisor


def best_rate(rates: Sequence[Rate]) -> Rate | None:
    """The one that gives most; of equal ones the first by code."""
    return min(rates, key=lambda rate: (-Fraction(rate.points, rate.per_minor), rate.code), default=None)


def best_multiplier(line: Line, store: int, multipliers: Sequence[Multiplier]) -> Multiplier | None:
    """Of those that fit the line: one that leaves it out, else the highest; of equal ones the first by code."""
    fitting = (multiplier for multiplier in multipliers if multiplier.fits(line, store))
    return min(fitting, key=lambda one: (one.milli > 0, -one.milli, one.code), default=None)


def _notes(lines: Sequence[Line], chosen: Sequence[Multiplier | None]) -> list[MultiplierNote]:
    notes: dict[str, MultiplierNote] = {}
    for position, (line, one) in enumerate(zip(lines, chosen, strict=True), start=1):
        if one is None:
            continue
        whole, milli = divmod(one.milli, MILLI)
        note = notes.setdefault(
            one.code,
            {
                "code": one.code,
                "version": one.version,
                "name": one.name,
                "multiplier": f"{whole}.{milli:03}".rstrip("0").rstrip("."),
                "lines": [],
                "net_minor": 0,
            },
        )
        note["lines"].append(position)
        note["net_minor"] += line.net_minor
    return sorted(notes.values(), key=lambda note: note["code"])
