"""Goods come back at the counter."""

from decimal import Decimal

import pytest
from django.utils import timezone

from customers.models import PurchaseReturn, PurchaseReturnLine
from loyalty_site.lib import actors
from rewards.domain import checkout, points
from rewards.models import CouponState
from tests.factories.customers import ProductFactory, PurchaseFactory, PurchaseLineFactory, StoreFactory
from tests.factories.rewards import CouponFactory
from tests.loyalty_site.till.conftest import field, text_of
from tests.rewards.domain.baskets import basket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]


@pytest.fixture(autouse=True)
def _clock(now, time_machine):
    time_machine.move_to(now, tick=False)


@pytest.fixture
def bought(store, mia, award, now):
    """60.00 and 40.00, 5.00 off by a coupon, 2.00 paid with 200 of 500 points."""
    award(mia, 500)
    coupon = CouponFactory(customer=mia)
    told = basket(6000, 4000, customer=mia, now=now, coupons=[coupon.code], points=200)
    return checkout.settle(purchase=told, store=store, till=None, by=actors.SYSTEM, at=now).purchase


def page_of(purchase):
    return f"/till/purchases/{purchase.pk}/return/"


def balance(customer):
    return points.summary(customer=customer, at=timezone.now()).balance


def take_back(client, purchase, **told):
    shown = client.post(page_of(purchase), {"step": "review", **told})
    sent = {"step": "book", "slip": field(shown, "slip"), **told}
    return client.post(page_of(purchase), sent), sent, shown


ALL = {"line-1-chosen": "on", "line-2-chosen": "on"}


def test_whole_purchase_comes_back_as_the_page_said(client, cashier, store, mia, bought):
    assert balance(mia) == 393
    done, _sent, shown = take_back(client, bought, **ALL)
    offer = mia.coupons.get().offer
    said = f"¥93.00 Points taken back −93 Points given back +200 New balance 500 points Good again: {offer}"
    assert f"To pay back {said}" in text_of(shown)
    made = PurchaseReturn.objects.get()
    assert done.url == f"/till/returns/{made.pk}/"
    assert (made.store, made.recorded_by, made.purchase) == (store, f"user:{cashier.pk}", bought)
    text = text_of(client.get(done.url))
    assert f"Paid back {said}" in text
    assert balance(mia) == 500
    assert mia.coupons.get().state == CouponState.ISSUED
    assert "All of this came back." in text_of(client.get(page_of(bought)))


def test_review_books_nothing(client, mia, bought):
    for _ in range(2):
        client.post(page_of(bought), {"step": "review", **ALL})
    assert balance(mia) == 393
    assert not PurchaseReturn.objects.exists()
    assert mia.coupons.get().state == CouponState.REDEEMED


def test_parts_come_back_one_after_the_other_and_leave_nothing(client, mia, bought):
    refunds = []
    for told in ({"line-1-amount": "20"}, {"line-1-amount": ""}, {"line-2-chosen": "on"}):
        told = {"line-1-chosen": "on", **told} if "line-2-chosen" not in told else told
        done, _sent, _shown = take_back(client, bought, **told)
        refunds.append(client.get(done.url).context["outcome"].refund_minor)
    assert sum(refunds) == bought.paid_minor
    assert balance(mia) == 500
    back = PurchaseReturnLine.objects.order_by("pk").values_list("quantity", "amount_minor")
    assert list(back) == [(Decimal("0.333"), 2000), (Decimal("0.667"), 4000), (Decimal(1), 4000)]


def test_pressing_twice_takes_back_once(client, mia, bought):
    first, sent, _shown = take_back(client, bought, **{"line-1-chosen": "on", "line-1-amount": "10"})
    assert client.post(page_of(bought), sent).url == first.url
    assert PurchaseReturn.objects.count() == 1


def test_quantity_alone_brings_its_share_of_the_amount(client, store):
    bought = PurchaseFactory(store=store, total_minor=1000)
    PurchaseLineFactory(purchase=bought, quantity=3, amount_minor=1000, product=ProductFactory(name="Cups"))
    assert "Cups Quantity 3 · ¥10.00" in text_of(client.get(page_of(bought)))
    take_back(client, bought, **{"line-1-chosen": "on", "line-1-quantity": "1"})
    take_back(client, bought, **{"line-1-chosen": "on", "line-1-quantity": "2"})
    assert list(PurchaseReturnLine.objects.order_by("pk").values_list("amount_minor", flat=True)) == [333, 667]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"line-1-chosen": "on", "line-1-amount": "0"},
        {"line-1-chosen": "on", "line-1-amount": "60.01"},
        {"line-1-chosen": "on", "line-1-amount": "\0"},
        {"line-1-chosen": "on", "line-1-amount": "9" * 30},
        {"line-1-chosen": "on", "line-1-amount": "-1"},
        {"line-9-chosen": "on"},
    ],
)
def test_what_cannot_come_back_is_refused(client, mia, bought, told):
    for step in ("review", "book"):
        slip = field(client.get(page_of(bought)), "slip")
        refused = client.post(page_of(bought), {"step": step, "slip": slip, **told})
        assert refused.status_code == 200
        assert "Take it back" not in text_of(refused)
    assert not PurchaseReturn.objects.exists()


@pytest.mark.parametrize("quantity", ["4", "-1", "x", "1e400", "NaN", "0.0001", "\0", "9" * 400])
def test_odd_quantities_are_refused(client, store, quantity):
    bought = PurchaseFactory(store=store, total_minor=1000)
    PurchaseLineFactory(purchase=bought, quantity=3, amount_minor=1000)
    refused, _sent, _shown = take_back(client, bought, **{"line-1-chosen": "on", "line-1-quantity": quantity})
    assert refused.status_code == 200
    assert not PurchaseReturn.objects.exists()


def test_purchase_is_found_by_receipt_or_among_the_latest_of_a_customer(client, store, mia):
    bought = PurchaseFactory(store=store, receipt_number="R-5", customer=mia)
    PurchaseFactory(receipt_number="R-6", store=StoreFactory())
    assert client.get("/till/return/", {"receipt": " R-5 "}).url == page_of(bought)
    assert "There is no receipt “R-6” here." in text_of(client.get("/till/return/", {"receipt": "R-6"}))
    assert client.get("/till/return/", {"receipt": "\0"}).status_code == 200
    assert f'href="{page_of(bought)}"' in client.get(f"/till/customers/{mia.number}/return/").content.decode()


def test_goods_of_another_store_come_back_here_when_they_are_a_customers(client, store, mia):
    elsewhere = PurchaseFactory(customer=mia, total_minor=500)
    PurchaseLineFactory(purchase=elsewhere, amount_minor=500)
    done, _sent, _shown = take_back(client, elsewhere, **{"line-1-chosen": "on"})
    assert done.status_code == 302
    assert PurchaseReturn.objects.get().store == store
    anonymous = PurchaseFactory()
    assert client.post(page_of(anonymous), {"step": "book"}).status_code == 404


def test_return_with_the_page_of_another_one_is_looked_at_again(client, bought):
    shown = client.post(page_of(bought), {"step": "book", "slip": "forged", **ALL})
    assert "Take it back" in text_of(shown)
    assert not PurchaseReturn.objects.exists()


@pytest.mark.parametrize("number", [1, 3])
def test_page_takes_as_many_queries_for_three_lines_as_for_one(client, store, number, django_assert_num_queries):
    bought = PurchaseFactory(store=store)
    PurchaseLineFactory.create_batch(number, purchase=bought, amount_minor=100)
    client.get(page_of(bought))
    with django_assert_num_queries(10):
        client.get(page_of(bought))
