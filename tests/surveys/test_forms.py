import pytest
from crispy_forms.utils import render_crispy_form

from surveys.forms import ResponseForm
from tests.factories.surveys import QuestionFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "scores", "ends"),
    [
        ("NPS", range(11), ("Not at all likely", "Extremely likely")),
        ("CSAT", range(1, 6), ("Very dissatisfied", "Very satisfied")),
        ("CES", range(1, 8), ("Very difficult", "Very easy")),
    ],
)
def test_scale_shows_its_scores_and_what_the_ends_mean(kind, scores, ends):
    question = QuestionFactory(kind=kind)
    form = ResponseForm(question.survey)
    assert [value for value, _label in form.fields[f"q{question.pk}"].choices] == list(scores)
    html = render_crispy_form(form)
    assert all(f"<span>{end}</span>" in html for end in ends)
    assert html.count('type="radio"') == len(scores)


def test_score_beyond_the_scale_is_named_at_its_question():
    question = QuestionFactory(kind="CSAT")
    form = ResponseForm(question.survey, data={f"q{question.pk}": "6"})
    assert form.errors == {f"q{question.pk}": ["Please choose a number from 1 to 5."]}


def test_score_of_the_mail_is_chosen_in_the_question_that_the_mail_asks():
    effort = QuestionFactory(kind="CES")
    recommend = QuestionFactory(survey=effort.survey, kind="NPS")
    form = ResponseForm(effort.survey, score=9)
    assert form.initial == {f"q{recommend.pk}": 9}
