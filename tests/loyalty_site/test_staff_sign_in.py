"""How staff come in: e-mail and password, a second step, and a pause after too many wrong guesses."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from customers.models import User
from loyalty_site.demo import staff
from tests.factories.customers import UserFactory

pytestmark = pytest.mark.django_db

LOGIN = "/staff/login/"
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _no_earlier_guesses():
    cache.clear()


@pytest.fixture
def member():
    return UserFactory(email="rosa@example.org", is_superuser=True)


def sign_in(client, password=PASSWORD, email="Rosa@example.org", **more):
    return client.post(LOGIN, {"login": email, "password": password, **more})


def test_admin_leads_to_the_staff_page_and_back(client, member):
    assert client.get("/admin/rewards/offer/").url == "/admin/login/?next=/admin/rewards/offer/"
    assert client.get("/admin/login/?next=/admin/rewards/offer/").url.startswith(LOGIN)
    assert sign_in(client, next="/admin/rewards/offer/").url == "/admin/rewards/offer/"
    assert client.get("/admin/").status_code == 200


def test_staff_come_in_by_a_socket_that_tells_no_address(member):
    assert sign_in(Client(REMOTE_ADDR="")).url == "/admin/"


def test_wrong_password_and_unknown_address_get_the_same_answer(client, member):
    wrong, unknown = sign_in(client, "wrong"), sign_in(client, "wrong", "nobody@example.org")
    assert wrong.context["form"].errors == unknown.context["form"].errors
    assert wrong.status_code == unknown.status_code == 200


def test_sixth_guess_is_not_looked_at(client, member):
    for _ in range(5):
        sign_in(client, "wrong")
    answer = sign_in(client)
    assert "_auth_user_id" not in client.session
    assert "Too many" in answer.content.decode()


def test_next_leads_nowhere_else(client, member):
    assert sign_in(client, next="https://elsewhere.example/").url == "/admin/"


def test_inactive_staff_stay_outside(client, member):
    User.objects.update(is_active=False)
    sign_in(client)
    assert client.get("/admin/").status_code == 302


def test_nobody_signs_up(client):
    page = client.post("/staff/signup/", {"email": "new@example.org", "password1": PASSWORD})
    assert "Sign Up Closed" in page.content.decode()
    assert not User.objects.exists()


def test_second_step_asks_for_the_code_of_the_app(client, member):
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(member, secret)
    answer = sign_in(client)
    assert answer.url == reverse("mfa_authenticate")
    assert client.get("/admin/").status_code == 302
    assert client.post(answer.url, {"code": "000000"}).status_code == 200
    assert client.get("/admin/").status_code == 302
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    client.post(answer.url, {"code": code})
    assert client.get("/admin/").status_code == 200


def test_staff_set_up_an_app_and_keep_recovery_codes(client, member):
    sign_in(client)
    asked_again = client.get(reverse("mfa_activate_totp")).url
    assert client.post(asked_again, {"password": PASSWORD}).url == reverse("mfa_activate_totp")
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    assert "data:image/svg+xml" in page.content.decode()
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    answer = client.post(reverse("mfa_activate_totp"), {"code": code}, follow=True)
    assert answer.status_code == 200
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}
    assert client.get(reverse("mfa_view_recovery_codes")).status_code == 200


def test_staff_do_not_change_their_own_address(client, member):
    client.force_login(member)
    assert client.post("/staff/email/", {"email": "mine@example.org", "action_add": ""}).url == "/admin/"
    member.refresh_from_db()
    assert member.email == "rosa@example.org"


def test_owner_forgets_the_authenticator_of_who_lost_the_phone(client, member):
    lost = UserFactory(password=None)
    totp.TOTP.activate(lost, totp.generate_totp_secret())
    client.force_login(member)
    act = reverse("admin:customers_user_forget_authenticator", args=[lost.pk])
    assert client.get(act).status_code == 200
    assert Authenticator.objects.count() == 1
    client.post(act)
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("name", ["mfa_index", "account_change_password", "account_reset_password", "account_logout"])
def test_account_pages_open_in_the_products_look(client, member, name):
    client.force_login(member)
    page = client.get(reverse(name), follow=True).content.decode()
    assert "css/loyalty.css" in page
    assert "Menu:" not in page


def test_demo_tells_its_accounts_and_only_the_demo_does(client, settings):
    UserFactory(email=staff.accounts()[0].email, password=None)
    settings.LOYALTY_DEMO = True
    assert staff.accounts()[0].password in client.get(LOGIN).content.decode()
    settings.LOYALTY_DEMO = False
    assert staff.accounts()[0].email not in client.get(LOGIN).content.decode()


def test_signing_out_ends_at_the_sign_in_page(client, member):
    client.force_login(member)
    assert client.post("/admin/logout/").url == LOGIN
