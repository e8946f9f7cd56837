"""Whoever is interrupted goes on where they were, with the same link, on another device too."""

import pytest
from django.test import Client
from django.urls import reverse

from rewards.models import PointsEntry
from surveys.domain import responses
from surveys.models import Answer, PartialResponse, QuestionChoice, SurveyResponse
from tests.factories.surveys import QuestionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(due):
    return reverse("survey", args=[responses.token_for(due())])


@pytest.fixture
def names(survey):
    return [f"q{pk}" for pk in survey.questions.order_by("position").values_list("pk", flat=True)]


def chosen(page):
    form = page.context["form"]
    return [str(box.data["value"]) for field in form for box in field if box.data.get("selected")]


def test_what_was_begun_is_there_on_another_device(client, url, survey, names):
    one = QuestionFactory(survey=survey, kind="SINGLE")
    many = QuestionFactory(survey=survey, kind="MULTIPLE")
    choices = {
        question: [QuestionChoice.objects.create(question=question, position=n, text={"en": "x"}).pk for n in (1, 2)]
        for question in (one, many)
    }
    told = {names[0]: "9", names[1]: "Bre", f"q{one.pk}": choices[one][1], f"q{many.pk}": choices[many]}
    assert client.post(url, {**told, "keep": "1"}).url == url
    other = Client().get(url)
    assert "What you answered so far" in other.text
    assert chosen(other) == [str(each) for each in ("9", choices[one][1], *choices[many])]
    assert ">\nBre</textarea>" in other.text
    assert (SurveyResponse.objects.count(), PointsEntry.objects.count()) == (0, 0)


def test_required_questions_may_wait(client, url, names):
    client.post(url, {names[1]: "Bread", "keep": "1"})
    assert ">\nBread</textarea>" in client.get(url).text


def test_script_keeps_without_a_page(client, url, names):
    answer = client.post(url, {names[0]: "9", "keep": "quietly"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert chosen(client.get(url)) == ["9"]


def test_score_of_the_mail_goes_before_what_was_kept(client, url, names):
    client.post(url, {names[0]: "9", names[1]: "Bread", "keep": "1"})
    page = client.get(url, {"score": 3})
    assert (chosen(page), ">\nBread</textarea>" in page.text) == (["3"], True)
    assert PartialResponse.objects.get().answers[names[0][1:]] == 9


def test_sending_counts_once_and_ends_it(client, url, names):
    client.post(url, {names[0]: "9", "keep": "1"})
    client.post(url, {names[0]: "4"})
    assert Answer.objects.get().number == 4
    assert client.post(url, {names[0]: "9", "keep": "quietly"}).status_code == 302
    assert (PartialResponse.objects.count(), Answer.objects.get().number, PointsEntry.objects.count()) == (0, 4, 1)


def test_nonsense_is_not_kept_and_does_no_harm(client, url, names):
    assert client.post(url, {names[0]: "99", names[1]: "a\0b", "q0": "1", "keep": "quietly"}).status_code == 204
    assert not PartialResponse.objects.exists()


def test_anonymous_survey_offers_no_keeping(client, url, survey, names):
    assert "Finish later" in client.get(url).text
    survey.is_anonymous = True
    survey.save(update_fields=["is_anonymous"])
    page = client.get(url)
    assert "Finish later" not in page.text
    assert "data-keeps" not in page.text
    client.post(url, {names[0]: "9", "keep": "1"})
    assert not PartialResponse.objects.exists()


def test_closed_survey_is_told(client, url, survey, names, now):
    survey.closed_at = now
    survey.save(update_fields=["closed_at"])
    assert client.post(url, {names[0]: "9", "keep": "1"}).status_code == 410
