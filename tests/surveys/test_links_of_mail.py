"""Scanners open every link of a mail, impatient people press twice: neither answers, and nobody is thanked twice."""

import re
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client

from loyalty_site.lib import actors
from rewards.domain import letters, points
from rewards.models import PointsEntry, Program
from surveys.domain import invitations, responses
from surveys.models import Answer, Case, Delivery, Intent, Question, SurveyResponse
from tests.races import at_once

pytestmark = pytest.mark.django_db

CROWD = 50


@pytest.fixture
def delivery(due, survey):
    """Of a survey whose low scores open a case."""
    survey.follow_up_hours = 24
    survey.save()
    Question.objects.filter(survey=survey, position=1).update(follow_up_at_most=6)
    return responses.read_token(responses.token_for(due()))


@pytest.fixture
def links(delivery):
    """The paths of all links of the mail: its HTML, its text, its headers."""
    message = invitations.compose(delivery=delivery, program=Program(name="Corner Stores"))
    [html] = message.alternatives
    found = re.findall(r'href="([^"]+)"', html.content)
    for part in (message.body, message.extra_headers["List-Unsubscribe"]):
        found += re.findall(r"https?://[^\s<>]+", part)
    assert all(link.startswith(settings.BASE_URL) for link in found)
    return sorted({link.removeprefix(settings.BASE_URL) for link in found})


def everything():
    """Every row of the shop, but for the hints that links were opened."""
    models = [model for app in ("customers", "rewards", "surveys") for model in apps.get_app_config(app).get_models()]
    models.remove(Intent)
    rows = {model: list(model.objects.order_by("pk").values()) for model in models}
    for row in rows[Delivery]:
        del row["opened_at"], row["opened_by_program"]
    return rows


def test_twenty_gets_and_heads_of_every_link_of_a_mail_change_nothing(client, links, delivery):
    page = f"/s/{responses.token_for(delivery)}/"
    scores = [f"{page}?score={score}" for score in range(11)]
    preferences = f"/news/{letters.token_for(delivery.customer)}/"
    assert links == sorted([page, f"{page}more/", f"{page}unsubscribe/", preferences, *scores])
    before = everything()
    for link in links * 20:
        expected = 302 if link.endswith("more/") else 200
        assert (client.get(link).status_code, client.head(link).status_code) == (expected, expected)
    assert everything() == before
    assert Intent.objects.count() == 2 * (len(links) - 2)  # by GET and by HEAD, once each; choosing mails is no answer


def test_post_behind_the_links_changes_what_is_watched(client, links, delivery):
    """Else the test above could not fail."""
    before = everything()
    page, scale = (
        next(link for link in links if link.startswith("/s/")),
        delivery.campaign.survey.questions.get(position=1),
    )
    assert client.post(page, {f"q{scale.pk}": "0"}).status_code == 302
    answered = everything()
    assert all(answered[model] != before[model] for model in (SurveyResponse, Answer, PointsEntry, Case))
    client.post(f"{page}unsubscribe/")
    assert everything() != answered


@pytest.mark.django_db(transaction=True)
def test_fifty_submits_of_a_low_score_at_once_are_one_response_one_reward_and_one_case(delivery):
    scale = delivery.campaign.survey.questions.get(position=1)
    page = f"/s/{responses.token_for(delivery)}/"
    given = at_once(*[lambda: Client().post(page, {f"q{scale.pk}": "0"}).status_code] * CROWD)
    assert given == [302] * CROWD
    assert [model.objects.count() for model in (SurveyResponse, Answer, PointsEntry, Case)] == [1, 1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_submit_that_looks_before_it_writes_would_thank_twice(delivery, now):
    """The same crowd against a careless submit: it meets, so that the test above can fail."""

    def submit():
        if responses.of(delivery) is None:
            customer, by = delivery.customer, actors.SYSTEM
            points.award(customer=customer, points=50, reference=f"careless:{uuid4()}", by=by, at=now)
            fields = {"survey": delivery.campaign.survey, "delivery": delivery, "customer": customer}
            SurveyResponse.objects.create(**fields, language="en", submitted_at=now)

    at_once(*[submit] * CROWD)
    assert PointsEntry.objects.count() > 1
