import json

import pytest
from crispy_forms.utils import render_crispy_form
from django.utils import translation
from django.utils.datastructures import MultiValueDict

from surveys.forms import ResponseForm
from surveys.models import QuestionChoice, SkipRule
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


@pytest.mark.parametrize(("kind", "score"), [("NPS", 0), ("NPS", 10), ("CSAT", 1), ("CSAT", 5), ("CES", 7)])
def test_score_of_the_mail_is_chosen_in_the_question_that_the_mail_asks(kind, score):
    first = QuestionFactory(kind=kind)
    QuestionFactory(survey=first.survey, kind="NPS")
    assert ResponseForm(first.survey, score=score).initial == {f"q{first.pk}": score}


@pytest.mark.parametrize(("kind", "score"), [("CSAT", 0), ("CSAT", 6), ("CES", 8), ("TEXT", 3), ("SINGLE", 3)])
def test_score_that_the_first_question_does_not_have_is_chosen_nowhere(kind, score):
    first = QuestionFactory(kind=kind)
    QuestionFactory(survey=first.survey, kind="NPS")
    assert ResponseForm(first.survey, score=score).initial == {}


def test_choices_are_offered_in_order_in_the_readers_language():
    question = choosing("SINGLE", "Bread", "Cake")
    question.choices.filter(position=1).update(position=3)
    html = render_crispy_form(ResponseForm(question.survey))
    assert html.count('type="radio"') == 2
    assert 0 < html.index("<span>Cake</span>") < html.index("<span>Bread</span>")
    with translation.override("zh-hans"):
        assert "<span>Cake 中文</span>" in render_crispy_form(ResponseForm(question.survey))


def test_one_choice_comes_back_by_its_id():
    question = choosing("SINGLE", "Bread", "Cake")
    cake = question.choices.get(position=2)
    form = ResponseForm(question.survey, data=MultiValueDict({f"q{question.pk}": [str(cake.pk)]}))
    assert form.is_valid()
    assert form.answers() == {question.pk: frozenset([cake.pk])}


def test_any_choices_come_back_by_their_ids():
    question = choosing("MULTIPLE", "Bread", "Cake", "Tea")
    chosen = [choice.pk for choice in question.choices.filter(position__in=[1, 3])]
    form = ResponseForm(question.survey, data=MultiValueDict({f"q{question.pk}": [str(pk) for pk in chosen]}))
    assert form.is_valid()
    assert form.answers() == {question.pk: frozenset(chosen)}
    assert render_crispy_form(form).count('type="checkbox"') == 3


@pytest.mark.parametrize("kind", ["SINGLE", "MULTIPLE"])
def test_nothing_chosen_is_no_answer(kind):
    form = ResponseForm(choosing(kind, "Bread", "Cake").survey, data=MultiValueDict())
    assert form.is_valid()
    assert form.answers() == {}


@pytest.mark.parametrize("kind", ["SINGLE", "MULTIPLE"])
@pytest.mark.parametrize("told", ["0", "x", "\0", "²"])
def test_choice_that_is_not_offered_is_named_at_its_question(kind, told):
    question = choosing(kind, "Bread", "Cake")
    form = ResponseForm(question.survey, data=MultiValueDict({f"q{question.pk}": [told]}))
    assert form.errors == {f"q{question.pk}": ["Please choose from the list."]}
    assert f'id="id_q{question.pk}_error"' in render_crispy_form(form)


def choosing(kind, *texts):
    question = QuestionFactory(kind=kind)
    for position, text in enumerate(texts, start=1):
        QuestionChoice.objects.create(
            question=question, position=position, text={"en": text, "zh-hans": f"{text} 中文"}
        )
    return question


def test_form_says_where_answers_lead_and_does_not_demand_what_they_skip():
    first = QuestionFactory(kind="NPS")
    second = QuestionFactory(survey=first.survey, kind="TEXT", is_required=True)
    third = QuestionFactory(survey=first.survey, kind="TEXT", text={"en": "What was good?"})
    SkipRule.objects.create(question=first, at_least=9, at_most=10, goes_to=third)
    SkipRule.objects.create(question=first, at_least=8, at_most=8, goes_to=None)
    told = "9–10: go on with “What was good?” 8: nothing more is asked."
    assert told in render_crispy_form(ResponseForm(first.survey))
    skipped = ResponseForm(first.survey, data={f"q{first.pk}": "9", f"q{third.pk}": "Bread"})
    assert skipped.is_valid()
    assert skipped.answers() == {first.pk: 9, third.pk: "Bread"}
    assert list(ResponseForm(first.survey, data={f"q{first.pk}": "3"}).errors) == [f"q{second.pk}"]


def test_script_is_told_which_answers_lead_where():
    first = QuestionFactory(kind="CSAT")
    second, third = QuestionFactory(survey=first.survey, kind="TEXT"), QuestionFactory(survey=first.survey, kind="TEXT")
    assert ResponseForm(first.survey).path() == ""
    SkipRule.objects.create(question=first, at_least=4, at_most=5, goes_to=third)
    SkipRule.objects.create(question=first, at_least=1, at_most=1)
    told = [
        [f"q{first.pk}", [[[4, 5], f"q{third.pk}"], [[1], None]]],
        [f"q{second.pk}", []],
        [f"q{third.pk}", []],
    ]
    assert json.loads(ResponseForm(first.survey).path()) == told
