"""Coupons over HTTP."""

from datetime import timedelta
from functools import partial

import pytest

from rewards.models import Coupon, CouponRedemption, CouponState, OfferKind
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory
from tests.loyalty_site.api.calling import basket, caller, told
from tests.races import at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LINES = basket()["lines"]


def gift(**changes):
    offer = OfferFactory(kind=OfferKind.GIFT, amount_minor=None, title={"en": "A mug", "zh-hans": "杯子"})
    return CouponFactory(offer=offer, **changes)


# --- checking


def test_check_without_a_basket_looks_at_the_coupon_alone(till, mia, now):
    coupon = CouponFactory(
        customer=mia, expires_at=now + DAY, offer=OfferFactory(title={"en": "5.00 off"}, min_spend_minor=10_000)
    )

    response = till.post(f"coupons/{coupon.display_code.lower()}/check")

    assert (response.status_code, response.json()) == (
        200,
        {
            "coupon": coupon.display_code,
            "usable": True,
            "discount_minor": None,
            "code": None,
            "detail": None,
            "title": "5.00 off",
            "kind": "amount",
            "conditions": "¥5.00 off, from ¥100.00 on.",
            "expires_at": "2026-05-21T10:30:00Z",
        },
    )


def test_check_with_a_basket_tells_the_discount(till, mia):
    coupon = CouponFactory(customer=mia)

    response = till.post(f"coupons/{coupon.code}/check", {"customer": "c7k2-94qx", "currency": "CNY", "lines": LINES})

    checked = response.json()
    assert (checked["usable"], checked["discount_minor"], checked["code"]) == (True, 500, None)
    assert Coupon.objects.get().state == CouponState.ISSUED


@pytest.mark.parametrize(
    ("coupon", "asked", "code"),
    [
        ({"state": CouponState.VOID}, {}, "coupon_void"),
        ({"expires_at": "2026-05-20T10:15:00Z"}, {}, "coupon_expired"),
        ({"offer__published_at": None}, {}, "offer_not_live"),
        ({"offer__min_spend_minor": 1251}, {"lines": LINES, "customer": "C7K2-94QX"}, "min_spend_not_reached"),
        ({"offer__currency": "EUR"}, {"lines": LINES, "customer": "C7K2-94QX"}, "coupon_other_currency"),
        ({}, {"lines": LINES}, "coupon_not_yours"),
        ({}, {"customer": "7777-7777"}, "coupon_not_yours"),
    ],
)
def test_check_tells_the_code_of_the_refusal(till, mia, coupon, asked, code):
    CustomerFactory(number="77777777")
    owned = CouponFactory(customer=mia, **coupon)

    checked = till.post(f"coupons/{owned.code}/check", asked).json()

    assert (checked["usable"], checked["code"], checked["discount_minor"] or 0) == (False, code, 0)
    assert checked["detail"]


@pytest.mark.parametrize(("text", "code"), [("ABCD", "coupon_mistyped"), ("2222-2222-2222", "coupon_unknown")])
def test_check_of_no_coupon_is_an_answer(till, text, code):
    response = till.post(f"coupons/{text}/check")

    assert response.status_code == 200
    checked = response.json()
    assert (checked["coupon"], checked["usable"], checked["code"], checked["title"]) == (text, False, code, None)


def test_check_for_an_unknown_customer_is_not_found(till):
    assert told(till.post(f"coupons/{gift().code}/check", {"customer": "AAAA-AAAA"})) == (404, "customer_unknown")


# --- redeeming without a purchase


def test_redeem_hands_a_gift_over_once(till, mia):
    coupon = gift(customer=mia)

    response = till.post(f"coupons/{coupon.code}/redeem", {"customer": "C7K2-94QX"})

    used = CouponRedemption.objects.select_related("coupon").get()
    assert (response.status_code, response.json()) == (
        201,
        {
            "id": str(used.pk),
            "coupon": coupon.display_code,
            "title": "A mug",
            "kind": "gift",
            "redeemed_at": "2026-05-20T10:30:00Z",
        },
    )
    assert (used.coupon.state, used.redeemed_by) == (CouponState.REDEEMED, f"till:{till.till.pk}")
    again = till.post(f"coupons/{coupon.code}/redeem", {"customer": "C7K2-94QX"})
    assert told(again) == (409, "coupon_already_redeemed")


def test_redeem_refuses_what_is_no_gift_or_somebody_elses(till, mia):
    assert told(till.post(f"coupons/{CouponFactory().code}/redeem")) == (409, "coupon_worth_nothing")
    assert told(till.post(f"coupons/{gift(customer=mia).code}/redeem")) == (409, "coupon_not_yours")


@pytest.mark.parametrize(("text", "code"), [("ABCD", "coupon_mistyped"), ("2222-2222-2222", "coupon_unknown")])
def test_redeem_of_no_coupon_is_not_found(till, text, code):
    assert told(till.post(f"coupons/{text}/redeem")) == (404, code)


def test_code_in_the_address_is_readable_and_short(till):
    assert told(till.post("coupons/a%00b/check")) == (422, "invalid")
    assert told(till.post(f"coupons/{'A' * 65}/check")) == (422, "invalid")


@pytest.mark.django_db(transaction=True)
def test_redeem_by_many_at_once_happens_once(store):
    coupon = gift()
    tills = [caller(store=store, name=f"Till {number}") for number in range(8)]

    responses = at_once(*[partial(one.post, f"coupons/{coupon.code}/redeem") for one in tills])

    assert sorted(response.status_code for response in responses) == [201] + [409] * 7
    assert {told(response) for response in responses if response.status_code == 409} == {
        (409, "coupon_already_redeemed")
    }
