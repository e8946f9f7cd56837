"""Stores, tills, staff, mails and purchases in the back office."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from customers.domain import tills
from customers.models import AuditEvent, OutboxMail, Till, User
from loyalty_site import roles
from tests.factories.customers import (
    AT,
    CardFactory,
    CustomerFactory,
    PurchaseFactory,
    PurchaseLineFactory,
    StoreFactory,
    UserFactory,
)
from tests.loyalty_site import rows

pytestmark = pytest.mark.django_db

PASSWORD = "a sentence nobody guesses"


@pytest.fixture
def staff(client):
    client.member = UserFactory(is_superuser=True, password=None)
    client.force_login(client.member)
    return client


def add_till(staff, store, name="Till 1"):
    return staff.post("/admin/customers/till/add/", {"store": store.pk, "name": name, "scopes": ["read", "sell"]})


def test_new_till_shows_its_key_once(staff):
    answer = add_till(staff, StoreFactory())
    till = Till.objects.get()
    key = answer.context["key"]
    assert key in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert tills.authenticate(key=key) == till
    assert till.scopes == ["read", "sell"]
    assert key not in staff.get(f"/admin/customers/till/{till.pk}/change/").content.decode()


def test_second_till_of_a_name_is_refused(staff):
    store = StoreFactory()
    add_till(staff, store)
    answer = add_till(staff, store)
    assert answer.context["adminform"].form.errors
    assert Till.objects.count() == 1


def test_revoked_till_opens_nothing_and_cannot_be_edited(staff):
    till = rows.make(Till)
    staff.post(reverse("admin:customers_till_revoke", args=[till.pk]))
    till.refresh_from_db()
    assert till.revoked_at
    assert AuditEvent.objects.filter(action="till.revoked", actor=f"user:{staff.member.pk}").count() == 1
    answer = staff.post(f"/admin/customers/till/{till.pk}/change/", {"name": "Back again", "scopes": ["sell"]})
    assert answer.status_code == 403


def test_staff_are_added_with_a_role_a_store_and_a_password(staff):
    roles.sync()
    store, role = StoreFactory(), Group.objects.get(name=roles.CASHIER)
    told = {"email": "rosa@example.org", "first_name": "Rosa", "password": PASSWORD}
    staff.post("/admin/customers/user/add/", {**told, "groups": [role.pk], "stores": [store.pk], "is_superuser": "on"})
    rosa = User.objects.get(email="rosa@example.org")
    assert (rosa.is_staff, rosa.is_superuser, rosa.check_password(PASSWORD)) == (True, False, True)
    assert (list(rosa.groups.all()), list(rosa.stores.all())) == ([role], [store])
    data = {"roles": ["cashier"], "stores": [store.code], "active": True}
    assert AuditEvent.objects.get(action="staff.added").data == data


@pytest.mark.parametrize(
    ("told", "field"),
    [({"password": "123"}, "password"), ({"email": "TAKEN@example.org"}, "email"), ({"email": "x"}, "email")],
)
def test_staff_are_not_added_with(staff, told, field):
    UserFactory(email="taken@example.org", password=None)
    answer = staff.post("/admin/customers/user/add/", {"email": "rosa@example.org", "password": PASSWORD, **told})
    assert field in answer.context["adminform"].form.errors
    assert User.objects.count() == 2


def test_new_password_is_set_and_noted(staff):
    member = UserFactory(password=None)
    act = reverse("admin:customers_user_set_password", args=[member.pk])
    assert "password" in staff.post(act, {"password": "123"}).context["form"].errors
    staff.post(act, {"password": PASSWORD})
    member.refresh_from_db()
    assert member.check_password(PASSWORD)
    assert AuditEvent.objects.get().action == "staff.password_set"


def test_no_page_tells_a_password_hash(staff, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]  # as in life
    member = UserFactory()
    assert member.password.startswith("pbkdf2")
    for page in ("/admin/customers/user/", f"/admin/customers/user/{member.pk}/change/"):
        assert "pbkdf2" not in staff.get(page).content.decode()


def test_mail_is_shown_in_a_frame_that_runs_nothing(staff):
    mail = OutboxMail.objects.create(
        to="mei@example.org",
        subject="Hello",
        text="See https://example.org/s/1/",
        html="<h1>Hello</h1><script>alert(1)</script>",
        headers={"List-Unsubscribe": "<https://example.org/u/1>"},
    )
    page = staff.get(f"/admin/customers/outboxmail/{mail.pk}/change/").content.decode()
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "alert(1)" not in page
    assert "List-Unsubscribe" in page
    framed = staff.get(reverse("admin:customers_outboxmail_html", args=[mail.pk]))
    policy = framed.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "default-src 'none'" in policy
    assert "script" not in policy.replace("default-src", "")
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert framed.content.decode().startswith('<base target="_blank"><h1>Hello</h1>')


def test_framed_mail_is_for_who_may_see_mails(client):
    roles.sync()
    member = UserFactory(password=None)
    member.groups.add(Group.objects.get(name=roles.CASHIER))
    client.force_login(member)
    mail = rows.make(OutboxMail)
    assert client.get(reverse("admin:customers_outboxmail_html", args=[mail.pk])).status_code == 403
    assert client.get(f"/admin/customers/outboxmail/{mail.pk}/change/").status_code == 403


@pytest.mark.parametrize("role", [roles.OWNER, roles.MARKETING, roles.AUDITOR])
def test_mail_with_a_secret_is_for_superusers(client, settings, role):
    settings.EMAIL_BACKEND = "loyalty_site.outbox.OutboxBackend"
    roles.sync()
    member, above = UserFactory(password=None), UserFactory(is_superuser=True)
    member.groups.add(Group.objects.get(name=role))
    client.post(reverse("account_reset_password"), {"email": above.email})
    secret, letter = OutboxMail.objects.get(), rows.make(OutboxMail)
    client.force_login(member)
    assert list(client.get("/admin/customers/outboxmail/").context["cl"].result_list) == [letter]
    assert client.get(reverse("admin:customers_outboxmail_html", args=[secret.pk])).status_code == 404
    assert client.get(f"/admin/customers/outboxmail/{secret.pk}/change/").status_code == 404
    client.force_login(above)
    assert secret in client.get("/admin/customers/outboxmail/").context["cl"].result_list


@pytest.mark.parametrize("text", ["R-77", "+8613812345678", "mei@example.org", "HTG2-MWWK", "card-9"])
def test_purchase_is_found_by(staff, text):
    mei = CustomerFactory(email="mei@example.org", phone="+8613812345678", number="HTG2MWWK")
    CardFactory(customer=mei, number="card-9")
    wanted = PurchaseFactory(customer=mei, receipt_number="R-77", purchased_at=AT + timedelta(days=1))
    PurchaseFactory(customer=CustomerFactory())
    found = staff.get("/admin/customers/purchase/", {"q": text}).context["cl"].result_list
    assert list(found) == [wanted]


def test_purchase_page_shows_lines_and_money(staff):
    bought = PurchaseFactory(total_minor=1250, receipt_number="R-78")
    PurchaseLineFactory(purchase=bought, product__name="Bananas", amount_minor=1250)
    page = staff.get(f"/admin/customers/purchase/{bought.pk}/change/").content.decode()
    assert "Bananas" in page
    assert "¥12.50" in page
    assert "the system" in page


def test_audit_log_names_people(staff):
    event = rows.make(AuditEvent)
    member = User.objects.get(pk=event.actor.removeprefix("user:"))
    page = staff.get("/admin/customers/auditevent/", {"q": "customer:1"})
    assert member.email in page.content.decode()
