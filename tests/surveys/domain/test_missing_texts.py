import pytest

from surveys.domain import missing_texts, surveys
from surveys.models import Survey
from tests.factories.surveys import QuestionFactory, SurveyFactory

pytestmark = pytest.mark.django_db

BOTH = {"en": "Bread", "zh-hans": "面包"}


def told(survey):
    return [(row.where, row.written, row.missing) for row in missing_texts.of(survey)]


def test_nothing_is_missing_where_all_is_written():
    survey = SurveyFactory(published_at=None, title=BOTH, introduction=BOTH)
    surveys.set_choices(question=QuestionFactory(survey=survey, kind="SINGLE", text=BOTH), texts=[BOTH, BOTH])
    assert told(survey) == []


def test_missing_texts_are_named_in_order():
    survey = SurveyFactory(published_at=None, title={"en": "Hello"}, thanks={"zh-hans": "谢谢"})
    QuestionFactory(survey=survey, position=5, text=BOTH)
    last = QuestionFactory(survey=survey, position=9, kind="SINGLE", text={"en": "What?", "zh-hans": ""})
    surveys.set_choices(question=last, texts=[BOTH, {"en": "Cake"}])
    english, chinese = ("en",), ("zh-hans",)
    assert told(survey) == [
        ("Title", english, chinese),
        ("Thanks", chinese, english),
        ("Question 2", english, chinese),
        ("Question 2, choice 2", english, chinese),
    ]


def test_what_may_be_left_out_is_not_missing():
    survey = Survey.objects.create(name="Autumn", title=BOTH)
    assert told(survey) == []
