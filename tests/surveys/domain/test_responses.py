from datetime import timedelta

import pytest
from django.core.signing import Signer

from loyalty_site.lib import actors
from rewards.domain import points
from rewards.models import PointsEntry
from surveys.domain import closing, responses
from surveys.models import (
    Answer,
    AnswerChoice,
    Delivery,
    DeliveryState,
    QuestionChoice,
    QuestionKind,
    SkipRule,
    SurveyResponse,
)
from tests.factories.customers import CustomerFactory
from tests.factories.surveys import DeliveryFactory, QuestionFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery(due):
    return due()


@pytest.fixture
def questions(survey):
    return survey.questions.order_by("position").values_list("pk", flat=True)


def submit(delivery, answers, now):
    by = actors.customer(delivery.customer_id)
    return responses.submit(delivery=delivery, answers=answers, language="en", by=by, at=now)


def test_token_leads_back_to_its_delivery(delivery, django_assert_num_queries):
    token = responses.token_for(delivery)
    with django_assert_num_queries(1):
        found = responses.read_token(token)
        assert (found, found.campaign.survey.title) == (delivery, {"en": "How was it?", "zh-hans": "您满意吗？"})


def test_token_is_the_same_each_time_and_fits_an_address(delivery):
    token = responses.token_for(delivery)
    assert token == responses.token_for(delivery)
    assert token.replace(".", "").replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: "1" + t, lambda t: t.upper(), lambda t: "", lambda t: "1.\0"]
)
def test_token_that_was_changed_is_unknown(delivery, change):
    with pytest.raises(responses.LinkUnknown):
        responses.read_token(change(responses.token_for(delivery)))


def test_token_made_for_something_else_is_unknown(delivery):
    with pytest.raises(responses.LinkUnknown):
        responses.read_token(Signer(sep=".").sign(str(delivery.pk)))


def test_token_of_a_deleted_delivery_is_unknown(delivery):
    token = responses.token_for(delivery)
    delivery.delete()
    with pytest.raises(responses.LinkUnknown):
        responses.read_token(token)


def test_submit_keeps_the_answers_and_thanks_with_points(delivery, questions, now):
    scale, text = questions
    response = submit(delivery, {scale: 9, text: "More bread, please. 面包！"}, now)
    assert (response.customer, response.language, response.submitted_at) == (delivery.customer, "en", now)
    assert set(Answer.objects.values_list("response", "question", "number", "text")) == {
        (response.pk, scale, 9, ""),
        (response.pk, text, None, "More bread, please. 面包！"),
    }
    entry = response.points_entry
    assert (entry.points, entry.reference) == (50, f"survey-response:{response.pk}")
    assert entry.actor == f"customer:{delivery.customer_id}"
    assert points.summary(customer=delivery.customer, at=now).balance == 50


@pytest.mark.parametrize("score", range(11))
def test_submit_thanks_the_same_for_every_score(delivery, questions, score, now):
    assert submit(delivery, {questions[0]: score}, now).points_entry.points == 50


def test_submit_without_reward_books_nothing(delivery, survey, questions, now):
    survey.reward_points = 0
    survey.save(update_fields=["reward_points"])
    assert submit(responses.read_token(responses.token_for(delivery)), {questions[0]: 3}, now).points_entry is None
    assert not PointsEntry.objects.exists()


def test_submit_again_finds_the_first_response(delivery, questions, now):
    first = submit(delivery, {questions[0]: 9}, now)
    assert submit(delivery, {questions[0]: 0}, now + timedelta(days=1)) == first
    assert Answer.objects.get().number == 9
    assert PointsEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_submits_at_once_are_one_response_and_one_reward(delivery, questions, now):
    scale = questions[0]
    given = at_once(*[lambda score=number % 11: submit(delivery, {scale: score}, now) for number in range(50)])
    assert {response.pk for response in given} == {SurveyResponse.objects.get().pk}
    assert Answer.objects.count() == 1
    assert PointsEntry.objects.get().points == 50
    assert points.summary(customer=delivery.customer, at=now).balance == 50


@pytest.mark.django_db(transaction=True)
def test_submit_that_cannot_thank_keeps_nothing(delivery, questions, now, monkeypatch):
    def fail(**kwargs):
        raise RuntimeError

    monkeypatch.setattr(points, "award", fail)
    with pytest.raises(RuntimeError):
        submit(delivery, {questions[0]: 9}, now)
    assert not SurveyResponse.objects.exists()
    assert not Answer.objects.exists()


