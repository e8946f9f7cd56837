from datetime import timedelta

import pytest

from loyalty_site.lib import actors
from surveys.domain import closing, partials, responses
from surveys.models import Answer, PartialResponse, QuestionChoice, SurveyResponse
from tests.factories.surveys import QuestionFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery(due):
    return due()


@pytest.fixture
def questions(survey):
    return survey.questions.order_by("position").values_list("pk", flat=True)


def kept(delivery):
    return partials.answers(partials.of(read(delivery)))


def read(delivery):
    return responses.read_token(responses.token_for(delivery))


def submit(delivery, answers, now):
    by = actors.customer(delivery.customer_id)
    return responses.submit(delivery=delivery, answers=answers, language="en", by=by, at=now)


def test_what_is_kept_comes_back_as_it_was(delivery, survey, questions, now):
    many = QuestionFactory(survey=survey, kind="MULTIPLE")
    choices = [QuestionChoice.objects.create(question=many, position=n, text={"en": "x"}).pk for n in (1, 2, 3)]
    told = {questions[0]: 0, questions[1]: "More 面包", many.pk: frozenset([choices[2], choices[0]])}
    partials.keep(delivery=delivery, answers=told, at=now)
    assert kept(delivery) == told
    assert not SurveyResponse.objects.exists()


def test_nothing_is_kept_of_who_did_not_begin(delivery):
    assert kept(delivery) == {}


def test_keeping_again_replaces_and_remembers_when_it_began(delivery, questions, now):
    partials.keep(delivery=delivery, answers={questions[0]: 3, questions[1]: "Hm"}, at=now)
    partials.keep(delivery=delivery, answers={questions[0]: 4}, at=now + timedelta(hours=1))
    partial = PartialResponse.objects.get()
    assert (kept(delivery), partial.began_at, partial.kept_at) == ({questions[0]: 4}, now, now + timedelta(hours=1))


def test_keeping_nothing_forgets_what_was_kept(delivery, questions, now):
    partials.keep(delivery=delivery, answers={questions[0]: 3}, at=now)
    partials.keep(delivery=delivery, answers={}, at=now)
    assert not PartialResponse.objects.exists()


@pytest.mark.parametrize("wrong", [11, -1, "nine", frozenset([1])])
def test_what_does_not_fit_is_passed_over(delivery, questions, now, wrong):
    foreign = QuestionFactory()
    told = {questions[0]: wrong, questions[1]: "Good", foreign.pk: 3}
    partials.keep(delivery=delivery, answers=told, at=now)
    assert kept(delivery) == {questions[1]: "Good"}


def test_sending_spends_what_was_kept_and_a_late_page_brings_nothing_back(delivery, questions, now):
    partials.keep(delivery=delivery, answers={questions[0]: 3}, at=now)
    submit(delivery, {questions[0]: 9}, now)
    assert not PartialResponse.objects.exists()
    partials.keep(delivery=delivery, answers={questions[0]: 3}, at=now)
    assert not PartialResponse.objects.exists()
    assert Answer.objects.get().number == 9


@pytest.mark.django_db(transaction=True)
def test_keeping_and_sending_at_once_leave_the_response_alone(delivery, questions, now):
    scale = questions[0]

    def keep(score):
        return lambda: partials.keep(delivery=delivery, answers={scale: score}, at=now)

    found = at_once(*[keep(n) for n in range(10)], lambda: submit(delivery, {scale: 9}, now))
    assert [each for each in found if isinstance(each, Exception)] == []
    assert (Answer.objects.get().number, PartialResponse.objects.count()) == (9, 0)


def test_closed_survey_keeps_nothing(delivery, survey, questions, now):
    survey.closed_at = now
    survey.save(update_fields=["closed_at"])
    with pytest.raises(responses.SurveyClosed):
        partials.keep(delivery=read(delivery), answers={questions[0]: 3}, at=now)


def test_anonymous_survey_keeps_nothing(delivery, survey, questions, now):
    survey.is_anonymous = True
    survey.save(update_fields=["is_anonymous"])
    partials.keep(delivery=read(delivery), answers={questions[0]: 3}, at=now)
    assert not PartialResponse.objects.exists()


def test_erasing_forgets_what_was_not_sent(delivery, questions, now):
    partials.keep(delivery=delivery, answers={questions[1]: "I am Maya"}, at=now)
    closing.erase(customer_ids=[delivery.customer_id])
    assert not PartialResponse.objects.exists()
