from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from customers.domain import consents
from customers.models import Consent, Purpose
from loyalty_site.lib import actors
from rewards.models import PointsEntry
from surveys.domain import responses
from surveys.models import Answer, Delivery, SurveyResponse
from tests.races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery(due):
    return due()


@pytest.fixture
def url(delivery):
    return reverse("survey", args=[responses.token_for(delivery)])


@pytest.fixture
def unsubscribe_url(url):
    return f"{url}unsubscribe/"


@pytest.fixture
def names(survey):
    return [f"q{pk}" for pk in survey.questions.order_by("position").values_list("pk", flat=True)]


def checked(response):
    form = response.context["form"]
    return [str(box.data["value"]) for field in form for box in field if box.data.get("selected")]


def everything():
    """All that a link could change, but for the hint that its page was opened."""
    return (
        list(SurveyResponse.objects.values()),
        list(Answer.objects.values()),
        list(PointsEntry.objects.values()),
        list(Consent.objects.order_by("pk").values()),
        list(Delivery.objects.order_by("pk").values("state", "reason", "attempts", "settled_at")),
    )


def test_page_asks_the_questions(client, url):
    response = client.get(url)
    assert response.status_code == 200
    assert response.content.count(b'type="radio"') == 11
    assert checked(response) == []
    assert response.headers["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert response.headers["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("score", range(11))
def test_score_of_the_link_is_chosen_and_not_recorded(client, url, score):
    assert checked(client.get(url, {"score": score})) == [str(score)]
    assert not SurveyResponse.objects.exists()


@pytest.mark.parametrize("score", ["11", "-1", "9.0", "９", "", "x", "9\0", "09", " 9"])
def test_score_that_is_none_chooses_nothing(client, url, score):
    assert checked(client.get(url, {"score": score})) == []


def test_twenty_gets_and_heads_of_every_link_change_nothing(client, url, unsubscribe_url):
    before = everything()
    for _ in range(20):
        for address in (url, f"{url}?score=0", unsubscribe_url):
            assert client.get(address).status_code == 200
            assert client.head(address).status_code == 200
    assert everything() == before


def test_page_was_opened_by_get_and_not_by_head(client, url, delivery):
    client.head(url)
    delivery.refresh_from_db()
    assert delivery.opened_at is None
    client.get(url)
    delivery.refresh_from_db()
    assert delivery.opened_at is not None


def test_post_records_thanks_and_leads_to_the_thank_you_page(client, url, names):
    response = client.post(url, {names[0]: "9", names[1]: "  More\r\nbread "}, follow=True)
    assert response.redirect_chain == [(url, 302)]
    assert "50 points are yours" in response.text
    assert dict(Answer.objects.values_list("number", "text")) == {9: "", None: "More\nbread"}
    assert SurveyResponse.objects.get().points_entry.points == 50


def test_post_again_is_thanked_and_changes_nothing(client, url, names):
    client.post(url, {names[0]: "9"})
    before = everything()
    for data in ({names[0]: "0"}, {}, {names[0]: "99"}):
        response = client.post(url, data, follow=True)
        assert (response.status_code, response.redirect_chain) == (200, [(url, 302)])
        assert "Thank you!" in response.text
    assert everything() == before


def test_post_needs_no_cookies(url, names):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(url, {names[0]: "9"}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_fifty_posts_at_once_are_one_response_and_one_reward(url, names):
    score = names[0]
    answers = at_once(*[lambda: Client().post(url, {score: "9"}).status_code] * 50)
    assert set(answers) == {302}
    assert SurveyResponse.objects.count() == Answer.objects.count() == PointsEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({0: ""}, "Please answer this question."),
        ({0: "11"}, "Please choose a number from 0 to 10."),
        ({0: "nine"}, "Please choose a number from 0 to 10."),
        ({0: "9", 1: "x" * 2001}, "Ensure this value has at most 2000 characters (it has 2001)."),
        ({0: "9", 1: "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_bad_answer_says_what_is_wrong_and_keeps_the_rest(client, url, names, answer, message):
    response = client.post(url, {names[number]: value for number, value in answer.items()})
    assert response.status_code == 200
    assert message in response.text
    assert checked(response) == (["9"] if answer[0] == "9" else [])
    assert not SurveyResponse.objects.exists()


def test_text_of_the_full_length_with_line_breaks_fits(client, url, names):
    text = "x" * 999 + "\r\n" + "y" * 1000
    assert client.post(url, {names[0]: "9", names[1]: text}).status_code == 302
    assert len(Answer.objects.get(number=None).text) == 2000


def test_bytes_that_are_no_text_do_no_harm(client, url, names):
    body = f"{names[0]}=9&{names[1]}=%ED%A0%80%FF".encode()
    response = client.post(url, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 302


def test_nothing_answered_is_asked_again(client, url, survey):
    survey.questions.update(is_required=False)
    response = client.post(url, {})
    assert "Please answer at least one question." in response.text
    assert not SurveyResponse.objects.exists()


@pytest.mark.parametrize("token", ["x", "1.aaaa", "%00", "..", "1" * 500, "1:x", "界"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_link_that_we_did_not_make_is_a_friendly_404(client, token, method):
    for path in (f"/s/{token}/", f"/s/{token}/unsubscribe/"):
        response = getattr(client, method)(path)
        assert response.status_code == 404
        assert "surveys/link_unknown.html" in [template.name for template in response.templates]


def test_closed_survey_says_so(client, url, names, survey):
    survey.closed_at = datetime(2026, 1, 1, tzinfo=UTC)
    survey.save(update_fields=["closed_at"])
    for response in (client.get(url), client.post(url, {names[0]: "9"})):
        assert response.status_code == 410
        assert "This survey has ended" in response.text
    assert not SurveyResponse.objects.exists()


def test_survey_closed_while_the_form_was_sent_says_so(client, url, names, survey, monkeypatch):
    def close_meanwhile(**kwargs):
        raise responses.SurveyClosed

    monkeypatch.setattr(responses, "submit", close_meanwhile)
    assert "This survey has ended." in client.post(url, {names[0]: "9"}).text


def test_page_speaks_the_language_of_the_customer(client, due):
    url = reverse("survey", args=[responses.token_for(due(language="zh-hans"))])
    response = client.get(url, headers={"accept-language": "en"})
    assert "您会推荐我们吗？" in response.text
    assert '<html lang="zh-hans"' in response.text
    assert response.headers["Content-Language"] == "zh-hans"


def test_language_that_was_chosen_wins(client, due, names):
    url = reverse("survey", args=[responses.token_for(due(language="zh-hans"))])
    client.post(reverse("set_language"), {"language": "en", "next": url})
    assert "Would you recommend us?" in client.get(url).text
    client.post(url, {names[0]: "9"})
    assert SurveyResponse.objects.get().language == "en"


def test_language_cookie_of_nonsense_is_ignored(client, due):
    url = reverse("survey", args=[responses.token_for(due(language="zh-hans"))])
    client.cookies["django_language"] = "xx"
    assert '<html lang="zh-hans"' in client.get(url).text


def test_unsubscribe_asks_first_and_withdraws_by_post(client, unsubscribe_url, delivery):
    assert "No more surveys by e-mail?" in client.get(unsubscribe_url).text
    response = client.post(unsubscribe_url)
    assert response.status_code == 200
    assert "You will get no more surveys by e-mail." in response.text
    consent = Consent.objects.get(customer=delivery.customer)
    assert consent.withdrawn_at is not None
    assert consent.withdrawn_by == f"customer:{delivery.customer_id}"


def test_unsubscribe_by_one_click_of_a_mail_program(unsubscribe_url, delivery):
    """RFC 8058: this body, no cookies, no token, no redirect."""
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(unsubscribe_url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not consents.allows(customer=delivery.customer, purpose=Purpose.SURVEY_EMAIL)


def test_unsubscribe_again_changes_nothing(client, unsubscribe_url):
    client.post(unsubscribe_url)
    before = everything()
    assert "Done" in client.post(unsubscribe_url).text
    assert "Done" in client.get(unsubscribe_url).text
    assert everything() == before


def test_unsubscribe_leaves_other_consents_alone(client, unsubscribe_url, delivery, now):
    consents.grant(customer=delivery.customer, purpose=Purpose.MARKETING_EMAIL, by=actors.SYSTEM, at=now)
    client.post(unsubscribe_url)
    assert consents.allows(customer=delivery.customer, purpose=Purpose.MARKETING_EMAIL)


def test_unsubscribe_works_when_the_survey_is_closed(client, unsubscribe_url, survey, delivery):
    survey.closed_at = datetime(2026, 1, 1, tzinfo=UTC)
    survey.save(update_fields=["closed_at"])
    client.post(unsubscribe_url)
    assert not consents.allows(customer=delivery.customer, purpose=Purpose.SURVEY_EMAIL)


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_refused(client, url, unsubscribe_url, method):
    for address in (url, unsubscribe_url):
        assert getattr(client, method)(address).status_code == 405


@pytest.mark.parametrize("questions", [1, 3])
def test_page_takes_the_same_queries_however_many_questions(client, url, survey, questions, django_assert_num_queries):
    extra = [{"position": number, "kind": "TEXT", "text": {"en": "?"}} for number in range(10, 10 + questions)]
    survey.questions.bulk_create([survey.questions.model(survey=survey, **fields) for fields in extra])
    client.get(url)
    # Delivery, response, questions, choices, skip rules, intent in a transaction of its own, opened, programme.
    with django_assert_num_queries(10):
        client.get(url)
