"""The links of mails that stop them and choose among them."""

import re

import pytest
from django.test import Client

from customers.domain import consents
from customers.models import Consent, Customer, Purpose
from rewards.domain import letters
from tests.factories.customers import ConsentFactory, CustomerFactory
from tests.factories.rewards import ProgramFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _programme(db, now, time_machine):
    ProgramFactory(name="Green Basket")
    time_machine.move_to(now)


@pytest.fixture
def mia():
    return CustomerFactory(name="Mia")


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.fixture
def news(mia):
    """The address that a mail names, for who allows such mails."""
    ConsentFactory(customer=mia, purpose=Purpose.MARKETING_EMAIL)
    ConsentFactory(customer=mia, purpose=Purpose.SURVEY_EMAIL)
    return f"/news/{letters.token_for(mia)}/unsubscribe/"


def allowed(customer):
    return [purpose.value for purpose in Purpose if consents.allows(customer=customer, purpose=purpose)]


def test_looking_at_the_link_of_a_mail_stops_nothing(mia, news):
    for _ in range(20):
        assert "No more offers and news by e-mail?" in text_of(Client().get(news))
        assert Client().head(news).status_code == 200
    assert allowed(mia) == ["survey_email", "marketing_email"]


def test_one_click_stops_offers_and_news_alone(mia, news):
    mails_program = Client(enforce_csrf_checks=True)
    for _ in range(2):
        answer = mails_program.post(news, {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "You will get no more offers and news by e-mail." in text_of(answer)
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert allowed(mia) == ["survey_email"]
    withdrawn = Consent.objects.get(purpose=Purpose.MARKETING_EMAIL)
    assert withdrawn.withdrawn_by == f"customer:{mia.pk}"


@pytest.mark.parametrize("token", ["x", "1.aaaa", "%00", "..", "1" * 500, "1:x", "界"])
def test_link_that_we_did_not_make_is_not_found(token, mia, news):
    for method in ("get", "post"):
        assert getattr(Client(), method)(f"/news/{token}/unsubscribe/").status_code == 404
    assert allowed(mia) == ["survey_email", "marketing_email"]


@pytest.fixture
def preferences(mia, news):
    return news.removesuffix("unsubscribe/")


def test_looking_at_the_preferences_changes_none(mia, preferences):
    for _ in range(20):
        answer = Client().get(preferences)
        assert Client().head(preferences).status_code == 200
    name, domain = mia.email.split("@")
    assert f"To {name[0]}•••@{domain}." in text_of(answer)
    assert mia.email not in answer.text
    assert answer.text.count(" checked") == 3
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "no-store" in answer.headers["Cache-Control"]
    assert allowed(mia) == ["survey_email", "marketing_email"]


def test_preferences_are_chosen_without_signing_in(mia, preferences):
    mails_program = Client(enforce_csrf_checks=True)
    answer = mails_program.post(preferences, {"marketing_email": "on"})
    assert "Saved. Thank you!" in text_of(answer)
    assert answer.text.count(" checked") == 2  # and recommendations
    assert allowed(mia) == ["marketing_email"]
    mails_program.post(preferences, {"survey_email": "on"})
    assert allowed(mia) == ["survey_email"]
    by = f"customer:{mia.pk}"
    assert {consent.withdrawn_by for consent in Consent.objects.exclude(withdrawn_at=None)} == {by}
    assert Consent.objects.get(granted_by=by).purpose == "survey_email"


def test_recommendations_are_switched_off_and_on_from_a_mail(mia, preferences):
    answer = Client(enforce_csrf_checks=True).post(preferences, {"part": "recommendations"})
    mia.refresh_from_db()
    assert mia.profiling_refused_at is not None
    assert answer.text.count(" checked") == 2
    assert allowed(mia) == ["survey_email", "marketing_email"]
    for posted in ({"none": "1"}, {"survey_email": "on"}):  # the other form leaves it as it is
        Client().post(preferences, posted)
        assert Customer.objects.get(pk=mia.pk).profiling_refused_at == mia.profiling_refused_at
    Client().post(preferences, {"part": "recommendations", "recommendations": "on"})
    assert Customer.objects.get(pk=mia.pk).profiling_refused_at is None


def test_one_button_stops_all_mails_whatever_is_ticked(mia, preferences):
    Client().post(preferences, {"survey_email": "on", "marketing_email": "on", "none": "1"})
    assert allowed(mia) == []


def test_preferences_of_who_was_merged_are_those_of_who_stands_for_them(mia, preferences, now):
    target = CustomerFactory()
    Customer.objects.filter(pk=mia.pk).update(merged_into=target, closed_at=now)
    Client().post(preferences, {"survey_email": "on"})
    assert (allowed(target), allowed(mia)) == (["survey_email"], ["survey_email", "marketing_email"])


def test_who_left_has_nothing_to_choose(mia, preferences, now):
    Customer.objects.filter(pk=mia.pk).update(closed_at=now)
    for method in ("get", "post"):
        assert getattr(Client(), method)(preferences).status_code == 404
    assert allowed(mia) == ["survey_email", "marketing_email"]


@pytest.mark.parametrize("token", ["x", "1.aaaa", "%00", "1" * 500, "1:x", "界"])
def test_preferences_of_a_link_that_we_did_not_make_are_not_found(token, mia, news):
    for method in ("get", "post"):
        assert getattr(Client(), method)(f"/news/{token}/").status_code == 404


def test_link_of_a_mail_speaks_the_customers_language(mia, news):
    mia.language = "zh-hans"
    mia.save()
    assert Client().get(news).headers["Content-Language"] == "zh-hans"
