"""Which coupons are proposed, and what each would take off alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rewards.domain import eligibility
from rewards.domain.eligibility import Left, Line
from tests.rewards.domain.eligibility.offered import (
    BRIE,
    DAY,
    DOUBLE,
    FIVE_OFF,
    FREE_BRIE,
    GIFT,
    NOW,
    TEN_PERCENT,
    basket,
    coupon,
    stackable,
)


def best(*coupons, of=(1000, 500), **kwargs):
    return eligibility.best(coupons=coupons, basket=basket(*of, **kwargs))


def test_the_one_that_takes_off_most_is_proposed_and_each_one_told_alone():
    found = best(coupon(FIVE_OFF), coupon(TEN_PERCENT, "B"), coupon(FREE_BRIE, "C"), of=(Line(600, BRIE), Line(900)))
    assert found.alone == {"A": 500, "B": 150, "C": 600}
    assert (found.proposed, found.discount_minor) == (("C",), 600)


def test_those_that_can_be_combined_are_proposed_when_they_give_more():
    percent, amount = coupon(stackable(TEN_PERCENT)), coupon(stackable(FIVE_OFF), "B")
    exclusive = coupon(replace(FIVE_OFF, offer=9, amount_minor=649), "C")
    found = best(percent, amount, exclusive)
    assert (set(found.proposed), found.discount_minor) == ({"A", "B"}, 650)
    dearer = replace(exclusive, terms=replace(exclusive.terms, amount_minor=650))
    assert best(percent, amount, dearer).proposed == ("C",)


@pytest.mark.parametrize(
    "bad",
    [
        coupon(FIVE_OFF, customer=2),
        coupon(FIVE_OFF, left=Left(budget_minor=499)),
        coupon(replace(FREE_BRIE)),
        coupon(replace(TEN_PERCENT, percent=0)),
    ],
)
def test_what_cannot_be_used_is_not_told(bad):
    assert best(bad) == eligibility.Best({})


def test_of_equal_ones_the_first_to_expire_is_proposed():
    late, soon = (coupon(code=code, expires_at=NOW + days * DAY) for code, days in (("A", 9), ("B", 1)))
    never = coupon(code="0")
    assert best(late, never, soon).proposed == ("B",)


def test_none_is_used_up_for_nothing():
    all_off = coupon(stackable(FIVE_OFF, amount_minor=1500), "B")
    assert best(coupon(stackable(TEN_PERCENT)), all_off).proposed == ("B",)
    double = coupon(stackable(DOUBLE), "C")
    assert set(best(coupon(stackable(FIVE_OFF)), double).proposed) == {"A", "C"}
    assert best(all_off, double).proposed == ("B",)


def test_points_and_gifts_are_proposed_where_nothing_is_taken_off():
    double, gift = coupon(DOUBLE), coupon(GIFT, "B")
    assert best(gift).proposed == ("B",)
    assert best(double, gift).proposed == ("A",)
    assert best(double, gift).alone == {"A": 0, "B": 0}
    together = best(coupon(stackable(DOUBLE)), coupon(stackable(GIFT), "B"), coupon(FIVE_OFF, "C"))
    assert together.proposed == ("C",)


def test_coupons_of_one_offer_share_its_limits():
    terms = stackable(FIVE_OFF)
    found = best(*[coupon(terms, code, left=Left(customer=1)) for code in "AB"])
    assert (found.alone, found.proposed) == ({"A": 500, "B": 500}, ("A",))


def test_no_more_than_somebody_would_hand_over_are_proposed():
    several = [
        coupon(stackable(FIVE_OFF, offer=n, amount_minor=n), f"{n:02}", expires_at=NOW + timedelta(days=9))
        for n in range(1, 30)
    ]
    assert set(best(*several).proposed) == {"25", "26", "27", "28", "29"}
