"""All that is known of a person, handed out."""

import io
import json
import re
import zipfile

import pytest
from django.contrib.auth.models import Group

from customers.models import AuditEvent, Customer, Purpose
from loyalty_site import personal_data, privacy, roles
from loyalty_site.lib import actors
from loyalty_site.personal_tables import TOLD
from rewards.domain import checkout, merges
from tests.factories.customers import (
    CardFactory,
    ConsentFactory,
    CustomerFactory,
    SegmentMemberFactory,
    StoreFactory,
    UserFactory,
)
from tests.factories.rewards import BaseRuleFactory, CouponFactory, OfferFactory, ProgramFactory
from tests.factories.surveys import DeliveryFactory, QuestionFactory
from tests.loyalty_site.test_privacy import answer
from tests.rewards.domain.baskets import basket
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db
STAFF = actors.user(7)


@pytest.fixture(autouse=True)
def _programme(db):
    ProgramFactory(name="Green Basket")


@pytest.fixture
def mei(now):
    """Who bought, has a coupon, and wrote something to a survey."""
    mei = CustomerFactory(name="Mei <b>Lin", email="mei.lin@example.org", phone="+8613812345678")
    CardFactory(customer=mei, number="card-mei")
    ConsentFactory(customer=mei, purpose=Purpose.SURVEY_EMAIL, granted_by=str(STAFF))
    SegmentMemberFactory(customer=mei, segment__name="Tea drinkers")
    CouponFactory(customer=mei, offer=OfferFactory(title={"en": "Plum cake"}))
    BaseRuleFactory()
    told = basket(5_000, customer=mei, now=now)
    checkout.settle(purchase=told, store=StoreFactory(name="Harbour"), till=None, by=STAFF, at=now)
    delivery = DeliveryFactory(customer=mei)
    QuestionFactory(survey=delivery.campaign.survey)
    QuestionFactory(survey=delivery.campaign.survey, kind="TEXT")
    answer(delivery, now)
    return mei


