"""A row is deleted at the very moment at which somebody else saves it or makes it go live."""

import pytest
from django.test import Client

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import offers
from rewards.models import Offer
from surveys.domain import surveys
from surveys.models import Survey
from tests.factories.customers import SegmentFactory, UserFactory
from tests.factories.rewards import OfferFactory, ProgramFactory
from tests.factories.surveys import QuestionFactory, SurveyFactory
from tests.races import behind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _programme(db, now, time_machine):
    ProgramFactory()
    time_machine.move_to(now, tick=False)


@pytest.fixture
def staff():
    browser = Client()
    browser.force_login(UserFactory(is_superuser=True, password=None))
    return browser


@pytest.fixture
def draft():
    return OfferFactory(published_at=None)


def page(row, act):
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{act}/"


def delete(browser, row):
    return browser.post(page(row, "delete"), {"post": "yes"}, follow=True)


def test_draft_is_deleted(staff, draft):
    assert "was deleted successfully" in delete(staff, draft).text
    assert not Offer.objects.exists()


def test_offer_that_is_being_published_is_not_deleted(staff, draft, now):
    _none, answer = behind(
        lambda: offers.publish(offer=draft, by=SYSTEM, at=now), lambda: delete(staff, Offer.objects.get())
    )
    assert "so it was not deleted" in answer.text
    assert Offer.objects.get().published_at == now


def test_survey_that_is_being_published_is_not_deleted(staff, now):
    survey = QuestionFactory(survey=SurveyFactory(published_at=None)).survey
    _none, answer = behind(
        lambda: surveys.publish(survey=survey, by=SYSTEM, at=now), lambda: delete(staff, Survey.objects.get())
    )
    assert "so it was not deleted" in answer.text
    assert (Survey.objects.get().published_at, survey.questions.count()) == (now, 1)


def test_offer_that_is_being_deleted_is_not_published(staff, draft):
    other = Client()
    other.force_login(UserFactory(is_superuser=True, password=None))
    deleted, answer = behind(lambda: delete(staff, draft), lambda: other.post(page(draft, "publish"), follow=True))
    assert "was deleted successfully" in deleted.text
    assert "Somebody deleted this at the same moment." in answer.text
    assert not Offer.objects.exists()


OFFER = {"title_en": "Ten off", "title_zh-hans": "", "currency": "CNY", "kind": "AMOUNT", "amount_minor": "10.00"}
OFFER |= {"min_spend_minor": "0", "valid_from_0": "2026-01-01", "valid_from_1": "00:00", "starts_after_days": "0"}
OFFER |= {"coupon_days": "30", "code_max": "1", "priority": "0"}
FORMS = {
    "offer": (lambda: OfferFactory(published_at=None), OFFER),
    "segment": (SegmentFactory, {"name": "Other words"}),
}


@pytest.mark.parametrize("kind", FORMS)
def test_what_is_being_deleted_is_not_saved(staff, kind):
    make, told = FORMS[kind]
    row = make()
    form = page(row, "change")
    _deleted, answer = behind(row.delete, lambda: staff.post(form, told, follow=True))
    assert [str(message) for message in answer.context["messages"]] == ["Somebody deleted this at the same moment."]
    assert not type(row).objects.exists()
