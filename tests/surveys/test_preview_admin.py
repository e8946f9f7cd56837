"""A survey as customers see it, looked at beforehand."""

import re
import smtplib

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from surveys.domain import drafts
from surveys.models import Answer, Delivery, Question, QuestionChoice, Survey, SurveyResponse
from tests.factories.customers import UserFactory
from tests.surveys.admin_forms import TEXTS, act, questions

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(now):
    survey = drafts.begin(example="purchase", by="user:1", at=now)
    Survey.objects.filter(pk=survey.pk).update(reward_points=50)
    return survey


@pytest.fixture
def marketing(client):
    user = UserFactory(is_superuser=True, password=None, email="mia@example.org", first_name="Mia")
    client.force_login(user)
    return client


def phone(survey, language="en"):
    return reverse("admin:surveys_survey_phone", args=[survey.pk, language])


def test_preview_shows_each_language_in_a_frame(marketing, draft):
    page = marketing.get(act(draft, "preview") + "?language=zh-hans").content.decode()
    assert f'src="{phone(draft, "zh-hans")}"' in page
    assert '<a class="bo-button primary" href="?language=zh-hans"' in page
    assert phone(draft) in marketing.get(act(draft, "preview") + "?language=xx").content.decode()


@pytest.mark.parametrize(("language", "text"), [("en", "Waiting at the checkout"), ("zh-hans", "结账排队时间")])
def test_frame_is_the_customers_page_and_may_stand_in_a_frame(marketing, draft, language, text):
    answer = marketing.get(phone(draft, language) + "?score=4")
    page = answer.content.decode()
    assert "surveys/respond.html" in [template.name for template in answer.templates]
    assert (text in page, f'<html lang="{language}"' in page, 'action="/i18n/setlang/"' in page) == (True, True, False)
    assert re.findall(r'value="(\d)"[^>]*checked', page) == ["4"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]


def test_answering_the_preview_records_nothing(draft):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(UserFactory(is_superuser=True, password=None))
    first, why, more = draft.questions.order_by("position")
    page = strict.post(phone(draft), {f"q{first.pk}": "2", f"q{why.pk}": [str(why.choices.first().pk)]})
    assert "50 points are yours" in page.content.decode()
    assert "Please answer this question." in strict.post(phone(draft), {f"q{more.pk}": "Hm"}).content.decode()
    assert not SurveyResponse.objects.exists() | Answer.objects.exists() | Delivery.objects.exists()


@pytest.mark.parametrize("language", ["xx", "fr"])
def test_unknown_language_has_no_page(marketing, draft, language):
    assert marketing.get(phone(draft, language)).status_code == 404


def test_frame_is_for_whoever_sees_surveys(client, draft):
    assert client.get(phone(draft)).status_code == 302
    client.force_login(UserFactory(is_staff=True, password=None))
    assert client.get(phone(draft)).status_code in (302, 403)
    assert client.post(act(draft, "trial_mail"), {"language": "en"}).status_code in (302, 403)
    assert mail.outbox == []


def test_test_mail_goes_to_oneself_and_leads_to_the_preview(marketing, draft, settings):
    marketing.post(act(draft, "trial_mail"), {"language": "zh-hans", "to": "other@example.org"})
    message = mail.outbox[0]
    html = message.alternatives[0].content
    assert (message.to, message.cc, message.bcc) == (["mia@example.org"], [], [])
    assert message.subject == "这次购物您满意吗？"
    assert f'href="{settings.BASE_URL}{phone(draft, "zh-hans")}?score=5"' in html
    assert "/s/" not in html.replace(phone(draft, "zh-hans"), "")
    assert "Mia" in html
    assert not Delivery.objects.exists()


def test_refused_test_mail_is_told(marketing, draft, monkeypatch):
    def refuse(*_args):
        raise smtplib.SMTPDataError(550, b"no such user")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    page = marketing.post(act(draft, "trial_mail"), {"language": "en"})
    assert "The mail server did not take the mail: SMTPDataError" in page.content.decode()


def typed(survey_id=0):
    return reverse("admin:surveys_survey_typed", args=[survey_id])


def test_page_is_shown_while_it_is_typed_and_nothing_is_saved(marketing, draft):
    before = [list(model.objects.order_by("pk").values()) for model in (Survey, Question, QuestionChoice)]
    first = draft.questions.order_by("position").first()
    told = TEXTS | questions((first.pk, 0, "As it is typed"), initial=1) | {"name": draft.name, "reward_points": "7"}
    pages = marketing.post(typed(draft.pk), told).json()["mails"]
    assert all(text in pages["en"] for text in ("As it is typed", "How was it?", "7 points for your answer"))
    assert "怎么样？" in pages["zh-hans"]
    assert before == [list(model.objects.order_by("pk").values()) for model in (Survey, Question, QuestionChoice)]


def test_survey_that_was_never_saved_is_shown_too(marketing):
    told = TEXTS | questions(("", 0, "The very first")) | {"name": "", "reward_points": "0"}
    assert "The very first" in marketing.post(typed(), told).json()["mails"]["en"]
    assert not Survey.objects.exists()


def test_page_waits_for_what_is_missing(marketing, draft):
    told = TEXTS | questions(("", 0, "")) | {"name": "x", "reward_points": "many"}
    answer = marketing.post(typed(draft.pk), told).json()
    assert (answer["mails"], answer["problem"]) == ({}, "What is typed is not complete yet.")


def test_typed_page_is_for_who_may_change_a_draft(client, marketing, draft, now):
    assert marketing.get(typed(draft.pk)).status_code == 403
    Survey.objects.filter(pk=draft.pk).update(published_at=now)
    assert marketing.post(typed(draft.pk), {}).status_code == 403
    assert marketing.post(typed(99_999_999), {}).status_code in (302, 404)
    client.force_login(UserFactory(is_staff=True, password=None))
    assert client.post(typed(), {}).status_code in (302, 403)


def test_form_of_a_draft_shows_it_while_it_is_typed(marketing, draft, now):
    url = reverse("admin:surveys_survey_change", args=[draft.pk])
    assert f'data-mail-preview="{typed(draft.pk)}"' in marketing.get(url).text
    assert f'data-mail-preview="{typed()}"' in marketing.get(reverse("admin:surveys_survey_add")).text
    Survey.objects.filter(pk=draft.pk).update(published_at=now)
    assert "data-mail-preview" not in marketing.get(url).text
