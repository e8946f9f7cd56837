"""Goods brought back, over HTTP."""

from datetime import timedelta
from functools import partial

import pytest

from customers.models import PurchaseReturn
from loyalty_site.lib import actors
from rewards.domain import points
from rewards.models import Coupon, CouponState, PointsEntry
from tests.factories.rewards import CouponFactory
from tests.loyalty_site.api.calling import basket, caller, told
from tests.races import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def back(quantity="1.250", amount_minor=1250, **changes):
    lines = [{"line": 1, "quantity": quantity, "amount_minor": amount_minor}]
    return {"return_number": "B-1", "returned_at": "2026-05-20T10:20:00Z", "lines": lines} | changes


@pytest.fixture
def bought(till, mia, now):
    """12.50 for 5.00 off and 150 points: 6.00 paid, 6 points earned, 156 left."""
    points.award(customer=mia, points=300, reference="before", by=actors.SYSTEM, at=now - DAY)
    coupon = CouponFactory(customer=mia, code="222222222222")
    offered = basket(customer=mia.number, coupons=[coupon.code], points_to_redeem=150)
    return till.post("purchases", offered).json()


def test_all_brought_back_leaves_what_was_before(till, bought):
    response = till.post(f"purchases/{bought['id']}/returns", back())

    made = PurchaseReturn.objects.get()
    assert (response.status_code, response.json()) == (
        201,
        {
            "id": str(made.pk),
            "return_number": "B-1",
            "returned_at": "2026-05-20T10:20:00Z",
            "lines": [{"line": 1, "quantity": "1.250", "amount_minor": 1250}],
            "purchase": bought["id"],
            "points": {"clawed_back": 6, "reimbursed": 150, "balance": 300},
            "coupons": [{"code": "2222-2222-2222", "expires_at": None}],
        },
    )
    assert Coupon.objects.get().state == CouponState.ISSUED


def test_part_brought_back_at_another_store_is_shown_with_the_purchase(till, bought):
    elsewhere = caller()
    response = elsewhere.post(f"purchases/{bought['id']}/returns", back("0.500", 500))

    assert response.status_code == 201
    assert response.json()["points"] == {"clawed_back": 3, "reimbursed": 60, "balance": 213}
    assert response.json()["coupons"] == []
    shown = till.get(f"purchases/{bought['id']}").json()
    kept = ("id", "return_number", "returned_at", "lines")
    assert shown["returns"] == [{name: response.json()[name] for name in kept}]
    assert [(entry["kind"], entry["points"]) for entry in shown["entries"]] == [
        ("redeem", -150),
        ("award", 6),
        ("reimburse", 60),
        ("claw_back", -3),
    ]
    assert {name: shown[name] for name in bought} == bought
    assert PurchaseReturn.objects.get().store == elsewhere.till.store


def test_return_told_again_under_another_key_is_answered_with_the_first_result(till, mia, bought, now):
    first = till.post(f"purchases/{bought['id']}/returns", back())
    points.award(customer=mia, points=5, reference="after", by=actors.SYSTEM, at=now)

    again = till.post(f"purchases/{bought['id']}/returns", back(returned_at="2026-05-20T18:20:00+08:00"))

    assert (again.status_code, again.json()) == (201, first.json())
    assert PurchaseReturn.objects.count() == 1


def test_purchase_told_again_after_its_return_is_answered_with_the_first_result(till, mia, bought):
    till.post(f"purchases/{bought['id']}/returns", back())

    again = till.post("purchases", basket(customer=mia.number, coupons=["222222222222"], points_to_redeem=150))

    assert (again.status_code, again.json()) == (201, bought)


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (back("1.251", 1250), 409, "return_exceeds_purchase"),
        (back("1.250", 1251), 409, "return_exceeds_purchase"),
        (back(lines=[{"line": 2, "quantity": "1", "amount_minor": 1}]), 422, "return_line_unknown"),
        (back("0", 0), 422, "nothing_returned"),
        (back(returned_at="2026-05-20T10:46:00Z"), 422, "returned_in_future"),
        (back(returned_at="2026-05-20T09:00:00Z"), 422, "returned_before_purchase"),
        (back(lines=[]), 422, "invalid"),
        (back("-1"), 422, "invalid"),
        (back(amount_minor=-1), 422, "invalid"),
        (back(lines=[{"line": 0, "quantity": "1", "amount_minor": 1}]), 422, "invalid"),
        (back(returned_at="2026-05-20T10:20:00"), 422, "invalid"),
    ],
)
def test_refused_return_books_nothing(till, bought, asked, status, code):
    entries = PointsEntry.objects.count()

    assert told(till.post(f"purchases/{bought['id']}/returns", asked)) == (status, code)
    assert (PurchaseReturn.objects.count(), PointsEntry.objects.count()) == (0, entries)


def test_return_number_of_another_fact_is_a_conflict(till, bought):
    till.post(f"purchases/{bought['id']}/returns", back("0.500", 500))

    assert told(till.post(f"purchases/{bought['id']}/returns", back("0.500", 501))) == (409, "return_conflict")


@pytest.mark.parametrize("id_", ["0", "999999", "abc"])
def test_return_of_no_purchase_is_not_found(till, id_):
    assert told(till.post(f"purchases/{id_}/returns", back())) == (404, "purchase_unknown")


@pytest.mark.django_db(transaction=True)
def test_return_told_by_many_at_once_is_booked_once(store, till, bought):
    tills = [till, *[caller(store=store, name=f"Till {number}") for number in range(2, 9)]]

    responses = at_once(*[partial(one.post, f"purchases/{bought['id']}/returns", back()) for one in tills])

    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert PurchaseReturn.objects.count() == 1
