import pytest
from django.db import IntegrityError, transaction

from surveys.models import Question, QuestionChoice, QuestionKind, SkipRule, Survey
from tests.factories.surveys import QuestionFactory, SurveyFactory

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
