import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from surveys.models import (
    Answer,
    AnswerChoice,
    Question,
    QuestionChoice,
    QuestionKind,
    SkipRule,
    Survey,
    SurveyResponse,
)
from tests.factories.surveys import AT, DeliveryFactory, QuestionFactory, SurveyFactory

pytestmark = pytest.mark.django_db


def refuses(name, make, **values):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        make(**values)


@pytest.mark.parametrize("kind", QuestionKind)
def test_only_scales_call_a_score_low(kind):
    question = QuestionFactory(kind=kind)
    low = Question.objects.filter(pk=question.pk)
    if kind in ("NPS", "CSAT", "CES"):
        assert low.update(follow_up_at_most=2) == 1
    else:
        refuses("question_follows_up_scores", low.update, follow_up_at_most=2)


def test_skip_rule_looks_at_scores_or_at_a_choice():
    question = QuestionFactory(kind=QuestionKind.SINGLE)
    choice = QuestionChoice.objects.create(question=question, position=1, text={"en": "Bread"})
    make, name = SkipRule.objects.create, "skip_rule_looks_at_scores_or_at_a_choice"
    refuses(name, make, question=question)
    refuses(name, make, question=question, at_least=1)
    refuses(name, make, question=question, at_least=1, at_most=2, choice=choice)
    refuses("skip_rule_range_is_not_empty", make, question=question, at_least=2, at_most=1)
    refuses("skip_rule_leads_elsewhere", make, question=question, choice=choice, goes_to=question)
    assert make(question=question, choice=choice).goes_to is None
    assert make(question=question, at_least=2, at_most=2).choice is None


def test_anonymous_survey_opens_no_cases():
    survey = SurveyFactory(is_anonymous=True)
    change = Survey.objects.filter(pk=survey.pk).update
    refuses("survey_that_is_anonymous_opens_no_cases", change, follow_up_hours=24)


def choice_of(question, position=1):
    return QuestionChoice.objects.create(question=question, position=position, text={"en": "Bread"})


@pytest.fixture
def answered():
    """Makes an answer to a question; without a value it says nothing."""

    def make(question, **value):
        delivery = DeliveryFactory(campaign__survey=question.survey)
        response = SurveyResponse.objects.create(
            survey=question.survey, delivery=delivery, customer=delivery.customer, language="en", submitted_at=AT
        )
        return Answer.objects.create(response=response, question=question, **value)

    return make


def at_once(make):
    """Does it, and looks at what is otherwise looked at when the transaction ends."""

    def do(**values):
        made = make(**values)
        connection.check_constraints()
        return made

    return do


def test_skip_rule_stays_in_its_survey():
    question, elsewhere = QuestionFactory(kind=QuestionKind.SINGLE), QuestionFactory(kind=QuestionKind.SINGLE)
    make, name = SkipRule.objects.create, "skip_rule_stays_in_its_survey"
    refuses(name, make, question=question, choice=choice_of(elsewhere))
    refuses(name, make, question=question, at_least=1, at_most=2, goes_to=elsewhere)
    rule = make(question=question, choice=choice_of(question), goes_to=QuestionFactory(survey=question.survey))
    refuses(name, SkipRule.objects.filter(pk=rule.pk).update, goes_to=elsewhere)


def test_what_others_refer_to_stays_where_it_is(answered):
    question, elsewhere = QuestionFactory(kind=QuestionKind.SINGLE), QuestionFactory()
    choice, answer = choice_of(question), answered(question, number=1)
    for row, change in (
        (question, {"survey": elsewhere.survey}),
        (choice, {"question": elsewhere}),
        (answer, {"question": elsewhere}),
    ):
        with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(**change)


def test_answer_says_something(answered):
    question, name = QuestionFactory(kind=QuestionKind.SINGLE), "answer_says_something"
    refuses(name, at_once(answered), question=question)
    refuses(name, at_once(answered), question=question, text="")
    with transaction.atomic():
        answer = answered(question)
        chosen = AnswerChoice.objects.create(answer=answer, choice=choice_of(question))
        connection.check_constraints()
    refuses(name, at_once(AnswerChoice.objects.filter(pk=chosen.pk).delete))
    words = answered(QuestionFactory(kind=QuestionKind.TEXT), text="Fine")
    refuses(name, at_once(Answer.objects.filter(pk=words.pk).update), text="")
    at_once(answer.delete)()
    assert not AnswerChoice.objects.exists()


def test_answer_chooses_what_its_question_offers(answered):
    question = QuestionFactory(kind=QuestionKind.SINGLE)
    other = choice_of(QuestionFactory(survey=question.survey, kind=QuestionKind.SINGLE))
    make, name = AnswerChoice.objects.create, "answer_choice_belongs_to_its_question"
    with transaction.atomic():
        answer = answered(question)
        refuses(name, make, answer=answer, choice=other)
        make(answer=answer, choice=choice_of(question))
    refuses(name, AnswerChoice.objects.filter(answer=answer).update, choice=other)
