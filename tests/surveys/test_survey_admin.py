"""Surveys in the back office."""

import pytest

from loyalty_site.lib import actors
from surveys.admin.survey import SurveyForm
from surveys.domain import surveys
from surveys.models import (
    Question,
    Survey,
)
from tests.factories.surveys import CampaignFactory, QuestionFactory, SurveyFactory
from tests.loyalty_site import rows
from tests.races import at_once
from tests.surveys.admin_forms import TEXTS, act, questions

pytestmark = pytest.mark.django_db


def test_survey_is_written_with_its_questions_in_order(staff):
    form = {"name": "Autumn", "reward_points": "50", **TEXTS, **questions(("", "", "First"), ("", "", "Second"))}
    staff.post("/admin/surveys/survey/add/", form)
    survey = Survey.objects.get()
    assert survey.title == {"en": "How was it?", "zh-hans": "怎么样？"}
    assert [(q.position, q.text["en"]) for q in survey.questions.order_by("position")] == [(1, "First"), (2, "Second")]


def test_low_score_is_followed_up_as_written(staff):
    form = {"name": "Autumn", "reward_points": "0", "follow_up_hours": "24", **TEXTS, **questions(("", "", "Score"))}
    staff.post("/admin/surveys/survey/add/", {**form, "questions-0-kind": "NPS", "questions-0-follow_up_at_most": "6"})
    assert (Survey.objects.get().follow_up_hours, Question.objects.get().follow_up_at_most) == (24, 6)


def test_words_are_not_followed_up_by_score(staff):
    form = {"name": "Autumn", "reward_points": "0", **TEXTS, **questions(("", "", "Why?"))}
    page = staff.post("/admin/surveys/survey/add/", {**form, "questions-0-follow_up_at_most": "6"})
    assert "Words have no score that could be low." in page.content.decode()
    assert not Survey.objects.exists()


def test_low_score_is_one_of_the_scale(staff):
    form = {"name": "Autumn", "reward_points": "0", **TEXTS, **questions(("", "", "Satisfied?"))}
    form |= {"questions-0-kind": "CSAT", "questions-0-follow_up_at_most": "6"}
    page = staff.post("/admin/surveys/survey/add/", form)
    assert "This kind of question has no such score." in page.content.decode()
    staff.post("/admin/surveys/survey/add/", {**form, "questions-0-follow_up_at_most": "2"})
    assert list(Question.objects.values_list("kind", "follow_up_at_most")) == [("CSAT", 2)]


def test_questions_swap_places_and_a_new_one_comes_last(staff):
    survey = SurveyFactory(published_at=None)
    first, second = QuestionFactory(survey=survey), QuestionFactory(survey=survey)
    told = questions((first.pk, 2, "First"), (second.pk, 1, "Second"), ("", "", "Third"), initial=2)
    answer = staff.post(
        f"/admin/surveys/survey/{survey.pk}/change/",
        {"name": "Autumn", "reward_points": "0", **TEXTS, **told, "questions-0-survey": survey.pk},
    )
    assert answer.status_code == 302
    ordered = survey.questions.order_by("position")
    assert [(q.position, q.text["en"]) for q in ordered] == [(1, "Second"), (2, "First"), (3, "Third")]


def test_published_survey_keeps_its_questions(staff):
    survey = rows.make(Survey)
    question = survey.questions.get()
    staff.post(act(survey, "publish"), {"although": "on"})
    form = {"name": "Renamed", **TEXTS}
    staff.post(
        f"/admin/surveys/survey/{survey.pk}/change/",
        {**form, **questions((question.pk, 1, "Changed"), ("", "", "New"), initial=1)},
    )
    survey.refresh_from_db()
    assert (survey.name, survey.reward_points) == ("Renamed", 0)
    assert [q.text for q in Question.objects.all()] == [question.text]


def test_published_questions_are_read_in_the_readers_language(staff):
    question = QuestionFactory(text={"en": "Why?", "zh-hans": "为什么？"})
    page = staff.get(f"/admin/surveys/survey/{question.survey_id}/change/").content.decode()
    assert ("Why?" in page, r"\u4e3a" in page) == (True, False)


def test_unfinished_survey_is_not_published(staff):
    survey = SurveyFactory(published_at=None)
    answer = staff.post(act(survey, "publish"), {"although": "on"})
    assert answer.context["form"].non_field_errors() == ["The survey has no question yet."]


def test_closing_a_survey_ends_it(staff):
    survey = SurveyFactory()
    staff.post(act(survey, "close"))
    survey.refresh_from_db()
    assert survey.closed_at


def test_only_unused_drafts_are_deleted(staff):
    draft, live = SurveyFactory(published_at=None), SurveyFactory()
    used = CampaignFactory(survey__published_at=None).survey
    answers = [
        staff.post(f"/admin/surveys/survey/{survey.pk}/delete/", {"post": "yes"}).status_code
        for survey in (draft, live, used)
    ]
    assert answers == [302, 403, 403]


def test_anonymous_survey_opens_no_cases(staff):
    form = {"name": "Autumn", "reward_points": "0", "is_anonymous": "on", **TEXTS, **questions(("", "", "Score"))}
    page = staff.post("/admin/surveys/survey/add/", {**form, "follow_up_hours": "24"})
    assert "Anonymous answers open no cases" in page.content.decode()
    staff.post("/admin/surveys/survey/add/", form)
    assert Survey.objects.get().is_anonymous


def draft_of_one():
    """And what its form sends."""
    question = QuestionFactory(survey__published_at=None, text={"en": "First"})
    told = questions((question.pk, 1, "Changed"), initial=1)
    form = {"name": "Renamed", "reward_points": "99", **TEXTS, **told, "questions-0-survey": question.survey_id}
    return question, form


def publish(survey):
    surveys.publish(survey=Survey.objects.get(pk=survey.pk), by=actors.SYSTEM, at=rows.AT)


def test_form_that_was_shown_before_it_was_published_saves_nothing(staff):
    question, form = draft_of_one()
    publish(question.survey)
    page = staff.post(f"/admin/surveys/survey/{question.survey_id}/change/", form)
    assert "its questions no longer change" in page.content.decode()
    question.refresh_from_db()
    assert (question.text["en"], question.survey.name == "Renamed") == ("First", False)


@pytest.mark.django_db(transaction=True)
def test_survey_that_is_published_while_its_draft_is_saved_stays_as_it_was(staff, monkeypatch):
    """After the form has read the row as a draft, before it writes."""
    question, form = draft_of_one()
    clean = SurveyForm.clean

    def cleaned_then_published(form):
        cleaned = clean(form)
        assert at_once(lambda: publish(question.survey)) == [None]
        return cleaned

    monkeypatch.setattr(SurveyForm, "clean", cleaned_then_published)
    page = staff.post(f"/admin/surveys/survey/{question.survey_id}/change/", form, follow=True)
    assert "its questions no longer change" in page.content.decode()
    question.refresh_from_db()
    survey = Survey.objects.get()
    assert (question.text["en"], survey.reward_points, survey.published_at) == ("First", 0, rows.AT)
