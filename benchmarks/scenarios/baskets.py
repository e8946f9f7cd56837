"""The best coupons for a basket, in memory: what a till waits for before it proposes any."""

import random
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import median

from benchmarks import rows as make
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.site import Site
from rewards.domain import eligibility
from rewards.domain.eligibility import Basket, CouponIn, Left, Line, Terms

LINES, OFFERS = 50, 200
MOST_SECONDS = 0.005
CATEGORIES = 40
KINDS = ("PERCENT", "AMOUNT", "FREE_PRODUCT", "GIFT", "MULTIPLIER")
TIMES = 5


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    one, two = _work(LINES, OFFERS), _work(2 * LINES, 2 * OFFERS)
    yield side_by_side(
        work=f"the best of {OFFERS} live offers for a basket of {LINES} lines, in memory",
        beside=f"{MOST_SECONDS * 1000:g} ms",
        limit=lambda turn: MOST_SECONDS,
        ours=lambda turn: _seconds(one),
        unit="s",
        target=1,
        scale=scale,
    )
    yield side_by_side(
        work="the same of twice the offers for twice the lines",
        beside="once the offers for once the lines",
        limit=lambda turn: _seconds(one),
        ours=lambda turn: _seconds(two),
        unit="s",
        target=2.5,
        scale=scale,
    )


def _work(lines: int, offers: int) -> tuple[list[CouponIn], Basket]:
    """A coupon of each offer, and a basket; the same in each run."""
    drawn = random.Random(lines)
    goods = [
        Line(drawn.randint(99, 2999), drawn.randint(1, 2000), drawn.randint(1, CATEGORIES), Decimal(1), sku=f"{n}")
        for n in range(lines)
    ]
    basket = Basket(goods, "CNY", 1, make.AT, 1, make.AT)
    return [_coupon(drawn, number, goods) for number in range(1, offers + 1)], basket


def _coupon(drawn: random.Random, number: int, goods: list[Line]) -> CouponIn:
    """A fifth for everything, two fifths for categories, two fifths for fifty products, one of them in the basket."""
    kind, scope, bought = KINDS[number % len(KINDS)], number % 5, drawn.choice(goods).product
    assert bought is not None
    terms = Terms(
        kind=kind,
        currency="CNY",
        valid_from=make.AT - timedelta(days=1),
        valid_to=make.AT + timedelta(days=30),
        published_at=make.AT - timedelta(days=1),
        offer=number,
        percent=Fraction(10) if kind == "PERCENT" else Fraction(0),
        amount_minor=drawn.randint(50, 500) if kind == "AMOUNT" else 0,
        free_product=bought if kind == "FREE_PRODUCT" else None,
        points_milli=2000 if kind == "MULTIPLIER" else 0,
        min_spend_minor=drawn.choice((0, 0, 500, 2000)),
        products=frozenset([bought, *(drawn.randint(1, 2000) for _ in range(49))]) if scope > 2 else frozenset(),
        categories=frozenset(drawn.sample(range(1, CATEGORIES + 1), 3)) if scope in (1, 2) else frozenset(),
        is_stackable=number % 2 == 0,
        priority=number % 3,
    )
    issued, code = make.AT - timedelta(hours=1), f"C{number:06}"
    return CouponIn(code=code, terms=terms, state="ISSUED", customer=1, issued_at=issued, left=Left())


def _seconds(work: tuple[list[CouponIn], Basket]) -> float:
    coupons, basket = work
    taken = []
    for _ in range(TIMES):
        began = time.process_time()  # others that wait for a processor are none of the work
        found = eligibility.best(coupons=coupons, basket=basket)
        taken.append(time.process_time() - began)
    if not found.proposed:
        raise RuntimeError("no coupon was found for the basket")
    return median(taken)
