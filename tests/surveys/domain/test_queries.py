from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty_site.lib import actors
from surveys.domain import queries, responses, scoring
from surveys.models import CampaignState, DeliveryState
from tests.factories.surveys import CampaignFactory, DeliveryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def answer(willing, sending, now):
    """Makes a delivery that was answered."""

    def make(score, comment="", *, campaign=sending, after=timedelta(0)):
        delivery = DeliveryFactory(
            campaign=campaign, customer=willing(), state=DeliveryState.ACCEPTED, opened_at=now, settled_at=now
        )
        scale, text = campaign.survey.questions.order_by("position")
        answers = {scale.pk: score} | ({text.pk: comment} if comment else {})
        by = actors.customer(delivery.customer_id)
        return responses.submit(delivery=delivery, answers=answers, language="en", by=by, at=now + after)

    return make


def test_results_of_nothing_are_empty(survey):
    found = queries.results(survey)
    assert found.funnel == queries.Funnel(
        invited=0, suppressed=0, accepted=0, opened=0, answered=0, response_rate=scoring.Rate(0, 0)
    )
    assert [(scale.counts, scale.nps) for scale in found.scales] == [((0,) * 11, None)]
    assert found.comments == ()


def test_results_count_scores_and_the_way_there(survey, sending, answer, willing, now):
    for score in (10, 10, 9, 7, 0):
        answer(score)
    for state, reason, opened in (
        (DeliveryState.ACCEPTED, "", now),
        (DeliveryState.UNCERTAIN, "", None),
        (DeliveryState.REJECTED, "", None),
        (DeliveryState.PENDING, "", None),
        (DeliveryState.SUPPRESSED, "NO_CONSENT", None),
    ):
        DeliveryFactory(campaign=sending, state=state, reason=reason, opened_at=opened)
    found = queries.results(survey)
    assert found.funnel == queries.Funnel(
        invited=9, suppressed=1, accepted=6, opened=6, answered=5, response_rate=scoring.Rate(5, 7)
    )
    [scale] = found.scales
    assert scale.counts == (1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 2)
    assert scale.nps == scoring.nps(3, 1, 1)


def test_results_of_one_campaign_leave_out_the_others(survey, sending, answer, now):
    other = CampaignFactory(
        survey=survey, state=CampaignState.SENDING, starts_at=now, scheduled_by="user:1", materialized_at=now
    )
    answer(10, "Good", campaign=sending)
    answer(2, "Bad", campaign=other)
    found = queries.results(survey, campaign=other)
    assert found.funnel.answered == 1
    assert found.scales[0].counts == (0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    assert [comment.text for comment in found.comments] == ["Bad"]


def test_results_show_comments_newest_first_with_their_score(survey, answer, now):
    first = answer(10, "Good")
    answer(8)
    answer(2, "Bad", after=timedelta(hours=1))
    comments = queries.results(survey).comments
    assert [(comment.text, comment.score) for comment in comments] == [("Bad", 2), ("Good", 10)]
    assert (comments[1].submitted_at, comments[1].customer_id) == (now, first.customer_id)
    assert [comment.text for comment in queries.results(survey, comment_limit=1).comments] == ["Bad"]


@pytest.mark.parametrize("answers", [1, 3])
def test_results_take_three_queries_however_many_answers(survey, answer, answers):
    for number in range(answers):
        answer(number, "Text")
    with CaptureQueriesContext(connection) as captured:
        queries.results(survey)
    assert len(captured) == 3
