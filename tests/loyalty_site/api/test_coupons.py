"""Coupons over HTTP."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Purchase
from loyalty_site.lib import actors
from rewards.domain import coupon_refusals, public_codes
from rewards.models import Coupon, CouponHold, CouponRedemption, CouponState, OfferKind, RefusalTally
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


# --- holding


def test_hold_keeps_a_coupon_from_other_tills_and_their_customers_purchase_captures_it(till, store, mia):
    coupon, other = CouponFactory(customer=mia), caller(store=store, name="Till 2")
    asked = {"customer": "C7K2-94QX", "seconds": 60}

    response = till.post(f"coupons/{coupon.code}/hold", asked)

    kept = CouponHold.objects.get()
    assert (response.status_code, response.json()) == (
        201,
        {
            "id": kept.public_id,
            "coupon": coupon.display_code,
            "customer": "C7K2-94QX",
            "state": "open",
            "held_at": "2026-05-20T10:30:00Z",
            "expires_at": "2026-05-20T10:31:00Z",
        },
    )
    again = till.post(f"coupons/{coupon.code}/hold", {**asked, "seconds": 120}).json()
    assert (again["id"], again["expires_at"]) == (kept.public_id, "2026-05-20T10:32:00Z")
    sold = other.post("purchases", basket(customer="C7K2-94QX", coupons=[coupon.code]))
    assert (sold.status_code, sold.json()["discount_minor"]) == (201, 500)
    assert told(till.post(f"coupon-holds/{kept.public_id}/release")) == (409, "coupon_hold_captured")


def test_what_others_hold_is_refused_everywhere_with_one_word(till, store):
    coupon, other = gift(), caller(store=store, name="Till 2")
    assert till.post(f"coupons/{coupon.code}/hold", {"seconds": 60}).status_code == 201
    sale = basket(coupons=[coupon.code])

    assert other.post(f"coupons/{coupon.code}/check").json()["code"] == "coupon_held"
    assert other.post(f"coupons/{coupon.code}/check", {"lines": LINES}).json()["code"] == "coupon_held"
    quoted = other.post("quotes", {"currency": "CNY", "coupons": [coupon.code], "lines": LINES}).json()
    assert quoted["coupons"][0]["refusal"]["code"] == "coupon_held"
    for path, body in (
        (f"coupons/{coupon.code}/hold", {"seconds": 60}),
        (f"coupons/{coupon.code}/redeem", None),
        ("purchases", sale),
    ):
        assert told(other.post(path, body)) == (409, "coupon_held")
    assert till.post(f"coupons/{coupon.code}/check").json()["usable"]
    assert till.post("purchases", sale).status_code == 201


def test_released_hold_lets_others_have_the_coupon(till, store):
    coupon = gift()
    kept = till.post(f"coupons/{coupon.code}/hold", {"seconds": 60}).json()

    for _ in range(2):
        released = till.post(f"coupon-holds/{kept['id']}/release")
        assert (released.status_code, released.json()) == (200, kept | {"state": "released"})
    assert caller(store=store, name="Till 2").post(f"coupons/{coupon.code}/redeem").status_code == 201


def test_hold_needs_a_time_a_coupon_and_a_customer_there_are(till):
    coupon = gift()
    assert told(till.post(f"coupons/{coupon.code}/hold", {})) == (422, "invalid")
    assert told(till.post(f"coupons/{coupon.code}/hold", {"seconds": 0})) == (422, "invalid")
    assert told(till.post(f"coupons/{coupon.code}/hold", {"seconds": 86_401})) == (422, "invalid")
    assert told(till.post("coupons/2222-2222-2222/hold", {"seconds": 60})) == (404, "coupon_unknown")
    unknown = {"seconds": 60, "customer": "AAAA-AAAA"}
    assert told(till.post(f"coupons/{coupon.code}/hold", unknown)) == (404, "customer_unknown")
    assert told(till.post("coupon-holds/1/release")) == (404, "coupon_hold_unknown")
    assert not CouponHold.objects.exists()


# --- a gift comes back


def test_gift_that_comes_back_makes_its_coupon_good_again(till, store, mia):
    coupon, other = gift(customer=mia), caller(store=store, name="Till 2")
    handed = till.post(f"coupons/{coupon.code}/redeem", {"customer": "C7K2-94QX"}).json()

    answers = [other.post(f"coupon-redemptions/{handed['id']}/rollback", {"reason": "spilled"}) for _ in range(2)]

    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json() for answer in answers] == [
        {
            "id": handed["id"],
            "coupon": coupon.display_code,
            "redeemed_at": "2026-05-20T10:30:00Z",
            "rolled_back_at": "2026-05-20T10:30:00Z",
        }
    ] * 2
    assert CouponRedemption.objects.get().rolled_back_by == f"till:{other.till.pk}"
    assert till.post(f"coupons/{coupon.code}/redeem", {"customer": "C7K2-94QX"}).status_code == 201


def test_only_tills_of_the_store_take_a_gift_back(till):
    handed = till.post(f"coupons/{gift().code}/redeem").json()
    stranger = caller(name="Till 2")
    assert told(stranger.post(f"coupon-redemptions/{handed['id']}/rollback")) == (404, "coupon_redemption_unknown")
    assert told(till.post("coupon-redemptions/x/rollback")) == (404, "coupon_redemption_unknown")


def test_coupon_of_a_purchase_comes_back_with_its_goods(till):
    sold = till.post("purchases", basket(coupons=[CouponFactory().code]))
    assert sold.status_code == 201
    used = CouponRedemption.objects.get()
    assert told(till.post(f"coupon-redemptions/{used.pk}/rollback")) == (409, "coupon_redeemed_in_purchase")


# --- for everybody


def test_public_code_goes_all_the_ways(till, store, now):
    offer = OfferFactory(kind=OfferKind.GIFT, amount_minor=None, customer_max=1)
    public_codes.issue(offer=offer, code="SUMMER", uses_max=2, by=actors.SYSTEM, at=now)
    one, other = (CustomerFactory().display_number for _ in range(2))

    assert till.post("coupons/summer/check", {"customer": one}).json()["coupon"] == "SUMMER"
    assert till.post("coupons/SUMMER/check", {"lines": LINES}).json()["code"] == "coupon_needs_customer"
    held = till.post("coupons/SUMMER/hold", {"customer": one, "seconds": 60})
    assert held.status_code == 201
    handed = till.post("coupons/SUMMER/redeem", {"customer": one})
    assert told(till.post("coupons/SUMMER/redeem", {"customer": one})) == (409, "customer_limit_reached")
    assert till.post(f"coupon-redemptions/{handed.json()['id']}/rollback").status_code == 200
    for number in (one, other):
        assert (
            till.post("purchases", basket(receipt_number=number, customer=number, coupons=["SUMMER"])).status_code
            == 201
        )
    assert told(till.post("coupons/SUMMER/redeem", {"customer": one})) == (409, "coupon_already_redeemed")


# --- what is refused is counted


def refusals():
    return dict(RefusalTally.objects.values_list("reason", "times"))


def test_refused_purchase_is_counted_once_under_its_key(till, store, mia, books_balance):
    coupon = CouponFactory(customer=CustomerFactory())
    told_basket = basket(customer=mia.number, coupons=[coupon.code])

    first, again = (till.post("purchases", told_basket, key="same") for _ in range(2))

    assert told(first) == told(again) == (409, "coupon_not_yours")
    assert again["Idempotent-Replayed"] == "true"
    row = RefusalTally.objects.get()
    assert (row.offer, row.store, row.reason, row.times) == (coupon.offer, store, "coupon_not_yours", 1)
    assert not Purchase.objects.exists()
    till.post("purchases", told_basket, key="other")
    assert refusals() == {"coupon_not_yours": 2}


def test_gifts_holds_and_checks_that_are_refused_are_counted_quotes_are_not(till, mia, now):
    gone = gift(expires_at=now - DAY, issued_at=now - 2 * DAY)
    assert told(till.post(f"coupons/{gone.code}/redeem")) == (409, "coupon_expired")
    assert told(till.post(f"coupons/{gone.code}/hold", {"seconds": 60})) == (409, "coupon_expired")
    assert till.post(f"coupons/{gone.code}/check").json()["code"] == "coupon_expired"
    assert refusals() == {"coupon_expired": 3}
    told_basket = {"customer": mia.number, "currency": "CNY", "lines": LINES}
    assert till.post(f"coupons/{gone.code}/check", told_basket).json()["code"] == "coupon_expired"
    assert refusals() == {"coupon_expired": 4}
    assert till.post("quotes", basket(coupons=[gone.code], receipt_number=None)).status_code == 200
    assert till.post("coupons/NOSUCH/check").json()["code"] == "coupon_mistyped"
    assert till.post("coupons/NOSUCH/redeem").status_code == 404
    assert refusals() == {"coupon_expired": 4}


@pytest.mark.django_db(transaction=True)
def test_two_tills_refused_at_once_are_two(store, mia):
    coupon = CouponFactory(customer=CustomerFactory())
    tills = [caller(store=store, name=f"Till {number}") for number in (1, 2)]
    told_basket = basket(customer=mia.number, coupons=[coupon.code])
    answers = at_once(*[partial(one.post, "purchases", told_basket) for one in tills])
    assert [answer.status_code for answer in answers] == [409, 409]
    assert refusals() == {"coupon_not_yours": 2}


def test_a_refusal_costs_one_statement(till, mia, monkeypatch):
    """Against the same without counting."""
    coupon = CouponFactory(customer=CustomerFactory())
    told_basket = basket(customer=mia.number, coupons=[coupon.code])

    def statements():
        with CaptureQueriesContext(connection) as captured:
            till.post("purchases", told_basket)
        return len(captured)

    statements()
    with_it = statements()
    monkeypatch.setattr(coupon_refusals, "count", lambda **told: None)
    assert with_it == statements() + 1
