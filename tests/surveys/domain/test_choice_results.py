from datetime import timedelta

import pytest

from loyalty_site.lib import actors
from surveys.domain import choice_results, responses
from surveys.domain.reports import Scope
from surveys.models import QuestionChoice
from tests.factories.surveys import AT, DeliveryFactory, QuestionFactory, SurveyFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def liked():
    """A question with three choices, given from the last to the first."""
    question = QuestionFactory(kind="MULTIPLE")
    for position in (3, 2, 1):
        QuestionChoice.objects.create(question=question, position=position, text={"en": f"Choice {position}"})
    QuestionFactory(survey=question.survey, kind="TEXT")
    return question


def choose(question, *positions, at=AT, **answers):
    delivery = DeliveryFactory(campaign__survey=question.survey)
    chosen = frozenset(question.choices.filter(position__in=positions).values_list("pk", flat=True))
    told = {question.pk: chosen} if chosen else {question.survey.questions.get(kind="TEXT").pk: "Fine"}
    by = actors.customer(delivery.customer_id)
    return responses.submit(delivery=delivery, answers=told, language="en", by=by, at=at)


def test_each_choice_is_counted_in_the_order_of_the_survey(liked, django_assert_num_queries):
    for positions in ((1, 2), (2,), (2, 3), ()):
        choose(liked, *positions)
    with django_assert_num_queries(4):
        result = choice_results.of(Scope(liked.survey))[0]
    assert (result.question, result.answers) == (liked, 3)
    assert [(choice.position, number) for choice, number in result.chosen] == [(1, 1), (2, 3), (3, 1)]


def test_only_the_scope_is_counted(liked):
    choose(liked, 1)
    choose(liked, 2, at=AT + timedelta(days=3))
    other = QuestionFactory(survey=SurveyFactory(), kind="SINGLE")
    QuestionChoice.objects.create(question=other, position=1, text={"en": "Choice"})
    QuestionFactory(survey=other.survey, kind="TEXT")
    choose(other, 1)
    result = choice_results.of(Scope(liked.survey, since=AT + timedelta(days=1)))[0]
    assert (result.answers, [number for _choice, number in result.chosen]) == (1, [0, 1, 0])
    assert choice_results.of(Scope(other.survey))[0].answers == 1
