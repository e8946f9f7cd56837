"""How many points a basket earns: arithmetic on integers, no database, no clock.

points = ⌊ Σ (base × multiplier × coupon's multiplier of line) × paid / net × rate ⌋, then no more than the caps leave.
A line's net is its amount minus its share of the coupons' discount, its base the net, without the tax in it where tax
earns nothing; net is the sum of the lines' nets, paid is net minus the parts paid with points and with gift cards; the
rate is points for every so many minor units. It is rounded once, on the whole basket: each line by itself would lose a
sixth of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from rewards.domain.breakdowns import MILLI, Breakdown, CapNote, CouponNote, MultiplierNote, milli_by_line
from rewards.domain.windows import Window


@dataclass(frozen=True, slots=True)
class Line:
    """Amounts in minor units; `tax_minor` is contained in `amount_minor`. `product` and `category` are row ids, None
    when nobody knows them yet."""

    amount_minor: int
    discount_minor: int = 0
    product: int | None = None
    category: int | None = None
    tax_minor: int = 0

    @property
    def net_minor(self) -> int:
        return self.amount_minor - self.discount_minor

    def base_minor(self, net_minor: int, *, earns_on_tax: bool) -> int:
        """What earns of `net_minor`, a part of this line: without its share of the tax, in whole minor units rounded
        down, where tax earns nothing."""
        if earns_on_tax or not self.amount_minor:
            return net_minor
        return net_minor - net_minor * self.tax_minor // self.amount_minor

    def kept_minor(self, returned_minor: int) -> int:
        """The net of what is left when so much of the amount came back; the discount goes with it, rounded down."""
        if not self.amount_minor:
            return 0
        return self.net_minor * (self.amount_minor - returned_minor) // self.amount_minor


@dataclass(frozen=True, slots=True)
class Basket:
    """`tier` is the customer's (a row id), `local_at` the time on the store's clock."""

    store: int
    currency: str
    lines: Sequence[Line]
    points_value_minor: int = 0
    gift_card_minor: int = 0
    tier: int | None = None
    local_at: datetime | None = None
    coupons: Sequence["CouponMultiplier"] = ()


@dataclass(frozen=True, slots=True)
class CouponMultiplier:
    """A coupon, as people read it, of an offer (a row id and its title by language): what its `lines` (positions from
    1) earn by the rules counts `milli` / 1000 times. No line is in two of them."""

    coupon: str
    offer: int
    title: Mapping[str, str]
    milli: int
    lines: Sequence[int]


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
    """Lines of `category`, `product` and `store`, bought by a customer of `tier` within `window` (each when set) count
    `milli` / 1000 times; 0 leaves them out. `tier_name` is by language."""

    code: str
    version: int
    name: str
    milli: int
    category: int | None = None
    product: int | None = None
    store: int | None = None
    tier: int | None = None
    tier_name: Mapping[str, str] | None = None
    window: Window | None = None

    def fits(self, line: Line, basket: Basket) -> bool:
        return (
            self.category in (None, line.category)
            and self.product in (None, line.product)
            and self.store in (None, basket.store)
            and self.tier in (None, basket.tier)
            and (self.window is None or (basket.local_at is not None and self.window.covers(basket.local_at)))
        )


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `points` per `period` (PURCHASE, DAY, WEEK, MONTH or YEAR); `before` were earned in it already."""

    code: str
    version: int
    name: str
    points: int
    period: str
    before: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What was in force when the purchase was made. `currency` is the only one that earns."""

    currency: str
    rates: Sequence[Rate]
    multipliers: Sequence[Multiplier] = ()
    caps: Sequence[Cap] = ()
    earns_on_tax: bool = True


@dataclass(frozen=True, slots=True)
class Earned:
    """`reason` says why there are no points: other_currency, no_rate, nothing_paid, left_out, too_little or capped."""

    points: int
    breakdown: Breakdown | None = None
    reason: str = ""


def points_for(*, basket: Basket, rules: Rules) -> Earned:
    """The points of a basket with their breakdown, or 0 with the reason."""
    rate = best_rate(rules.rates)
    net = sum(line.net_minor for line in basket.lines)
    paid = net - basket.points_value_minor - basket.gift_card_minor
    if basket.currency != rules.currency:
        return Earned(0, reason="other_currency")
    if rate is None:
        return Earned(0, reason="no_rate")
    if paid <= 0:
        return Earned(0, reason="nothing_paid")
    bases = [line.base_minor(line.net_minor, earns_on_tax=rules.earns_on_tax) for line in basket.lines]
    chosen = [best_multiplier(line, basket, rules.multipliers) for line in basket.lines]
    raised = {position: coupon.milli for coupon in basket.coupons for position in coupon.lines}
    weighted = sum(
        base * (multiplier.milli if multiplier else MILLI) * raised.get(position, MILLI)
        for position, (base, multiplier) in enumerate(zip(bases, chosen, strict=True), start=1)
    )
    divisor = MILLI * MILLI * net * rate.per_minor
    computed, rest = divmod(weighted * paid * rate.points, divisor)
    if not computed:
        return Earned(0, reason="too_little" if weighted else "left_out")
    points, cuts = _capped(computed, rules.caps)
    if not points:
        return Earned(0, reason="capped")
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
        "multipliers": _notes(bases, chosen),
        "rounded_down": f"0.{rest * MILLI // divisor:03}",
    }
    if basket.gift_card_minor:
        breakdown["gift_card_minor"] = basket.gift_card_minor
    if tax := net - sum(bases):
        breakdown["tax_minor"] = tax
    if cuts:
        breakdown["caps"] = cuts
    if basket.coupons:
        breakdown["coupons"] = [_coupon_note(coupon, bases) for coupon in basket.coupons]
    return Earned(points, breakdown)


def points_left(*, breakdown: Breakdown, lines: Sequence[Line], returned: Mapping[int, int]) -> int:
    """What an award would be without what came back, by the rules that it was computed with.

    `lines` are those of the purchase, in the order of their positions from 1; `returned` is how much of each line's
    amount came back in all so far, in minor units by position. A return takes back the points left before it minus
    those left after it, so that several returns together take what one would, and nothing is left when all is back.
    What a cap cut off goes first: it was never given.
    """
    milli, raised = milli_by_line(breakdown["multipliers"]), milli_by_line(breakdown.get("coupons", ()))
    earns_on_tax = "tax_minor" not in breakdown
    weighted = sum(
        line.base_minor(line.kept_minor(returned.get(position, 0)), earns_on_tax=earns_on_tax)
        * milli.get(position, MILLI)
        * raised.get(position, MILLI)
        for position, line in enumerate(lines, start=1)
    )
    rate = breakdown["rate"]
    divisor = MILLI * MILLI * breakdown["net_minor"] * rate["per_minor"]
    points = weighted * breakdown["paid_minor"] * rate["points"] // divisor
    return min([points, *(max(0, cap["limit"] - cap["before"]) for cap in breakdown.get("caps", ()))])


def best_rate(rates: Sequence[Rate]) -> Rate | None:
    """The one that gives most; of equal ones the first by code."""
    return min(rates, key=lambda rate: (-Fraction(rate.points, rate.per_minor), rate.code), default=None)


def best_multiplier(line: Line, basket: Basket, multipliers: Sequence[Multiplier]) -> Multiplier | None:
    """Of those that fit the line: one that leaves it out, else the highest; of equal ones the first by code."""
    fitting = (multiplier for multiplier in multipliers if multiplier.fits(line, basket))
    return min(fitting, key=lambda one: (one.milli > 0, -one.milli, one.code), default=None)


def _capped(points: int, caps: Sequence[Cap]) -> tuple[int, list[CapNote]]:
    """What the caps leave, one after another in the order of their codes, and those that cut something off."""
    cuts: list[CapNote] = []
    for cap in sorted(caps, key=lambda cap: cap.code):
        room = max(0, cap.points - cap.before)
        if points > room:
            cuts.append(
                {
                    "code": cap.code,
                    "version": cap.version,
                    "name": cap.name,
                    "limit": cap.points,
                    "period": cap.period,
                    "before": cap.before,
                    "cut": points - room,
                }
            )
            points = room
    return points, cuts


def _notes(bases: Sequence[int], chosen: Sequence[Multiplier | None]) -> list[MultiplierNote]:
    notes: dict[str, MultiplierNote] = {}
    for position, (base, one) in enumerate(zip(bases, chosen, strict=True), start=1):
        if one is None:
            continue
        note = notes.setdefault(one.code, _note(one))
        note["lines"].append(position)
        note["net_minor"] += base
    return sorted(notes.values(), key=lambda note: note["code"])


def _note(one: Multiplier) -> MultiplierNote:
    note: MultiplierNote = {
        "code": one.code,
        "version": one.version,
        "name": one.name,
        "multiplier": _times(one.milli),
        "lines": [],
        "net_minor": 0,
    }
    if one.tier_name is not None:
        note["tier"] = dict(one.tier_name)
    if one.window is not None:
        note["window"] = one.window.note()
    return note


def _coupon_note(coupon: CouponMultiplier, bases: Sequence[int]) -> CouponNote:
    return {
        "coupon": coupon.coupon,
        "offer": coupon.offer,
        "title": dict(coupon.title),
        "multiplier": _times(coupon.milli),
        "lines": list(coupon.lines),
        "net_minor": sum(bases[position - 1] for position in coupon.lines),
    }


def _times(milli: int) -> str:
    whole, rest = divmod(milli, MILLI)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")
