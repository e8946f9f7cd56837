"""A poster's code: read by anybody, answered by people, thanked when they are signed in."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.crypto import get_random_string

from customers.domain import attempts
from rewards.models import PointsEntry
from surveys.models import Answer, SurveyResponse
from tests.factories.customers import CustomerFactory
from tests.factories.surveys import OpenLinkFactory
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def link(survey):
    return OpenLinkFactory(survey=survey)


@pytest.fixture
def url(link):
    return reverse("survey-open", args=[link.code])


@pytest.fixture
def scale(survey):
    return f"q{survey.questions.get(position=1).pk}"


@pytest.fixture
def mia():
    return CustomerFactory(name="Mia")


def key(page):
    return page.context["page_key"]


def test_twenty_gets_and_heads_change_nothing(client, url):
    for _ in range(20):
        assert (client.get(url).status_code, client.head(url).status_code) == (200, 200)
    assert not SurveyResponse.objects.exists()


def test_stranger_answers_and_is_thanked_without_points(client, url, scale):
    page = client.get(url, headers={"accept-language": "zh-hans"})
    assert "您会推荐我们吗？" in page.text
    answer = client.post(url, {scale: "9", "page_key": key(page)}, follow=True)
    assert "Thank you!" in answer.text
    assert "points are yours" not in answer.text
    assert (Answer.objects.get().number, PointsEntry.objects.count()) == (9, 0)


def test_page_sent_twice_is_one_answer(client, url, scale):
    told = {scale: "9", "page_key": key(client.get(url))}
    for _ in range(2):
        assert client.post(url, told).status_code == 302
    assert SurveyResponse.objects.count() == 1


@pytest.mark.parametrize("told", ["", "x", "\0", "9" * 500])
def test_key_of_nonsense_does_no_harm(client, url, scale, told):
    assert client.post(url, {scale: "9", "page_key": told}).status_code == 302


def test_page_of_a_bad_answer_keeps_its_key(client, url):
    first = key(client.get(url))
    page = client.post(url, {"page_key": first})
    assert "Please answer this question." in page.text
    assert str(key(page)) == str(first)


def test_who_is_signed_in_is_told_and_thanked_once(url, scale, mia):
    client = signed_in(mia)
    page = client.get(url)
    assert "50 points for your answer" in page.text
    assert "kept with your name, Mia" in page.text
    assert "50 points are yours" in client.post(url, {scale: "9", "page_key": key(page)}, follow=True).text
    assert "50 points are yours" in client.get(url, follow=True).text
    client.post(url, {scale: "0"})
    assert (SurveyResponse.objects.get().customer, PointsEntry.objects.count()) == (mia, 1)


def test_stranger_is_told_how_to_get_the_points(client, url):
    assert f'href="/sign-in/?next={url}"' in client.get(url).text


def test_anonymous_survey_asks_nobody_who_they_are(url, survey, scale, mia):
    client = signed_in(mia)
    survey.is_anonymous = True
    survey.save()
    page = client.get(url)
    assert "We do not ask who you are." in page.text
    assert "Mia" not in page.text.partition("<main")[2]
    client.post(url, {scale: "9", "page_key": key(page)})
    assert SurveyResponse.objects.get().customer is None


def test_other_sites_cannot_answer_with_the_session(url, scale):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(url, {scale: "9"}).status_code == 403


def test_many_answers_of_one_network_have_to_wait(client, url, scale, monkeypatch):
    monkeypatch.setattr(attempts, "ANSWERS_PER_HOUR", 3)
    answers = [client.post(url, {scale: "9"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [302, 302, 302, 429, 429]
    assert "Many answers came from your network" in answers[-1].text
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert Client(REMOTE_ADDR="10.9.9.9").post(url, {scale: "9"}).status_code == 302
    assert SurveyResponse.objects.count() == 4


def test_whoever_comes_by_a_socket_shares_one_limit(url, scale, monkeypatch):
    monkeypatch.setattr(attempts, "ANSWERS_PER_HOUR", 2)
    by_socket = Client(REMOTE_ADDR="")
    assert [by_socket.post(url, {scale: "9"}).status_code for _ in range(3)] == [302, 302, 429]
    assert Client(REMOTE_ADDR="10.9.9.9").post(url, {scale: "9"}).status_code == 302


@pytest.mark.parametrize("code", ["x", "A" * 12, "%00", get_random_string(400)])
def test_address_that_leads_nowhere_is_a_friendly_404(client, code):
    for page in (f"/o/{code}/", f"/o/{code}/thanks/"):
        response = client.get(page)
        assert response.status_code == 404
        assert "scan the code once more" in response.text


def test_closed_link_says_so(client, url, link, scale, now):
    link.closed_at = link.opened_at.replace(year=2030)
    link.save()
    for answer in (client.get(url), client.post(url, {scale: "9"})):
        assert answer.status_code == 410
        assert "This survey has ended" in answer.text
