"""Each reason against a coupon, by its word."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import get_args

import pytest

from rewards.domain import coupons, eligibility
from rewards.domain.eligibility import Basket, Left, Line, reasons
from rewards.domain.windows import Window
from tests.rewards.domain.eligibility.offered import (
    BRIE,
    CHEESE,
    DAY,
    DOUBLE,
    FIVE_OFF,
    FREE_BRIE,
    FRUIT,
    GOUDA,
    NOW,
    PLUMS,
    basket,
    coupon,
    evaluate,
)

CLOCK = datetime(2026, 5, 20, 18, 30)
TWO = (Line(1000, BRIE, CHEESE), Line(500, PLUMS, FRUIT))


def refusal(terms, *, of=TWO, **kwargs):
    return eligibility.refusal_of(coupon=coupon(terms), basket=basket(*of, **kwargs))


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (coupon(state="REDEEMED"), "coupon_already_redeemed"),
        (coupon(state="VOID"), "coupon_void"),
        (coupon(customer=2), "coupon_not_yours"),
        (coupon(customer=1), ""),
        (coupon(issued_at=NOW + eligibility.CLOCK_TOLERANCE), ""),
        (coupon(issued_at=NOW + eligibility.CLOCK_TOLERANCE + timedelta(seconds=1)), "coupon_not_yet_issued"),
        (coupon(starts_at=NOW + timedelta(seconds=1)), "coupon_not_yet_good"),
        (coupon(starts_at=NOW), ""),
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
        (coupon(left=Left(redemptions=0)), "offer_limit_reached"),
        (coupon(left=Left(redemptions=1)), ""),
        (coupon(left=Left(customer=0)), "customer_limit_reached"),
        (coupon(left=Left(customer=1)), ""),
        (coupon(left=Left(period=0)), "period_limit_reached"),
        (coupon(left=Left(period=1)), ""),
        (coupon(left=Left(customer_period=0)), "customer_period_limit_reached"),
        (coupon(left=Left(customer_period=1)), ""),
        (coupon(left=Left(budget_minor=499)), "offer_budget_spent"),
        (coupon(left=Left(budget_minor=500)), ""),
    ],
)
def test_coupon_is_refused_with_its_exact_reason(given, refusal):
    assert evaluate(given).refusals.get("A", "") == refusal


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        ({"products": frozenset({BRIE})}, ""),
        ({"products": frozenset({GOUDA})}, "no_eligible_items"),
        ({"categories": frozenset({CHEESE})}, ""),
        ({"categories": frozenset({99})}, "no_eligible_items"),
        ({"products": frozenset({GOUDA}), "categories": frozenset({FRUIT})}, ""),
        ({"categories": frozenset({CHEESE}), "min_spend_minor": 1000}, ""),
        ({"categories": frozenset({CHEESE}), "min_spend_minor": 1001}, "min_spend_not_reached"),
        ({"products": frozenset({BRIE}), "categories": frozenset({CHEESE, FRUIT}), "min_spend_minor": 1500}, ""),
        (
            {"products": frozenset({BRIE}), "categories": frozenset({CHEESE, FRUIT}), "min_spend_minor": 1501},
            "min_spend_not_reached",
        ),
    ],
)
def test_only_the_lines_that_it_is_for_count(limits, word):
    assert refusal(replace(FIVE_OFF, **limits)) == word


def test_a_free_product_must_be_in_the_basket():
    assert refusal(FREE_BRIE) == ""
    assert refusal(replace(FREE_BRIE, free_product=GOUDA)) == "free_product_missing"
    assert refusal(replace(FREE_BRIE, free_product=GOUDA), of=(Line(1000),)) == "free_product_missing"


@pytest.mark.parametrize(("store", "word"), [(7, ""), (8, "offer_other_store"), (None, "")])
def test_it_is_good_in_its_stores(store, word):
    assert refusal(replace(FIVE_OFF, stores=frozenset({7})), store=store) == word


@pytest.mark.parametrize(
    ("customer", "segments", "word"),
    [(1, {5, 6}, ""), (1, {6}, "offer_other_segment"), (None, set(), "coupon_needs_customer")],
)
def test_it_is_good_for_its_segment(customer, segments, word):
    terms = replace(FIVE_OFF, segment=5)
    assert refusal(terms, customer=customer, segments=frozenset(segments)) == word


def test_points_and_limits_by_customer_need_a_customer():
    assert refusal(DOUBLE, customer=None) == "coupon_needs_customer"
    assert refusal(replace(FIVE_OFF, is_counted_by_customer=True), customer=None) == "coupon_needs_customer"
    assert refusal(FIVE_OFF, customer=None) == ""


@pytest.mark.parametrize(
    ("window", "clock", "word"),
    [
        (Window(frozenset({3})), CLOCK, ""),
        (Window(frozenset({4})), CLOCK, "offer_other_hours"),
        (Window(start=time(18), end=time(19)), CLOCK, ""),
        (Window(start=time(8), end=time(18, 30)), CLOCK, "offer_other_hours"),
        (Window(frozenset({2}), time(22), time(2)), datetime(2026, 5, 20, 1, 59), ""),
        (Window(frozenset({3}), time(22), time(2)), datetime(2026, 5, 20, 1, 59), "offer_other_hours"),
        (Window(frozenset({4})), None, ""),
    ],
)
def test_it_is_good_on_its_days_and_hours_of_the_stores_clock(window, clock, word):
    assert refusal(replace(FIVE_OFF, window=window), local_at=clock) == word


@pytest.mark.parametrize(
    ("window", "clock", "word"),
    [
        (None, datetime(2026, 5, 20, 0, 0), "offer_blackout"),
        (None, datetime(2026, 5, 20, 23, 59), "offer_blackout"),
        (None, datetime(2026, 5, 19, 23, 59), ""),
        (None, datetime(2026, 5, 21, 0, 0), ""),
        (Window(start=time(22), end=time(2)), datetime(2026, 5, 21, 1, 0), "offer_blackout"),
        (Window(start=time(22), end=time(2)), datetime(2026, 5, 20, 1, 0), ""),
    ],
)
def test_blackout_days_are_the_stores_and_a_night_belongs_to_the_day_it_began_on(window, clock, word):
    terms = replace(FIVE_OFF, window=window, blackout_dates=frozenset({date(2026, 5, 20)}))
    assert refusal(terms, local_at=clock) == word


def test_while_nobody_knows_what_is_bought_its_lines_do_not_count():
    terms = replace(FREE_BRIE, products=frozenset({GOUDA}), min_spend_minor=10**6, stores=frozenset({7}))
    unknown = Basket(None, "CNY", 1, NOW)
    assert eligibility.refusal_of(coupon=coupon(terms), basket=unknown) == ""
    assert eligibility.refusal_of(coupon=coupon(terms, state="VOID"), basket=unknown) == "coupon_void"


def test_each_word_has_its_sentence():
    words = set(get_args(reasons.Refusal)) - {""}
    assert {coupons.refusal_for(word, type("C", (), {"display_code": "A"})()).code for word in words} == words
