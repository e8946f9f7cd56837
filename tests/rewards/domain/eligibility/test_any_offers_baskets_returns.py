"""Any offers for any baskets, whatever comes back in whatever parts: nothing is lost, nothing depends on an order."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from customers.domain.purchases import LineLeft
from rewards.domain import eligibility
from rewards.domain.eligibility import Left, Line
from tests.fuzz import example_settings
from tests.rewards.domain.eligibility.offered import DOUBLE, FIVE_OFF, FREE_BRIE, GIFT, TEN_PERCENT, basket, coupon

# A product is always in the same category; 0 is one that nobody knows.
CATEGORY = {0: None, 1: 10, 2: 10, 3: 20, 4: 20, 5: None}
ANY = example_settings(200)


@st.composite
def line(draw):
    product = draw(st.sampled_from(list(CATEGORY)))
    return Line(
        amount_minor=draw(st.one_of(st.integers(0, 30), st.integers(0, 20_000))),
        product=product or None,
        category=CATEGORY[product],
        quantity=draw(st.sampled_from([Decimal(1), Decimal(1), Decimal(2), Decimal(3), Decimal("0.375")])),
        sku=f"{product}",
        tax_minor=0,
    )


@st.composite
def offer(draw):
    """Stackable and for any lines, or for some."""
    kind = draw(st.sampled_from([FIVE_OFF, TEN_PERCENT, FREE_BRIE, DOUBLE, GIFT]))
    most = st.one_of(st.none(), st.integers(1, 900))
    own = {
        "AMOUNT": {"amount_minor": draw(st.integers(1, 5000))},
        "PERCENT": {"percent": Fraction(draw(st.integers(1, 10_000)), 100), "discount_max_minor": draw(most)},
        "FREE_PRODUCT": {"free_product": draw(st.integers(1, 5)), "discount_max_minor": draw(most)},
        "MULTIPLIER": {"points_milli": draw(st.integers(1001, 10_000))},
        "GIFT": {},
    }[kind.kind]
    return replace(
        kind,
        offer=draw(st.integers(1, 4)),
        products=frozenset(draw(st.sets(st.integers(1, 5), max_size=2))),
        categories=frozenset(draw(st.sets(st.sampled_from([10, 20]), max_size=2))),
        min_spend_minor=draw(st.sampled_from([0, 0, 1, 500, 5000])),
        priority=draw(st.integers(-1, 1)),
        is_stackable=draw(st.sampled_from([True, True, True, False])),
        **own,
    )


lefts = st.builds(
    Left,
    redemptions=st.sampled_from([None, None, 0, 1, 2]),
    customer=st.sampled_from([None, None, 1]),
    budget_minor=st.one_of(st.none(), st.integers(0, 3000)),
)
baskets = st.lists(line(), min_size=1, max_size=8)
coupons = st.lists(st.tuples(offer(), lefts), max_size=5).map(
    lambda several: [coupon(terms, f"C{n}", left=left) for n, (terms, left) in enumerate(several)]
)


def evaluate(shown, lines):
    return eligibility.evaluate(coupons=shown, basket=basket(*lines))


def shares(lines, found):
    """What the lines got, whichever of several that are the same got which."""
    milli = {at: one.milli for one in found.multiplied for at in one.lines}
    return Counter(
        (line, share, milli.get(at)) for at, (line, share) in enumerate(zip(lines, found.line_discounts, strict=True))
    )


@ANY
@given(shown=coupons, lines=baskets)
def test_shares_are_the_discount_and_no_line_costs_less_than_nothing(shown, lines):
    found = evaluate(shown, lines)
    assert sum(found.line_discounts) == found.discount_minor <= sum(line.amount_minor for line in lines)
    assert all(0 <= share <= line.amount_minor for share, line in zip(found.line_discounts, lines, strict=True))
    assert found.discounts.keys() ^ found.refusals.keys() == {one.code for one in shown}


@ANY
@given(shown=coupons, lines=baskets)
def test_only_lines_that_an_offer_is_for_get_cheaper(shown, lines):
    found = evaluate(shown, lines)
    used = [one.terms for one in shown if found.discounts.get(one.code)]
    for line, share in zip(lines, found.line_discounts, strict=True):
        fits = [
            line.product == terms.free_product
            if terms.kind == "FREE_PRODUCT"
            else terms.is_for_all_lines or line.product in terms.products or line.category in terms.categories
            for terms in used
        ]
        assert not share or any(fits)


@ANY
@given(shown=coupons, lines=baskets, order=st.randoms(use_true_random=False))
def test_no_order_matters(shown, lines, order):
    found = evaluate(shown, lines)
    other_coupons, other_lines = order.sample(shown, len(shown)), order.sample(lines, len(lines))
    again = evaluate(other_coupons, other_lines)
    assert (again.discounts, again.refusals) == (found.discounts, found.refusals)
    assert shares(other_lines, again) == shares(lines, found)


@ANY
@given(shown=coupons, lines=baskets)
def test_a_coupon_alone_takes_off_what_it_was_told_to(shown, lines):
    best = eligibility.best(coupons=shown, basket=basket(*lines))
    for one in shown:
        alone = evaluate([one], lines)
        assert best.alone.get(one.code) == alone.discounts.get(one.code), (best, alone)


@ANY
@given(shown=coupons, lines=baskets)
def test_what_is_proposed_is_taken_and_beats_each_alone(shown, lines):
    best = eligibility.best(coupons=shown, basket=basket(*lines))
    found = evaluate([one for one in shown if one.code in best.proposed], lines)
    assert set(found.discounts) == set(best.proposed)
    assert found.discount_minor == best.discount_minor >= max(best.alone.values(), default=0)


@ANY
@given(shown=coupons, lines=baskets, order=st.randoms(use_true_random=False))
def test_all_money_comes_back_in_whatever_parts_and_order(shown, lines, order):
    """Each part is what the line had cost before it minus what it costs after it, as a return pays it."""
    found = evaluate(shown, lines)
    parts = [(at, part) for at, line in enumerate(lines) for part in split(line.amount_minor, order)]
    order.shuffle(parts)
    back = [0] * len(lines)
    paid_back = [0] * len(lines)
    for at, part in parts:
        before = left(lines[at], found.line_discounts[at], back[at])
        back[at] += part
        refund = before - left(lines[at], found.line_discounts[at], back[at])
        assert refund >= 0
        paid_back[at] += refund
    assert paid_back == [line.amount_minor - share for line, share in zip(lines, found.line_discounts, strict=True)]


def split(amount, order):
    """Into up to three parts."""
    first = order.randint(0, amount)
    second = order.randint(0, amount - first)
    return [first, second, amount - first - second]


def left(line, share, returned):
    return LineLeft(1, line.quantity, line.amount_minor, share, Decimal(0), returned).net_left_minor