@pytest.mark.parametrize("score", [-1, 11, "9", 10**6])
def test_submit_refuses_a_score_off_the_scale(delivery, questions, score, now):
    with pytest.raises(responses.AnswersInvalid) as refusal:
        submit(delivery, {questions[0]: score}, now)
    assert refusal.value.details["questions"] == {questions[0]: "This answer does not fit the question."}
    assert not SurveyResponse.objects.exists()


@pytest.mark.parametrize("text", ["", "x" * 2001, "a\0b", 7])
def test_submit_refuses_a_text_that_does_not_fit(delivery, questions, text, now):
    scale, comment = questions
    with pytest.raises(responses.AnswersInvalid) as refusal:
        submit(delivery, {scale: 9, comment: text}, now)
    assert list(refusal.value.details["questions"]) == [comment]


def test_submit_takes_a_text_of_the_full_length(delivery, questions, now):
    scale, comment = questions
    submit(delivery, {scale: 9, comment: "界" * 2000}, now)
    assert len(Answer.objects.get(question=comment).text) == 2000


def test_submit_refuses_to_skip_what_is_required(delivery, questions, now):
    scale, comment = questions
    with pytest.raises(responses.AnswersInvalid) as refusal:
        submit(delivery, {comment: "Fine"}, now)
    assert refusal.value.details["questions"] == {scale: "Please answer this question."}


def test_submit_refuses_questions_of_another_survey(delivery, questions, now):
    foreign = QuestionFactory()
    with pytest.raises(responses.AnswersInvalid) as refusal:
        submit(delivery, {questions[0]: 9, foreign.pk: 9}, now)
    assert refusal.value.details["questions"] == {foreign.pk: "This question is not asked here."}


def test_submit_refuses_an_empty_questionnaire(delivery, survey, now):
    survey.questions.update(is_required=False)
    with pytest.raises(responses.NothingAnswered):
        submit(delivery, {}, now)


def test_submit_refuses_when_the_survey_is_closed(delivery, survey, questions, now):
    survey.closed_at = now
    survey.save(update_fields=["closed_at"])
    with pytest.raises(responses.SurveyClosed):
        submit(responses.read_token(responses.token_for(delivery)), {questions[0]: 9}, now)


def test_submit_refuses_who_left_the_programme(sending, questions, now):
    gone = DeliveryFactory(campaign=sending, customer=CustomerFactory(closed_at=now))
    with pytest.raises(responses.SurveyClosed):
        submit(gone, {questions[0]: 9}, now)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (DeliveryState.UNCERTAIN, DeliveryState.ACCEPTED),
        (DeliveryState.DEFERRED, DeliveryState.ACCEPTED),
        (DeliveryState.REJECTED, DeliveryState.ACCEPTED),
        (DeliveryState.PENDING, DeliveryState.PENDING),
    ],
)
def test_submit_proves_that_a_doubtful_mail_arrived(delivery, questions, before, after, now):
    Delivery.objects.update(state=before)
    submit(delivery, {questions[0]: 9}, now)
    assert Delivery.objects.get().state == after


def test_note_opened_keeps_the_first_time(delivery, now):
    responses.note_opened(delivery=delivery, at=now)
    responses.note_opened(delivery=delivery, at=now + timedelta(days=1))
    delivery.refresh_from_db()
    assert delivery.opened_at == now


@pytest.mark.parametrize(("kind", "least", "most"), [("NPS", 0, 10), ("CSAT", 1, 5), ("CES", 1, 7)])
def test_scale_takes_its_own_scores_and_no_others(kind, least, most, delivery, survey, questions, now):
    given, asked = {questions[0]: 9}, QuestionFactory(survey=survey, kind=kind)
    for wrong in (least - 1, most + 1, str(least)):
        with pytest.raises(responses.AnswersInvalid) as refused:
            submit(delivery, {**given, asked.pk: wrong}, now)
        assert list(refused.value.details["questions"]) == [asked.pk]
    submit(delivery, {**given, asked.pk: most}, now)
    assert Answer.objects.get(question=asked).number == most


def test_choices_are_no_scores_and_no_words(delivery, survey, questions, now):
    given, asked = {questions[0]: 9}, QuestionFactory(survey=survey, kind=QuestionKind.SINGLE)
    for wrong in (1, "Bread"):
        with pytest.raises(responses.AnswersInvalid) as refused:
            submit(delivery, {**given, asked.pk: wrong}, now)
        assert list(refused.value.details["questions"]) == [asked.pk]


