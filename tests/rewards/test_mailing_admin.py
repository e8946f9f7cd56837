"""A mailing from draft to its end, as marketing works with it."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from customers.models import Purpose
from loyalty_site import roles
from rewards.domain import mailings
from rewards.models import Coupon, Mailing
from tests.factories.customers import ConsentFactory, CustomerFactory, UserFactory
from tests.factories.rewards import OfferFactory, ProgramFactory

pytestmark = pytest.mark.django_db
ADD, PREVIEW = reverse("admin:rewards_mailing_add"), reverse("admin:rewards_mailing_preview")


@pytest.fixture(autouse=True)
def _programme(db):
    ProgramFactory()


@pytest.fixture
def marketing(client):
    roles.sync()
    member = UserFactory(password=None)
    member.groups.add(Group.objects.get(name=roles.MARKETING))
    client.force_login(member)
    return client


@pytest.fixture
def typed():
    return {"name": "June", "offer": OfferFactory(title={"en": "Tea"}).pk, "holdout_percent": "20", "subject_en": "Hi"}


def page(mailing, name):
    return reverse(f"admin:rewards_mailing_{name}", args=[mailing.pk])


def test_from_draft_to_cancelled(marketing, typed):
    assert marketing.post(ADD, typed).status_code == 302
    mailing = Mailing.objects.get()
    assert (mailing.state, mailing.experiment.kind, mailing.experiment.holdout_percent) == ("DRAFT", "MAILING", 20)
    ConsentFactory(purpose=Purpose.MARKETING_EMAIL)
    CustomerFactory()
    shown = marketing.get(page(mailing, "schedule")).text
    assert "2 → 1" in shown
    assert "no consent" in shown
    assert "20 %" in shown
    assert marketing.post(page(mailing, "schedule"), {}).status_code == 302
    mailing.refresh_from_db()
    assert mailing.state == "SCHEDULED"
    mailings.materialize_due(at=mailing.starts_at)
    assert "Sending" in marketing.get(page(mailing, "change")).text
    for name, state in (("pause", "PAUSED"), ("resume", "SENDING"), ("cancel", "CANCELLED")):
        assert marketing.get(page(mailing, name)).status_code == 200
        assert marketing.post(page(mailing, name)).status_code == 302
        assert Mailing.objects.get().state == state
    assert "cancelled" in marketing.get(page(mailing, "change")).text


def test_cancelling_asks_whether_coupons_become_void_and_why(marketing, typed):
    ConsentFactory(purpose=Purpose.MARKETING_EMAIL)
    marketing.post(ADD, {**typed, "holdout_percent": 0})
    mailing = Mailing.objects.get()
    marketing.post(page(mailing, "schedule"), {})
    mailing.refresh_from_db()
    mailings.materialize_due(at=mailing.starts_at)
    assert "1 coupon can be redeemed." in marketing.get(page(mailing, "cancel")).text
    assert "Please say why" in marketing.post(page(mailing, "cancel"), {"is_void": "on", "reason": " "}).text
    assert marketing.post(page(mailing, "cancel"), {"is_void": "on", "reason": "wrong price"}).status_code == 302
    assert (Mailing.objects.get().state, Coupon.objects.get().state) == ("CANCELLED", "VOID")


def test_limit_is_said_before_it_is_scheduled_and_stays(marketing, typed):
    ConsentFactory.create_batch(3, purpose=Purpose.MARKETING_EMAIL)
    assert "likely_max" in marketing.post(ADD, {**typed, "likely_max": "0"}).context["adminform"].form.errors
    assert marketing.post(ADD, {**typed, "likely_max": "2"}).status_code == 302
    mailing = Mailing.objects.get()
    shown = marketing.get(page(mailing, "schedule")).text
    assert "3 → 2" in shown
    assert "3 may be written to." in shown
    assert "drawn by chance" in shown
    marketing.post(page(mailing, "schedule"), {})
    marketing.post(page(mailing, "change"), {**typed, "likely_max": "1"})
    assert Mailing.objects.get().likely_max == 2


def test_who_may_not_change_coupons_is_not_asked_about_them(marketing, typed):
    ConsentFactory(purpose=Purpose.MARKETING_EMAIL)
    marketing.post(ADD, {**typed, "holdout_percent": 0})
    mailing = Mailing.objects.get()
    marketing.post(page(mailing, "schedule"), {})
    mailing.refresh_from_db()
    mailings.materialize_due(at=mailing.starts_at)
    staff = UserFactory(password=None)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_mailing", "change_mailing"]))
    marketing.force_login(staff)
    assert "void" not in marketing.get(page(mailing, "cancel")).text
    marketing.post(page(mailing, "cancel"), {"is_void": "on", "reason": "wrong price"})
    assert (Mailing.objects.get().state, Coupon.objects.get().state) == ("CANCELLED", "ISSUED")


def test_start_in_the_past_and_unknown_placeholder_are_told(marketing, typed):
    refused = marketing.post(ADD, {**typed, "body_en": "{points}"}).text
    assert "{points} is not known here" in refused
    marketing.post(ADD, typed)
    mailing = Mailing.objects.get()
    told = marketing.post(page(mailing, "schedule"), {"start_0": "2020-01-01", "start_1": "10:00"})
    assert "in the past" in told.text
    assert marketing.post(page(mailing, "schedule"), {"start_0": "x", "start_1": "10:00"}).status_code == 200
    assert Mailing.objects.get().state == "DRAFT"


def test_preview_shows_the_offer(marketing, typed):
    mails = marketing.post(PREVIEW, typed).json()["mails"]
    assert "Hi" in mails["en"]
    assert "Tea" in mails["zh-hans"]
