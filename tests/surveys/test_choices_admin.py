"""Questions with choices in the back office."""

import pytest
from django.utils import timezone

from loyalty_site.lib import actors
from surveys.domain import responses
from surveys.models import (
    Question,
    QuestionChoice,
    Survey,
)
from tests.factories.surveys import QuestionFactory
from tests.surveys.admin_forms import TEXTS, act, questions

pytestmark = pytest.mark.django_db


def choices(english, chinese="", kind="SINGLE"):
    """The form of a survey with one question."""
    form = {"name": "Autumn", "reward_points": "0", **TEXTS, **questions(("", "", "What?"))}
    lines = {"questions-0-choice_lines_en": english, "questions-0-choice_lines_zh-hans": chinese}
    return form | lines | {"questions-0-kind": kind}


@pytest.mark.parametrize("kind", ["SINGLE", "MULTIPLE"])
def test_choices_are_written_a_line_each(kind, staff):
    staff.post("/admin/surveys/survey/add/", choices("Bread\r\n\r\n Cake ", "面包\r\n蛋糕", kind))
    assert list(QuestionChoice.objects.order_by("position").values_list("position", "text")) == [
        (1, {"en": "Bread", "zh-hans": "面包"}),
        (2, {"en": "Cake", "zh-hans": "蛋糕"}),
    ]


@pytest.mark.parametrize(
    ("english", "chinese", "kind", "refusal"),
    [
        ("Bread\nCake", "面包", "SINGLE", "Each language needs the same number of lines."),
        ("Bread\nBread", "", "MULTIPLE", "A choice stands here twice."),
        ("Bread\nCake", "", "TEXT", "This kind of question has no choices."),
    ],
)
def test_choices_that_cannot_be_are_named(english, chinese, kind, refusal, staff):
    page = staff.post("/admin/surveys/survey/add/", choices(english, chinese, kind))
    assert refusal in page.content.decode()
    assert not Survey.objects.exists()


def test_choices_are_changed_in_their_place(staff):
    staff.post("/admin/surveys/survey/add/", choices("Bread\nCake\nTea"))
    survey, question = Survey.objects.get(), Question.objects.get()
    first = question.choices.get(position=1).pk
    page = staff.get(f"/admin/surveys/survey/{survey.pk}/change/").content.decode()
    assert "Bread\nCake\nTea</textarea>" in page
    form = choices("Rolls\nPie") | {"questions-INITIAL_FORMS": 1, "questions-0-id": question.pk}
    staff.post(f"/admin/surveys/survey/{survey.pk}/change/", {**form, "questions-0-survey": survey.pk})
    found = list(question.choices.order_by("position").values_list("pk", "text__en"))
    assert (found[0], [text for _pk, text in found]) == ((first, "Rolls"), ["Rolls", "Pie"])


def test_choices_of_a_published_survey_are_read(staff):
    staff.post("/admin/surveys/survey/add/", choices("Bread\nCake"))
    survey = Survey.objects.get()
    staff.post(act(survey, "publish"), {"although": "on"})
    assert "Bread · Cake" in staff.get(f"/admin/surveys/survey/{survey.pk}/change/").content.decode()


def test_page_of_a_response_says_what_was_chosen(staff, due, survey):
    question = QuestionFactory(survey=survey, kind="MULTIPLE")
    chosen = [
        QuestionChoice.objects.create(question=question, position=position, text={"en": text})
        for position, text in ((2, "Cake"), (1, "Bread"), (3, "Tea"))
    ][:2]
    delivery, by = due(), actors.customer(1)
    score = survey.questions.get(position=1).pk
    answers = {score: 9, question.pk: frozenset(choice.pk for choice in chosen)}
    response = responses.submit(delivery=delivery, answers=answers, language="en", by=by, at=timezone.now())
    page = staff.get(f"/admin/surveys/surveyresponse/{response.pk}/change/").content.decode()
    assert "Bread · Cake" in page
    assert "Tea" not in page
