"""Who may work at the till page, and in which store."""

import pytest
from django.test import Client
from django.utils import timezone

from customers.models import Purchase
from loyalty_site import roles
from tests.factories.customers import StoreFactory, UserFactory
from tests.loyalty_site.till.conftest import field, text_of

pytestmark = pytest.mark.django_db

PATHS = [
    "/till/",
    "/till/enroll/",
    "/till/purchase/",
    "/till/return/",
    "/till/undo/",
    "/till/purchases/1/",
    "/till/purchases/1/return/",
    "/till/returns/1/",
    "/till/customers/ABCD2345/",
    "/till/customers/ABCD2345/purchase/",
    "/till/customers/ABCD2345/return/",
    "/till/customers/ABCD2345/rewards/1/",
    "/till/pickups/ABCD2345/",
    "/till/coupons/ABCD2345EFGH/",
    "/till/store/",
]


@pytest.mark.parametrize("path", PATHS)
def test_strangers_are_sent_to_sign_in_and_other_staff_are_refused(path, enter):
    assert Client().get(path).url == f"/staff/login/?next={path}"
    refused = Client().post(path, {"amount": "1"})
    assert refused.status_code == 405 or refused.url == "/staff/login/?next=/till/"
    assert enter(roles.MARKETING).get(path).status_code == 403
    assert enter(roles.AUDITOR).post(path).status_code in (403, 405)


@pytest.mark.parametrize("role", [roles.CASHIER, roles.STORE_MANAGER, roles.OWNER])
def test_roles_that_sell_come_in(role, enter):
    page = enter(role).get("/till/")
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]


def test_part_of_a_page_is_answered_with_a_way_out_when_the_session_is_over(store):
    answer = Client().post("/till/purchase/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/staff/login/?next=/till/")


def test_cashier_lands_at_the_till_and_others_in_the_back_office(staff):
    for role, landing in ((roles.CASHIER, "/till/"), (roles.STORE_MANAGER, "/admin/"), (roles.OWNER, "/admin/")):
        user = staff(role)
        user.set_password("correct horse battery staple")
        user.save(update_fields=["password"])
        told = {"login": user.email, "password": "correct horse battery staple"}
        assert Client().post("/staff/login/", told).url == landing


@pytest.mark.parametrize(
    ("role", "is_there"), [(roles.CASHIER, True), (roles.STORE_MANAGER, True), (roles.MARKETING, False)]
)
def test_menu_of_the_back_office_leads_to_the_till(role, is_there, enter):
    menu = enter(role).get("/admin/").context["sidebar_navigation"]
    assert ("/till/" in [item["link"] for group in menu for item in group["items"]]) == is_there


def test_only_store_is_chosen_by_itself(client, store):
    assert store.name in text_of(client.get("/till/"))


def test_who_has_several_stores_chooses_one_and_keeps_it(enter, store):
    client, other = enter(), StoreFactory(name="Harbor")
    assert client.get("/till/").url == "/till/store/"
    assert "Harbor" in text_of(client.get("/till/store/"))
    assert client.post("/till/store/", {"store": other.pk}).url == "/till/"
    page = client.get("/till/purchase/")
    assert "Harbor" in text_of(page)
    client.post("/till/purchase/", {"amount": "5", "step": "book", "slip": field(page, "slip"), "pays": "500"})
    assert [bought.store for bought in Purchase.objects.all()] == [other]


def test_store_of_somebody_else_cannot_be_chosen(enter, store):
    mine, own = StoreFactory(name="Mine"), StoreFactory(name="Own")
    client = enter(roles.CASHIER, [mine, own])
    page = client.post("/till/store/", {"store": store.pk})
    assert page.status_code == 200
    assert "Market Street" not in text_of(page)
    assert "till_store" not in client.session


@pytest.mark.parametrize("wanted", ["", "x", "-1", "0", "9" * 30, "1\0", "²"])
def test_junk_for_a_store_is_asked_again(enter, store, wanted):
    client, _other = enter(), StoreFactory()
    assert client.post("/till/store/", {"store": wanted}).status_code == 200


def test_chosen_store_that_was_closed_or_taken_away_is_chosen_anew(client, cashier, store):
    other = StoreFactory()
    cashier.stores.add(other)
    client.post("/till/store/", {"store": other.pk})
    cashier.stores.set([store])
    assert client.get("/till/").url == "/till/store/"
    cashier.stores.set([other])
    other.closed_at = timezone.now()
    other.save(update_fields=["closed_at"])
    assert client.get("/till/").url == "/till/store/"
    assert "No store is open to you" in text_of(client.get("/till/store/"))


def test_permission_by_itself_is_enough(store):
    user = UserFactory(password=None, is_superuser=True)
    client = Client()
    client.force_login(user)
    assert client.get("/till/").status_code == 200
