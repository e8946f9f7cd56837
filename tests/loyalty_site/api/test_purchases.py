"""Purchases over HTTP."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Product, Purchase, PurchaseSource
from loyalty_site.lib import actors
from rewards.domain import points
from rewards.models import Coupon, CouponState, OfferKind, PointsEntry, TierBasis
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory, SurpriseRuleFactory, TierFactory
from tests.loyalty_site.api.calling import basket, caller, told
from tests.races import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def award(customer, number, at):
    points.award(customer=customer, points=number, reference="before", by=actors.SYSTEM, at=at)


# --- quotes


def test_quote_says_what_a_basket_would_come_to_and_writes_nothing(till, mia, now):
    award(mia, 300, now - DAY)
    good = CouponFactory(customer=mia, offer__is_stackable=True)
    used = CouponFactory(state=CouponState.VOID, offer__is_stackable=True)
    offered = basket(customer="c7k294qx", coupons=[good.display_code, used.display_code], points_to_redeem=100)
    del offered["receipt_number"], offered["purchased_at"]

    response = till.post("quotes", offered)

    assert (response.status_code, response.json()) == (
        200,
        {
            "currency": "CNY",
            "total_minor": 1250,
            "discount_minor": 500,
            "points_value_minor": 100,
            "paid_minor": 650,
            "points": {"earned": 6, "payable": 300},
            "coupons": [
                {"code": good.display_code, "discount_minor": 500, "refusal": None},
                {
                    "code": used.display_code,
                    "discount_minor": 0,
                    "refusal": {"code": "coupon_void", "detail": f"Coupon {used.display_code} was made void."},
                },
            ],
            "proposals": [
                {
                    "code": good.display_code,
                    "title": str(good.offer),
                    "kind": "amount",
                    "conditions": "¥5.00 off.",
                    "discount_minor": 500,
                    "proposed": True,
                }
            ],
        },
    )
    assert (Purchase.objects.count(), Product.objects.count(), PointsEntry.objects.count()) == (0, 0, 1)


# --- booking


def test_purchase_is_booked_with_coupon_points_and_surprise(till, mia, now):
    ProgramFactory(point_value_minor=10)
    award(mia, 300, now - DAY)
    offer = OfferFactory(kind=OfferKind.PERCENT, percent=10, amount_minor=None)
    coupon = CouponFactory(offer=offer, customer=mia)
    rule = SurpriseRuleFactory(threshold_minor=5000, offer__title={"en": "A coffee", "zh-hans": "一杯咖啡"})
    lines = [
        {"sku": "4011", "name": "Bananas", "category": "FRUIT", "quantity": "1.250", "amount_minor": 4000},
        {"sku": "22", "quantity": "1", "amount_minor": 3000},
    ]

    response = till.post(
        "purchases",
        basket(customer="C7K2-94QX", lines=lines, coupons=[coupon.display_code.lower()], points_to_redeem=100),
    )

    bought = Purchase.objects.get()
    given = Coupon.objects.get(offer=rule.offer)
    assert (response.status_code, response.json()) == (
        201,
        {
            "id": str(bought.pk),
            "receipt_number": "R-1",
            "customer": "C7K2-94QX",
            "total_minor": 7000,
            "discount_minor": 700,
            "points_value_minor": 1000,
            "paid_minor": 5300,
            "points": {"earned": 53, "pending": 0, "redeemed": 100, "balance": 253},
            "coupons": [{"code": coupon.display_code, "discount_minor": 700}],
            "surprises": [
                {
                    "kind": "coupon",
                    "title": "A coffee",
                    "message": "",
                    "code": given.display_code,
                    "points": None,
                    "expires_at": "2026-06-20T00:00:00Z",
                }
            ],
            "tier": None,
        },
    )
    assert (bought.store, bought.source, bought.recorded_by) == (
        till.till.store,
        PurchaseSource.TILL,
        f"till:{till.till.pk}",
    )
    made = Product.objects.get(sku="4011")
    assert (made.name, made.category.code, Product.objects.get(sku="22").name) == ("Bananas", "FRUIT", "22")


def test_anonymous_purchase_is_a_fact_too(till):
    response = till.post("purchases", basket())

    assert response.status_code == 201
    assert response.json() == {
        "id": str(Purchase.objects.get().pk),
        "receipt_number": "R-1",
        "customer": None,
        "total_minor": 1250,
        "discount_minor": 0,
        "points_value_minor": 0,
        "paid_minor": 1250,
        "points": {"earned": 0, "pending": 0, "redeemed": 0, "balance": 0},
        "coupons": [],
        "surprises": [],
        "tier": None,
    }


def test_gift_cards_and_tax_are_kept_and_earn_as_the_programme_says(till, mia):
    ProgramFactory(earns_on_tax=False)
    lines = [basket()["lines"][0] | {"tax_minor": 50}]

    answered = till.post("purchases", basket(customer=mia.number, lines=lines, gift_card_minor=200)).json()

    assert (answered["paid_minor"], answered["points"]["earned"]) == (1250, 10)
    shown = till.get(f"purchases/{answered['id']}").json()
    assert (shown["gift_card_minor"], shown["lines"][0]["tax_minor"]) == (200, 50)


def test_tier_is_told_with_the_way_to_the_next(till, mia):
    ProgramFactory()
    TierFactory(rank=1, threshold=10, name={"en": "Silver", "zh-hans": "银卡"})
    TierFactory(rank=2, threshold=30, name={"en": "Gold"})

    before = till.get("customers/C7K2-94QX").json()["tier"]
    answered = till.post("purchases", basket(customer=mia.number)).json()["tier"]
    top = till.post("purchases", basket(customer=mia.number, receipt_number="R-2", lines=dear(3000))).json()["tier"]

    assert before == {"name": None, "next": "Silver", "points_to_next": 10, "amount_to_next_minor": None}
    assert answered == {"name": "Silver", "next": "Gold", "points_to_next": 18, "amount_to_next_minor": None}
    assert top == {"name": "Gold", "next": None, "points_to_next": None, "amount_to_next_minor": None}
    assert till.get("customers/C7K2-94QX").json()["tier"] == top


def test_tier_reached_by_money_is_told_in_money(till, mia):
    ProgramFactory(tier_basis=TierBasis.SPEND)
    TierFactory(rank=1, threshold=2000, name={"en": "Silver"})

    answered = till.post("purchases", basket(customer=mia.number)).json()["tier"]

    assert answered == {"name": None, "next": "Silver", "points_to_next": None, "amount_to_next_minor": 750}


def dear(amount_minor):
    return [{"sku": "1", "quantity": "1", "amount_minor": amount_minor}]


def test_earned_points_are_pending_as_long_as_the_programme_says(till, mia):
    ProgramFactory(pending_days=14)

    answered = till.post("purchases", basket(customer=mia.number))

    assert answered.json()["points"] == {"earned": 12, "pending": 12, "redeemed": 0, "balance": 12}
    assert till.get(f"purchases/{answered.json()['id']}").json()["points"] == answered.json()["points"]


def test_receipt_told_again_under_another_key_is_answered_with_the_first_result(till, mia, now, clock):
    award(mia, 300, now - DAY)
    told_once = basket(customer=mia.number, points_to_redeem=10)
    first = till.post("purchases", told_once)
    points.award(customer=mia, points=5, reference="after", by=actors.SYSTEM, at=now)
    clock.shift(DAY)

    again = till.post("purchases", told_once | {"purchased_at": "2026-05-20T10:15:00Z"})

    assert (again.status_code, again.json()) == (201, first.json())
    assert "Idempotent-Replayed" not in again
    assert (Purchase.objects.count(), PointsEntry.objects.count()) == (1, 4)


def test_receipt_number_of_another_fact_is_a_conflict_and_of_another_store_is_not(till, store):
    till.post("purchases", basket())

    assert told(till.post("purchases", basket(currency="EUR"))) == (409, "receipt_conflict")
    assert caller().post("purchases", basket()).status_code == 201


REFUSED = [
    ({"customer": "AAAA-AAAA"}, 404, "customer_unknown"),
    ({"points_to_redeem": 301}, 409, "insufficient_points"),
    ({"points_to_redeem": 1251}, 409, "points_exceed_amount"),
    ({"customer": None, "points_to_redeem": 1}, 422, "points_without_customer"),
    ({"currency": "EUR", "points_to_redeem": 1}, 409, "points_other_currency"),
    ({"purchased_at": "2026-05-20T10:46:00Z"}, 422, "purchased_in_future"),
    ({"gift_card_minor": 1251}, 422, "gift_card_exceeds_amount"),
    ({"lines": [basket()["lines"][0] | {"tax_minor": 1251}]}, 422, "tax_exceeds_amount"),
    ({"coupons": ["ABCD"]}, 409, "coupon_mistyped"),
    ({"coupons": ["2222-2222-2222"]}, 409, "coupon_unknown"),
]


@pytest.mark.parametrize(("change", "status", "code"), REFUSED, ids=[code for _, _, code in REFUSED])
def test_refused_purchase_leaves_nothing_behind(till, mia, now, change, status, code):
    award(mia, 300, now - DAY)

    response = till.post("purchases", basket(customer=mia.number) | change)

    assert told(response) == (status, code)
    assert (Purchase.objects.count(), Product.objects.count(), PointsEntry.objects.count()) == (0, 0, 1)


@pytest.mark.parametrize(
    ("coupon", "code"),
    [
        ({"state": CouponState.VOID}, "coupon_void"),
        ({"expires_at": "2026-05-20T10:15:00Z"}, "coupon_expired"),
        ({"offer__currency": "EUR"}, "coupon_other_currency"),
        ({"offer__min_spend_minor": 1251}, "min_spend_not_reached"),
        ({"offer__withdrawn_at": "2026-05-20T00:00:00Z"}, "offer_withdrawn"),
        ({"offer__redemptions_max": 0}, "offer_limit_reached"),
    ],
)
def test_coupon_that_cannot_be_used_refuses_the_whole_purchase(till, mia, coupon, code):
    owned = CouponFactory(customer=mia, **coupon)

    response = till.post("purchases", basket(customer=mia.number, coupons=[owned.display_code]))

    assert told(response) == (409, code)
    assert (Purchase.objects.count(), Coupon.objects.get().state) == (0, owned.state)


def test_coupon_is_redeemed_once(till, mia):
    coupon = CouponFactory()
    till.post("purchases", basket(coupons=[coupon.code]))

    response = till.post("purchases", basket(receipt_number="R-2", coupons=[coupon.code]))

    assert told(response) == (409, "coupon_already_redeemed")
    assert response.json()["detail"] == f"Coupon {coupon.display_code} was redeemed already."
    assert response.json()["coupon"] == coupon.display_code


def test_purchase_of_a_customer_who_left_is_refused(till, mia, now):
    mia.closed_at = now
    mia.save()

    assert told(till.post("purchases", basket(customer=mia.number))) == (404, "customer_unknown")


@pytest.mark.django_db(transaction=True)
def test_receipt_told_by_many_at_once_is_booked_once(store, mia):
    tills = [caller(store=store, name=f"Till {number}") for number in range(8)]

    responses = at_once(*[partial(one.post, "purchases", basket(customer=mia.number)) for one in tills * 8])

    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert (Purchase.objects.count(), PointsEntry.objects.count()) == (1, 1)


# --- looking one up


def test_show_purchase_tells_lines_and_entries(till, mia, now):
    award(mia, 300, now - DAY)
    booked = till.post("purchases", basket(customer=mia.number, points_to_redeem=50)).json()
    spent, earned = PointsEntry.objects.filter(reference=f"purchase:{booked['id']}").order_by("seq")
    store = till.till.store

    response = caller().get(f"purchases/{booked['id']}")

    assert (response.status_code, response.json()) == (
        200,
        booked
        | {
            "store": store.code,
            "purchased_at": "2026-05-20T10:15:00Z",
            "currency": "CNY",
            "gift_card_minor": 0,
            "lines": [
                {
                    "line": 1,
                    "sku": "4011",
                    "name": "Bananas",
                    "category": "FRUIT",
                    "quantity": "1.250",
                    "amount_minor": 1250,
                    "discount_minor": 0,
                    "tax_minor": 0,
                }
            ],
            "entries": [
                {
                    "id": str(spent.pk),
                    "kind": "redeem",
                    "points": -50,
                    "balance_after": 250,
                    "happened_at": "2026-05-20T10:30:00Z",
                    "reference": f"purchase:{booked['id']}",
                    "explanation": f"50 points paid ¥0.50 at {store.name} on May 20, 2026.",
                },
                {
                    "id": str(earned.pk),
                    "kind": "award",
                    "points": 12,
                    "balance_after": 262,
                    "happened_at": "2026-05-20T10:15:00Z",
                    "reference": f"purchase:{booked['id']}",
                    "explanation": f"12 points for ¥12.00 at {store.name} on May 20, 2026. 1 point for every ¥1.00. "
                    "¥0.50 was paid with points and earns none.",
                },
            ],
            "returns": [],
        },
    )


@pytest.mark.parametrize("id_", ["0", "999", "abc", "-1", "9" * 30, "１", "1.0", "%00"])
def test_show_purchase_knows_no_other(till, id_):
    assert till.get(f"purchases/{id_}").status_code in ({404} if id_ != "%00" else {422})


# --- cost


def test_purchase_takes_few_queries(till, mia):
    ProgramFactory()
    till.post("purchases", basket(customer=mia.number))

    with CaptureQueriesContext(connection) as done:
        till.post("purchases", basket(customer=mia.number, receipt_number="R-2"))

    statements = [query["sql"] for query in done if "SAVEPOINT" not in query["sql"]]
    auth = [sql for sql in statements if "FROM customers_till" in sql or "UPDATE" in sql]
    once = [sql for sql in statements if "idempotent_calls_ask" in sql or "customers_idempotentcall" in sql]
    assert (len(auth), len(once), len(statements)) == (1, 2, 7)
