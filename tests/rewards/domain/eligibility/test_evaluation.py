"""What coupons take off, together and line by line."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.domain import eligibility
from rewards.domain.eligibility import Left, Line, Multiplied, evaluation
from tests.rewards.domain.eligibility.offered import (
    BRIE,
    CHEESE,
    DOUBLE,
    FIVE_OFF,
    FREE_BRIE,
    FRUIT,
    GIFT,
    GOUDA,
    PLUMS,
    TEN_PERCENT,
    basket,
    coupon,
    evaluate,
    stackable,
)


@pytest.mark.parametrize(
    ("terms", "discount"),
    [
        (FIVE_OFF, 500),
        (replace(FIVE_OFF, amount_minor=9999), 1500),
        (TEN_PERCENT, 150),
        (replace(TEN_PERCENT, percent=Fraction("12.35")), 185),  # 185.25
        (replace(TEN_PERCENT, percent=Fraction(100)), 1500),
        (replace(TEN_PERCENT, discount_max_minor=99), 99),
        (replace(TEN_PERCENT, discount_max_minor=151), 150),
        (GIFT, 0),
    ],
)
def test_discount_is_rounded_down_capped_and_never_more_than_the_basket(terms, discount):
    found = evaluate(coupon(terms))
    assert (found.discounts, found.refusals) == ({"A": discount}, {})
    assert sum(found.line_discounts) == found.discount_minor == discount


def test_only_the_lines_that_it_is_for_get_cheaper():
    of = (Line(1000, BRIE, CHEESE), Line(800, PLUMS, FRUIT), Line(333, GOUDA, CHEESE), Line(50))
    cheese = replace(TEN_PERCENT, categories=frozenset({CHEESE}))
    assert evaluate(coupon(cheese), of=of).line_discounts == (100, 0, 33, 0)
    both = replace(FIVE_OFF, products=frozenset({GOUDA}), categories=frozenset({FRUIT}))
    assert evaluate(coupon(both), of=of).line_discounts == (0, 353, 147, 0)
    gouda = replace(FIVE_OFF, products=frozenset({GOUDA}))
    assert evaluate(coupon(gouda), of=of).line_discounts == (0, 0, 333, 0)


def test_bearer_coupon_is_good_without_a_customer_and_a_bound_one_is_not():
    assert evaluate(coupon(), customer=None).discounts == {"A": 500}
    assert evaluate(coupon(customer=1), customer=None).refusals == {"A": "coupon_not_yours"}


@pytest.mark.parametrize("terms", [FIVE_OFF, replace(TEN_PERCENT, percent=Fraction(1)), DOUBLE])
def test_coupon_that_would_change_nothing_is_not_used_up(terms):
    assert evaluate(coupon(terms), of=(0, 0)).refusals == {"A": "coupon_worth_nothing"}


@pytest.mark.parametrize(
    ("quantity", "amount", "most", "discount"),
    [
        ("1", 700, None, 700),
        ("2", 700, None, 350),
        ("3", 1000, None, 333),
        ("0.450", 700, None, 700),
        ("1.250", 1000, None, 800),
        ("2", 700, 100, 100),
        ("0", 700, None, 700),
    ],
)
def test_one_unit_of_the_free_product_costs_nothing(quantity, amount, most, discount):
    of = (Line(900), Line(amount, BRIE, quantity=Decimal(quantity)))
    found = evaluate(coupon(replace(FREE_BRIE, discount_max_minor=most)), of=of)
    assert (found.discounts, found.line_discounts) == ({"A": discount}, (0, discount))


def test_of_several_lines_the_dearest_unit_is_free():
    of = (Line(400, BRIE), Line(1000, BRIE, quantity=Decimal(2)), Line(9000))
    assert evaluate(coupon(FREE_BRIE), of=of).line_discounts == (0, 500, 0)


def test_each_further_coupon_frees_another_unit_to_the_last():
    free = stackable(FREE_BRIE)
    several = [coupon(free, code) for code in "ABCD"]
    found = evaluate(*several, of=(Line(1000, BRIE, quantity=Decimal(3)),))
    assert found.discounts == {"A": 333, "B": 333, "C": 334}
    assert found.refusals == {"D": "coupon_worth_nothing"}
    capped = coupon(stackable(FREE_BRIE, offer=9, discount_max_minor=100, priority=1), "Z")
    found = evaluate(capped, several[0], of=(Line(1000, BRIE, quantity=Decimal(2)),))
    assert found.discounts == {"Z": 100, "A": 450}


def test_several_count_only_when_all_that_are_good_can_be_combined():
    one, exclusive = coupon(stackable(FIVE_OFF)), coupon(replace(FIVE_OFF, offer=9), "B")
    mixed = evaluate(one, exclusive)
    assert mixed.refusals == {"A": "coupons_not_combinable", "B": "coupons_not_combinable"}
    assert mixed.line_discounts == (0, 0)
    assert evaluate(one, replace(one, code="B")).discounts == {"A": 500, "B": 500}
    spent = replace(exclusive, state="REDEEMED")
    found = evaluate(one, spent)
    assert (found.discounts, found.refusals) == ({"A": 500}, {"B": "coupon_already_redeemed"})


def test_percentages_come_before_amounts_unless_a_priority_says_otherwise():
    percent, amount = coupon(stackable(TEN_PERCENT), "Z"), coupon(stackable(FIVE_OFF), "A")
    assert evaluate(percent, amount) == evaluate(amount, percent)
    assert evaluate(percent, amount).discounts == {"Z": 150, "A": 500}
    first = replace(amount, terms=replace(amount.terms, priority=1))
    assert evaluate(percent, first).discounts == {"Z": 100, "A": 500}


def test_last_coupon_takes_what_is_left_and_one_too_many_is_refused():
    ten_off = stackable(FIVE_OFF, amount_minor=1000)
    found = evaluate(*[coupon(ten_off, code) for code in "ABC"])
    assert found.discounts == {"A": 1000, "B": 500}
    assert found.refusals == {"C": "coupon_worth_nothing"}
    assert found.line_discounts == (1000, 500)


@pytest.mark.parametrize(
    ("left", "word"),
    [
        (Left(redemptions=1), "offer_limit_reached"),
        (Left(customer=1), "customer_limit_reached"),
        (Left(period=1), "period_limit_reached"),
        (Left(customer_period=1), "customer_period_limit_reached"),
        (Left(budget_minor=999), "offer_budget_spent"),
    ],
)
def test_coupons_of_one_offer_share_what_is_left_of_its_limits(left, word):
    terms = stackable(FIVE_OFF)
    found = evaluate(coupon(terms, "B", left=left), coupon(terms, "A", left=left))
    assert (found.discounts, found.refusals) == ({"A": 500}, {"B": word})
    other = coupon(replace(terms, offer=9), "B", left=left)
    assert set(evaluate(coupon(terms, left=left), other).discounts) == {"A", "B"}


def test_points_of_its_lines_are_multiplied_by_the_highest():
    of = (Line(1000, BRIE, CHEESE), Line(500, PLUMS, FRUIT))
    double = coupon(stackable(DOUBLE), "A")
    triple = coupon(stackable(DOUBLE, offer=9, points_milli=3000, categories=frozenset({CHEESE})), "B")
    found = evaluate(double, triple, of=of)
    assert found.multiplied == (Multiplied("B", 3000, (0,)), Multiplied("A", 2000, (1,)))
    assert found.discounts == {"A": 0, "B": 0}
    only_cheese = replace(double, terms=replace(double.terms, categories=frozenset({CHEESE})))
    assert evaluate(only_cheese, triple, of=of).refusals == {"A": "coupon_worth_nothing"}


def test_points_are_multiplied_only_where_something_is_left_to_pay():
    of = (Line(1000, BRIE, CHEESE), Line(500, PLUMS, FRUIT))
    free = coupon(stackable(FREE_BRIE), "Z")
    assert evaluate(coupon(stackable(DOUBLE)), free, of=of).multiplied == (Multiplied("A", 2000, (1,)),)


@pytest.mark.parametrize(
    ("discount", "amounts", "shares"),
    [
        (500, [1000, 500], [333, 167]),
        (500, [500, 1000], [167, 333]),
        (100, [1, 1, 1], [34, 33, 33]),
        (1, [5, 5], [1, 0]),
        (2, [0, 1, 1], [0, 1, 1]),
        (1, [3, 9, 3, 9], [0, 1, 0, 0]),
        (0, [5, 5], [0, 0]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_discount_is_spread_by_largest_remainder(discount, amounts, shares):
    assert evaluation.spread(discount, amounts, [0] * len(amounts)) == shares


def test_of_equal_remainders_the_lines_content_decides_and_not_its_place():
    one, other = Line(5, sku="A"), Line(5, sku="B")
    cent = coupon(replace(FIVE_OFF, amount_minor=1))
    assert evaluate(cent, of=(one, other)).line_discounts == (1, 0)
    assert evaluate(cent, of=(other, one)).line_discounts == (0, 1)


@given(amounts=st.lists(st.integers(0, 10**6), min_size=1, max_size=20), part=st.fractions(0, 1))
def test_shares_sum_to_the_discount_and_stay_within_their_lines(amounts, part):
    discount = int(sum(amounts) * part)
    shares = evaluation.spread(discount, amounts, list(range(len(amounts))))
    assert sum(shares) == discount
    assert all(0 <= share <= amount for share, amount in zip(shares, amounts, strict=True))


def test_evaluation_of_nothing_is_nothing():
    assert eligibility.evaluate(coupons=[], basket=basket()).line_discounts == ()