def opened(packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as files:
        assert sorted(files.namelist()) == ["data.json", "index.html"]
        return json.loads(files.read("data.json")), files.read("index.html").decode()


def handed_out(customer, now):
    return opened(personal_data.archive(customer=customer, by=STAFF, at=now))


def test_file_has_every_table_and_what_it_knows_of_the_person(mei, now):
    told, page = handed_out(mei, now)
    assert (told["program"], told["customer"]) == ("Green Basket", mei.display_number)
    assert set(told["data"]) == set(TOLD)
    data = told["data"]
    (row,) = data["customers.Customer"]
    assert (row["name"], row["email"], row["phone"]) == ("Mei <b>Lin", "mei.lin@example.org", "+8613812345678")
    assert [card["number"] for card in data["customers.Card"]] == ["card-mei"]
    assert [purchase["store"]["name"] for purchase in data["customers.Purchase"]] == ["Harbour"]
    assert [line["amount_minor"] for line in data["customers.PurchaseLine"]] == [5_000]
    assert [entry["points"] for entry in data["rewards.PointsEntry"]] == [50]
    assert [coupon["offer"]["name"] for coupon in data["rewards.Coupon"]] == ["Plum cake"]
    assert [member["segment"]["name"] for member in data["customers.SegmentMember"]] == ["Tea drinkers"]
    assert "Mei Lin was here" in [one["text"] for one in data["surveys.Answer"]]
    for word in ("Mei &lt;b&gt;Lin", "card-mei", "Harbour", "Plum cake", "Tea drinkers", "Mei Lin was here"):
        assert word in page
    assert "<b>Lin" not in page
    assert re.findall(r"(?:src|href)=\"(?!#)", page) == []


def test_staff_are_told_by_their_kind(mei, now):
    told, _page = handed_out(mei, now)
    assert [one["granted_by"] for one in told["data"]["customers.Consent"]] == ["user"]
    assert "user:7" not in json.dumps(told)


def test_nobody_elses_rows_are_in_it(mei, now):
    other = CustomerFactory(name="Leo Park", email="leo.park@example.org")
    CardFactory(customer=other, number="card-leo")
    CouponFactory(customer=other)
    checkout.settle(
        purchase=basket(900, customer=other, now=now, receipt="R-LEO"),
        store=StoreFactory(),
        till=None,
        by=STAFF,
        at=now,
    )
    told, page = handed_out(mei, now)
    text = json.dumps(told) + page
    assert [word for word in ("Leo", "leo.park", "card-leo", "R-LEO") if word in text] == []
    assert [len(told["data"][label]) for label in ("customers.Purchase", "rewards.Coupon")] == [1, 1]


def test_who_was_merged_into_the_person_is_the_person(mei, now):
    kept = CustomerFactory(name="Mei Kept", email="mei.kept@example.org")
    merges.merge(source=mei, target=kept, reason="two cards", by=STAFF, at=now)
    told, _page = handed_out(Customer.objects.get(pk=kept.pk), now)
    assert {row["name"] for row in told["data"]["customers.Customer"]} == {"Mei <b>Lin", "Mei Kept"}
    assert [merge["reason"] for merge in told["data"]["customers.CustomerMerge"]] == ["two cards"]
    assert "Mei Lin was here" in [one["text"] for one in told["data"]["surveys.Answer"]]


def test_who_was_taken_for_the_person_by_mistake_is_in_no_file_of_theirs(mei, now):
    leo = CustomerFactory(name="Leo Park", email="", phone="+8613800000000")
    Customer.objects.filter(pk=mei.pk).update(phone="")
    mei.refresh_from_db()
    merge = merges.merge(source=mei, target=leo, reason="two cards", by=STAFF, at=now)
    merges.undo(merge=merge, by=STAFF, at=now)
    told, page = handed_out(Customer.objects.get(pk=leo.pk), now)
    assert "mei.lin@example.org" not in json.dumps(told) + page


def test_what_was_forgotten_is_in_no_file(mei, now):
    privacy.erase(customer=mei, by=STAFF, at=now)
    told, page = handed_out(Customer.objects.get(pk=mei.pk), now)
    text = json.dumps(told) + page
    assert [word for word in ("Mei", "mei.lin", "8613812345678", "card-mei") if word in text] == []
    assert len(told["data"]["customers.Purchase"]) == 1


def test_page_speaks_the_customers_language(mei, now):
    mei.language = "zh-hans"
    _told, page = handed_out(mei, now)
    assert '<html lang="zh-hans">' in page
    assert "消费" in page


def test_customers_get_their_own_by_a_click_and_not_by_a_link(mei, client):
    browser = signed_in(mei)
    assert "Get my data" in browser.get("/me/").text
    assert browser.get("/me/data/").status_code == 405
    got = browser.post("/me/data/")
    assert (got.headers["Content-Type"], got.headers["Cache-Control"]) == (
        "application/zip",
        "max-age=0, no-cache, no-store, must-revalidate, private",
    )
    assert got.headers["Content-Disposition"] == f'attachment; filename="{mei.number}.zip"'
    assert opened(got.content)[0]["customer"] == mei.display_number
    event = AuditEvent.objects.get(action="customer.handed_out")
    assert (event.actor, event.subject) == (f"customer:{mei.pk}", f"customer:{mei.pk}")
    assert client.post("/me/data/").url.startswith("/sign-in/")
    assert AuditEvent.objects.filter(action="customer.handed_out").count() == 1


def test_owner_hands_it_out_and_nobody_else(mei, client, now):
    privacy.close(customer=mei, by=STAFF, at=now)
    roles.sync()
    url = f"/admin/customers/customer/{mei.pk}/hand_out/"
    for role, status in ((roles.OWNER, 200), (roles.STORE_MANAGER, 403), (roles.AUDITOR, 403)):
        member = UserFactory(password=None)
        member.groups.add(Group.objects.get(name=role))
        client.force_login(member)
        answer = client.post(url)
        assert answer.status_code == status
        if status == 200:
            assert opened(answer.content)[0]["customer"] == mei.display_number
            assert "Hand out all that is known" in client.get(url).text
    assert AuditEvent.objects.filter(action="customer.handed_out").count() == 1