def choosing(survey, kind, *texts, **fields):
    """A question and the ids of its choices."""
    question = QuestionFactory(survey=survey, kind=kind, **fields)
    rows = [
        QuestionChoice.objects.create(question=question, position=position, text={"en": text})
        for position, text in enumerate(texts, start=1)
    ]
    return question.pk, [row.pk for row in rows]


@pytest.mark.parametrize(("kind", "picked"), [("SINGLE", [1]), ("MULTIPLE", [2]), ("MULTIPLE", [0, 1, 2])])
def test_submit_keeps_what_was_chosen(delivery, survey, questions, now, kind, picked):
    question, offered = choosing(survey, kind, "Bread", "Cake", "Tea")
    response = submit(delivery, {questions[0]: 9, question: frozenset(offered[place] for place in picked)}, now)
    answer = response.answers.get(question=question)
    assert (answer.number, answer.text) == (None, "")
    assert set(answer.choices.values_list("choice", flat=True)) == {offered[place] for place in picked}
    assert str(answer) == " · ".join(["Bread", "Cake", "Tea"][place] for place in picked)


@pytest.mark.parametrize("kind", ["SINGLE", "MULTIPLE"])
def test_submit_refuses_choices_that_do_not_fit(delivery, survey, questions, now, kind):
    question, offered = choosing(survey, kind, "Bread", "Cake")
    _other, foreign = choosing(survey, kind, "Yes", "No")
    for value in [frozenset(), frozenset(foreign[:1]), frozenset([offered[0], foreign[0]]), 1, "Bread", offered[0]]:
        with pytest.raises(responses.AnswersInvalid) as refusal:
            submit(delivery, {questions[0]: 9, question: value}, now)
        assert list(refusal.value.details["questions"]) == [question]
    assert not SurveyResponse.objects.exists()


def test_submit_refuses_two_choices_where_one_is_asked(delivery, survey, questions, now):
    question, offered = choosing(survey, "SINGLE", "Bread", "Cake")
    with pytest.raises(responses.AnswersInvalid):
        submit(delivery, {questions[0]: 9, question: frozenset(offered)}, now)


def test_submit_refuses_choices_for_a_score(delivery, survey, questions, now):
    _question, offered = choosing(survey, "SINGLE", "Bread", "Cake")
    with pytest.raises(responses.AnswersInvalid):
        submit(delivery, {questions[0]: frozenset(offered[:1])}, now)


def test_choice_that_must_be_made_is_asked_for(delivery, survey, questions, now):
    question, _offered = choosing(survey, "MULTIPLE", "Bread", "Cake", is_required=True)
    with pytest.raises(responses.AnswersInvalid) as refusal:
        submit(delivery, {questions[0]: 9}, now)
    assert list(refusal.value.details["questions"]) == [question]


def test_erasing_keeps_what_was_chosen_and_forgets_what_was_written(delivery, survey, questions, now):
    question, offered = choosing(survey, "SINGLE", "Bread", "Cake")
    submit(delivery, {questions[0]: 9, questions[1]: "I am Maya", question: frozenset(offered[:1])}, now)
    closing.erase(customer_ids=[delivery.customer_id])
    assert set(Answer.objects.values_list("question", flat=True)) == {questions[0], question}
    assert AnswerChoice.objects.get().choice_id == offered[0]


def test_answers_that_others_skip_are_neither_kept_nor_demanded(delivery, survey, questions, now):
    scale, words = questions
    last = QuestionFactory(survey=survey, kind="TEXT").pk
    survey.questions.filter(pk=words).update(is_required=True)
    SkipRule.objects.create(question_id=scale, at_least=9, at_most=10, goes_to_id=last)
    with pytest.raises(responses.AnswersInvalid) as refusal:
        submit(delivery, {scale: 8, last: "Bye"}, now)
    assert list(refusal.value.details["questions"]) == [words]
    submit(delivery, {scale: 9, words: "x" * 3000, last: "Bye"}, now)
    assert set(Answer.objects.values_list("question", flat=True)) == {scale, last}


def test_choice_ends_the_survey(delivery, survey, questions, now):
    survey.questions.filter(pk=questions[0]).update(is_required=False, position=9)
    question, offered = choosing(survey, "SINGLE", "Bread", "Cake")
    survey.questions.filter(pk=question).update(position=1)
    SkipRule.objects.create(question_id=question, choice_id=offered[1], goes_to=None)
    submit(delivery, {question: frozenset(offered[1:]), questions[1]: "More"}, now)
    assert Answer.objects.get().question_id == question
