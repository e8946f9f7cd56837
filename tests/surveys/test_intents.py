"""Scanners of mails open links as nobody does; what they open is shown apart and counts nowhere."""

from datetime import timedelta
from functools import partial

import pytest
from django.urls import reverse

from surveys.domain import funnels, intents, partials, responses
from surveys.domain.reports import Scope
from surveys.domain.scoring import Dispositions
from surveys.models import Delivery, DeliveryState, Intent, SurveyResponse
from tests.races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery(due, now):
    delivery = due()
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.ACCEPTED, settled_at=now)
    delivery.refresh_from_db()
    return delivery


@pytest.fixture
def url(delivery):
    return reverse("survey", args=[responses.token_for(delivery)])


def way(survey):
    found = funnels.funnel(Scope(survey))
    return found.unconfirmed, found.programs


def hits():
    return set(Intent.objects.values_list("score", "is_head", "is_trap"))


def test_each_kind_of_hit_is_noted_once(client, url):
    for _ in range(3):
        client.get(url)
        client.get(url, {"score": 9})
        client.head(url, {"score": 9})
        client.get(f"{url}more/")
    assert hits() == {(None, False, False), (9, False, False), (9, True, False), (None, False, True)}
    assert Intent.objects.count() == 4
    assert not SurveyResponse.objects.exists()


def test_trap_is_hidden_and_leads_to_the_survey(client, url):
    assert f'<a href="{url}more/" hidden tabindex="-1" aria-hidden="true"' in client.get(url).text
    assert client.get(f"{url}more/").url == url


def test_answer_and_what_comes_after_it_are_no_intents(client, url, delivery, survey):
    client.post(url, {f"q{survey.questions.get(position=1).pk}": "9"})
    client.get(url, {"score": 3})
    assert not Intent.objects.exists()


def test_person_who_only_looks_is_unconfirmed_and_no_program(client, url, survey):
    client.get(url, {"score": 9})
    assert way(survey) == (1, 0)


@pytest.mark.parametrize("page", ["", "more/"])
def test_head_and_the_trap_give_programs_away(client, url, survey, page):
    client.head(url + page)
    assert way(survey) == (1, 1)


@pytest.mark.parametrize(
    ("seconds", "programs"),
    [([0, 1, 2], 1), ([0, 5, 10], 1), ([0, 5, 11], 0), ([0, 1], 0), ([0, 60, 61, 62], 1)],
)
def test_three_scores_within_ten_seconds_are_a_program(delivery, survey, now, seconds, programs):
    for score, after in enumerate(seconds):
        at = now + timedelta(seconds=after)
        intents.note(delivery=delivery, score=score, at=at)
        responses.note_opened(delivery=delivery, at=at)
    assert way(survey) == (1, programs)


@pytest.mark.django_db(transaction=True)
def test_scores_that_are_opened_at_the_same_moment_are_a_program(delivery, survey, now):
    at_once(*(partial(intents.note, delivery=delivery, score=score, at=now) for score in range(intents.SCORES)))
    assert Delivery.objects.get().opened_by_program


def test_who_answers_or_began_to_is_confirmed(client, url, delivery, survey, now):
    scale = survey.questions.get(position=1)
    client.head(url)
    partials.keep(delivery=delivery, answers={scale.pk: 9}, at=now)
    assert way(survey) == (0, 0)
    client.post(url, {f"q{scale.pk}": "9"})
    assert way(survey) == (0, 0)


def test_hits_move_no_rate(client, url, survey):
    client.head(url)
    client.get(f"{url}more/")
    assert funnels.funnel(Scope(survey)).dispositions == Dispositions(silent=1)


def test_results_tell_them_apart(client, url, staff, survey):
    client.head(url)
    page = staff.get(f"/admin/surveys/survey/{survey.pk}/results/")
    assert "Unconfirmed" in page.text
    assert "1 surely by a program" in page.text


def test_anonymous_survey_keeps_no_score(client, url, survey):
    survey.is_anonymous = True
    survey.save()
    client.get(url, {"score": 9})
    assert hits() == {(None, False, False)}
