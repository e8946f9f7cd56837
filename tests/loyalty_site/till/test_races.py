"""Buttons pressed at the same moment, on two devices of one cashier."""

import pytest
from django.test import Client
from django.utils import timezone

from customers.models import Purchase, PurchaseReturn
from rewards.domain import points
from rewards.models import RewardRedemption
from tests.factories.rewards import CouponFactory, RewardFactory
from tests.loyalty_site.till.conftest import field, text_of
from tests.loyalty_site.till.test_purchase import book, page_of, review
from tests.races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books_balance")]


@pytest.fixture
def press(cashier):
    """Posts each (path, data) from a browser of its own, at the same moment."""

    def press(*posts):
        clients = [Client() for _ in posts]
        for client in clients:
            client.force_login(cashier)
        return at_once(
            *(lambda client=client, post=post: client.post(*post) for client, post in zip(clients, posts, strict=True))
        )

    return press


def balance(customer):
    return points.summary(customer=customer, at=timezone.now()).balance


def test_one_page_booked_four_times_at_once_is_one_purchase(client, press, mia, award):
    award(mia, 500, timezone.now())
    coupon = CouponFactory(customer=mia)
    told = {"amount": "100", "coupons": [coupon.code], "points": "200"}
    shown = review(client, mia, **told)
    sent = {**told, "step": "book", "slip": field(shown, "slip"), "pays": field(shown, "pays")}
    answers = press(*[(page_of(mia), sent)] * 4)
    bought = Purchase.objects.get()
    assert {answer.url for answer in answers} == {f"/till/purchases/{bought.pk}/"}
    assert balance(mia) == 393


def test_two_pages_with_one_coupon_at_once_use_it_once(client, press, mia):
    coupon = CouponFactory(customer=mia)
    told = {"amount": "100", "coupons": [coupon.code]}
    posts = []
    for _ in range(3):
        shown = review(client, mia, **told)
        sent = {**told, "step": "book", "slip": field(shown, "slip"), "pays": field(shown, "pays")}
        posts.append((page_of(mia), sent))
    answers = press(*posts)
    refused = [answer for answer in answers if answer.status_code == 200]
    assert (len(refused), Purchase.objects.count(), coupon.redemptions.get().discount_minor) == (2, 1, 500)
    assert all(f"Coupon {coupon} was redeemed already." in text_of(answer) for answer in refused)


def test_points_for_two_rewards_at_once_take_no_more_than_there_are(client, press, mia, award):
    award(mia, 500, timezone.now())
    reward = RewardFactory(cost_points=300)
    page = f"/till/customers/{mia.number}/rewards/{reward.pk}/"
    asked = [client.get(page), client.get(page)]
    answers = press(*((page, {"slip": field(shown, "slip"), "cost": "300"}) for shown in asked))
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert (RewardRedemption.objects.count(), balance(mia)) == (1, 200)


def test_undo_pressed_at_once_undoes_once(client, press, mia):
    book(client, mia, amount="10")
    page = client.get("/till/undo/")
    sent = {"slip": field(page, "slip"), "act": field(page, "act")}
    answers = press(*[("/till/undo/", sent)] * 3)
    made = PurchaseReturn.objects.get()
    assert {answer.url for answer in answers} == {f"/till/returns/{made.pk}/"}
    assert balance(mia) == 0


def test_undo_and_return_at_once_take_back_once(client, press, mia):
    for times in (1, 2, 3):
        book(client, mia, amount="10")
        bought = Purchase.objects.latest("pk")
        page, path = client.get("/till/undo/"), f"/till/purchases/{bought.pk}/return/"
        back = {"line-1-chosen": "on", "step": "book", "slip": field(client.get(path), "slip")}
        answers = press(("/till/undo/", {"slip": field(page, "slip"), "act": field(page, "act")}), (path, back))
        assert sorted(answer.status_code for answer in answers) == [200, 302]
        assert (PurchaseReturn.objects.count(), balance(mia)) == (times, 0)
