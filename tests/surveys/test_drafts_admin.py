"""Drafts that do not begin empty, and what they lack."""

import pytest
from django.urls import reverse

from surveys.domain import drafts
from surveys.models import Survey
from tests.factories.customers import UserFactory
from tests.factories.surveys import QuestionFactory, SurveyFactory
from tests.surveys.admin_forms import act

pytestmark = pytest.mark.django_db
BEGIN = "/admin/surveys/survey/begin/"


def test_examples_are_offered_where_a_survey_is_added(staff):
    page = staff.get("/admin/surveys/survey/add/").content.decode()
    assert all(f'name="example" value="{key}"' in page for key in drafts.EXAMPLES)


def test_example_becomes_a_draft_that_opens(staff):
    answer = staff.post(BEGIN, {"example": "purchase"}, follow=True)
    survey = Survey.objects.get()
    assert answer.redirect_chain == [(f"/admin/surveys/survey/{survey.pk}/change/", 302)]
    page = answer.content.decode()
    assert "Waiting at the checkout" in page
    assert "4-5 &gt; 3" in page


@pytest.mark.parametrize(("told", "status"), [({"example": "none"}, 404), ({}, 404)])
def test_unknown_example_is_refused(staff, told, status):
    assert staff.post(BEGIN, told).status_code == status
    assert not Survey.objects.exists()


def test_example_is_for_whoever_may_add_surveys(client, staff):
    assert staff.get(BEGIN).status_code == 403
    client.force_login(UserFactory(is_staff=True, password=None))
    assert client.post(BEGIN, {"example": "year"}).status_code == 403
    assert not Survey.objects.exists()


def test_published_survey_is_copied_as_a_draft(staff, survey):
    answer = staff.post(act(survey, "copy"))
    assert answer.url == reverse("admin:surveys_survey_changelist")
    copy = Survey.objects.order_by("pk").last()
    assert (copy.published_at, copy.questions.count()) == (None, 2)


def test_page_says_what_is_missing_in_which_language(staff):
    survey = SurveyFactory(published_at=None, title={"en": "Hello", "zh-hans": "你好"})
    QuestionFactory(survey=survey, text={"en": "Why?"})
    page = staff.get(f"/admin/surveys/survey/{survey.pk}/change/").content.decode()
    assert "1 text is not in all languages" in page
    assert "Question 1</th><td>written</td><td>" in page


def test_publishing_asks_before_texts_are_missing(staff):
    survey = QuestionFactory(survey__published_at=None).survey
    page = staff.post(act(survey, "publish"))
    survey.refresh_from_db()
    assert survey.published_at is None
    assert "Question 1</th>" in page.content.decode()
    assert "although" in page.context["form"].errors
    staff.post(act(survey, "publish"), {"although": "on"})
    survey.refresh_from_db()
    assert survey.published_at
