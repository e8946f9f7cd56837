"""What an award is explained by and a return computed from, whatever the rules are by then: the JSON of its entry."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NotRequired, TypedDict

MILLI = 1000


class RateNote(TypedDict):
    code: str
    version: int
    name: str
    points: int
    per_minor: int


class WindowNote(TypedDict):
    weekdays: list[int]  # ISO numbers; empty: every day
    start: NotRequired[str]  # "18:00" on the store's clock
    end: NotRequired[str]


class MultiplierNote(TypedDict):
    code: str
    version: int
    name: str
    multiplier: str  # "2", "1.5"; "0": left out
    lines: list[int]  # from 1
    net_minor: int  # what earns of these lines together
    tier: NotRequired[dict[str, str]]  # the name of the tier it is for, by language
    window: NotRequired[WindowNote]


class CouponNote(TypedDict):
    """A coupon that multiplies what the rules give for its lines."""

    coupon: str  # as people read it
    offer: int
    title: dict[str, str]  # by language
    multiplier: str
    lines: list[int]  # from 1
    net_minor: int


class CapNote(TypedDict):
    """A cap that cut something off: of the `limit` in its period, `before` were earned already."""

    code: str
    version: int
    name: str
    limit: int
    period: str  # PURCHASE, DAY, WEEK, MONTH, YEAR
    before: int
    cut: int


class Breakdown(TypedDict):
    """A line that no multiplier names counts once; the lines' nets are in the purchase. `paid_minor` is what earns:
    `net_minor` minus what points and gift cards paid. `rounded_down` is what was left of a point, cut to three digits.
    `tax_minor` is there where tax earns nothing and the lines contain some.
    """

    currency: str
    net_minor: int
    paid_minor: int
    rate: RateNote
    multipliers: list[MultiplierNote]
    rounded_down: str
    gift_card_minor: NotRequired[int]
    tax_minor: NotRequired[int]
    caps: NotRequired[list[CapNote]]
    coupons: NotRequired[list[CouponNote]]


def milli_by_line(notes: Sequence[MultiplierNote] | Sequence[CouponNote]) -> dict[int, int]:
    """How many thousandths a line counts, by its position; lines that are not in it count once."""
    return {position: int(Fraction(note["multiplier"]) * MILLI) for note in notes for position in note["lines"]}
