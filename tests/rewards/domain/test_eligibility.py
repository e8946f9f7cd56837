"""Which coupons are good for a basket, and what they take off."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.domain import eligibility
from rewards.domain.eligibility import Basket, CouponIn, Terms

NOW = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)
DAY = timedelta(days=1)
FIVE_OFF = Terms("AMOUNT", "CNY", valid_from=NOW - DAY, published_at=NOW - DAY, amount_minor=500)
TEN_PERCENT = replace(FIVE_OFF, kind="PERCENT", amount_minor=0, percent=Fraction(10))
GIFT = replace(FIVE_OFF, kind="GIFT", amount_minor=0)


def evaluate(*coupons, amounts=(1000, 500), customer=1):
    return eligibility.evaluate(coupons=coupons, basket=Basket(amounts, "CNY", customer, NOW))


def coupon(terms=FIVE_OFF, code="A", **kwargs):
    return CouponIn(code, terms, **kwargs)


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


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (coupon(state="REDEEMED"), "coupon_already_redeemed"),
        (coupon(state="VOID"), "coupon_void"),
        (coupon(customer=2), "coupon_not_yours"),
        (coupon(customer=1), ""),
        (coupon(issued_at=NOW + eligibility.CLOCK_TOLERANCE), ""),
        (coupon(issued_at=NOW + eligibility.CLOCK_TOLERANCE + timedelta(seconds=1)), "coupon_not_yet_issued"),
        (coupon(expires_at=NOW), "coupon_expired"),
        (coupon(expires_at=NOW + DAY), ""),
        (coupon(replace(FIVE_OFF, valid_to=NOW)), "coupon_expired"),
        (coupon(replace(FIVE_OFF, valid_to=NOW + DAY)), ""),
        (coupon(replace(FIVE_OFF, valid_from=NOW + DAY)), "offer_not_live"),
        (coupon(replace(FIVE_OFF, published_at=None)), "offer_not_live"),
        (coupon(replace(FIVE_OFF, published_at=NOW + DAY)), "offer_not_live"),
        (coupon(replace(FIVE_OFF, withdrawn_at=NOW)), "offer_withdrawn"),
        (coupon(replace(FIVE_OFF, withdrawn_at=NOW + DAY)), ""),
        (coupon(replace(FIVE_OFF, currency="EUR")), "coupon_other_currency"),
        (coupon(replace(FIVE_OFF, min_spend_minor=1501)), "min_spend_not_reached"),
        (coupon(replace(FIVE_OFF, min_spend_minor=1500)), ""),
        (coupon(replace(FIVE_OFF, redemptions_left=0)), "offer_limit_reached"),
        (coupon(replace(FIVE_OFF, redemptions_left=1)), ""),
        (coupon(replace(FIVE_OFF, budget_left_minor=499)), "offer_budget_spent"),
        (coupon(replace(FIVE_OFF, budget_left_minor=500)), ""),
    ],
)
def test_coupon_is_refused_with_its_exact_reason(given, refusal):
    assert evaluate(given).refusals.get("A", "") == refusal


def test_bearer_coupon_is_good_without_a_customer_and_a_bound_one_is_not():
    assert evaluate(coupon(), customer=None).discounts == {"A": 500}
    assert evaluate(coupon(customer=1), customer=None).refusals == {"A": "coupon_not_yours"}


@pytest.mark.parametrize("terms", [FIVE_OFF, replace(TEN_PERCENT, percent=Fraction(1))])
def test_coupon_that_would_take_nothing_off_is_not_used_up(terms):
    assert evaluate(coupon(terms), amounts=(0, 0)).refusals == {"A": "coupon_worth_nothing"}


def test_several_count_only_when_all_can_be_combined():
    stackable = replace(FIVE_OFF, is_stackable=True)
    mixed = evaluate(coupon(stackable), coupon(FIVE_OFF, "B"))
    assert mixed.refusals == {"A": "coupons_not_combinable", "B": "coupons_not_combinable"}
    assert mixed.line_discounts == (0, 0)
    assert evaluate(coupon(stackable), coupon(stackable, "B")).discounts == {"A": 500, "B": 500}


def test_percentages_come_before_amounts_whatever_the_order_shown():
    percent, amount = replace(TEN_PERCENT, is_stackable=True), replace(FIVE_OFF, is_stackable=True)
    one, other = coupon(percent, "Z"), coupon(amount, "A")
    assert evaluate(one, other) == evaluate(other, one)
    assert evaluate(one, other).discounts == {"Z": 150, "A": 500}


def test_last_coupon_takes_what_is_left_and_one_too_many_is_refused():
    stackable = replace(FIVE_OFF, is_stackable=True, amount_minor=1000)
    found = evaluate(coupon(stackable), coupon(stackable, "B"), coupon(stackable, "C"))
    assert found.discounts == {"A": 1000, "B": 500}
    assert found.refusals == {"C": "coupon_worth_nothing"}
    assert found.line_discounts == (1000, 500)


@pytest.mark.parametrize(
    ("discount", "amounts", "shares"),
    [
        (500, [1000, 500], [333, 167]),
        (100, [1, 1, 1], [34, 33, 33]),
        (1, [5, 5], [1, 0]),
        (2, [0, 1, 1], [0, 1, 1]),
        (0, [5, 5], [0, 0]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_discount_is_spread_by_largest_remainder(discount, amounts, shares):
    assert eligibility.spread(discount, amounts) == shares


@given(amounts=st.lists(st.integers(0, 10**6), min_size=1, max_size=20), part=st.fractions(0, 1))
def test_shares_sum_to_the_discount_and_stay_within_their_lines(amounts, part):
    discount = int(sum(amounts) * part)
    shares = eligibility.spread(discount, amounts)
    assert sum(shares) == discount
    assert all(0 <= share <= amount for share, amount in zip(shares, amounts, strict=True))


terms = st.one_of(
    st.builds(lambda n: replace(FIVE_OFF, amount_minor=n, is_stackable=True), st.integers(1, 5000)),
    st.builds(
        lambda n, cap: replace(TEN_PERCENT, percent=Fraction(n, 100), discount_max_minor=cap, is_stackable=True),
        st.integers(1, 10_000),
        st.one_of(st.none(), st.integers(0, 500)),
    ),
)


@given(
    amounts=st.lists(st.integers(0, 3000), min_size=1, max_size=8),
    several=st.lists(terms, min_size=1, max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_what_is_given_is_what_the_lines_got_and_never_below_zero(amounts, several, order):
    coupons = [coupon(one, f"C{number}") for number, one in enumerate(several)]
    found = evaluate(*coupons, amounts=tuple(amounts))
    assert sum(found.line_discounts) == found.discount_minor <= sum(amounts)
    assert all(0 <= share <= amount for share, amount in zip(found.line_discounts, amounts, strict=True))
    assert set(found.discounts) | set(found.refusals) == {one.code for one in coupons}
    order.shuffle(coupons)
    assert evaluate(*coupons, amounts=tuple(amounts)) == found
