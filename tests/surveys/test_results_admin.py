"""What came of a survey, in the back office."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group

from loyalty_site import roles
from loyalty_site.lib import actors
from surveys.domain import responses
from surveys.models import (
    Delivery,
    DeliveryState,
    QuestionChoice,
    SurveyResponse,
)
from tests.factories.customers import CustomerFactory, StoreFactory, UserFactory
from tests.factories.surveys import DeliveryFactory, QuestionFactory, SurveyFactory
from tests.loyalty_site import rows
from tests.surveys.admin_forms import act

pytestmark = pytest.mark.django_db


def answered(survey, score, text="", **fields):
    customer = CustomerFactory(**fields)
    delivery = DeliveryFactory(campaign__survey=survey, customer=customer, state=DeliveryState.ACCEPTED)
    scale, words = survey.questions.order_by("position")
    told = {scale.pk: score, **({words.pk: text} if text else {})}
    return responses.submit(
        delivery=delivery, answers=told, language="en", by=actors.customer(delivery.customer_id), at=rows.LATER
    )


def test_results_show_the_score_its_interval_and_the_words(staff):
    survey = SurveyFactory()
    QuestionFactory(survey=survey)
    QuestionFactory(survey=survey, kind="TEXT")
    for score, text in ((10, "Lovely <b>staff</b>"), (9, ""), (7, ""), (3, "Too slow")):
        answered(survey, score, text)
    page = staff.get(act(survey, "results"))
    text = page.content.decode()
    [scale] = page.context["questions"]
    assert scale["said"]["value"] == "25"
    assert [bar["count"] for bar in scale["bars"]] == [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1]
    assert [step["number"] for step in page.context["steps"]] == [4, 4, 4, 4, 4, 4]
    assert "95 % interval" in text
    assert "Lovely &lt;b&gt;staff&lt;/b&gt;" in text
    assert "Too slow" in text


def test_results_of_nobody_say_so(staff):
    survey = QuestionFactory().survey
    text = staff.get(act(survey, "results")).content.decode()
    assert "No answers yet." in text
    assert "Nobody has written anything like that yet." in text


@pytest.fixture
def talked_about():
    """A survey with a scale and a text, answered in Chinese by a customer of a store."""
    survey = SurveyFactory()
    QuestionFactory(survey=survey)
    QuestionFactory(survey=survey, kind="TEXT")
    answered(survey, 2, "=1+1 牛奶过期")
    return survey


@pytest.mark.parametrize(("search", "is_found"), [("牛奶", True), ("面包", False)])
def test_results_are_searched(staff, talked_about, search, is_found):
    page = staff.get(act(talked_about, "results"), {"search": search})
    assert ("牛奶过期" in page.content.decode()) is is_found


@pytest.mark.parametrize(
    "query", [{"since": "x"}, {"since": "2026-02-02", "until": "2026-02-01"}, {"store": "99"}, {"question": "x"}]
)
def test_results_with_a_bad_filter_are_shown_with_what_is_wrong(staff, talked_about, query):
    page = staff.get(act(talked_about, "results"), query)
    assert page.status_code == 200
    assert bool(page.context["form"].errors) is ("question" not in query)


def test_results_of_one_day(staff, talked_about):
    day = rows.LATER.date()
    page = staff.get(act(talked_about, "results"), {"since": day.isoformat(), "until": day.isoformat()})
    assert page.context["found"].responses == 1
    page = staff.get(act(talked_about, "results"), {"since": (day + timedelta(days=2)).isoformat()})
    assert page.context["found"].responses == 0


def test_words_that_stand_out_are_a_page(staff, talked_about):
    page = staff.get(act(talked_about, "results"), {"view": "themes"})
    assert "No word stands out." in page.content.decode()


def test_responses_are_a_file_without_formulas(staff, talked_about):
    file = staff.get(act(talked_about, "results"), {"file": "responses"})
    heading, line = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()
    assert heading.startswith("response,submitted_at,campaign,store,customer,language,source,q1,q2")
    assert line.endswith(",2,'=1+1 牛奶过期")


def test_staff_of_stores_see_what_is_said_of_these(client):
    survey = SurveyFactory()
    QuestionFactory(survey=survey)
    QuestionFactory(survey=survey, kind="TEXT")
    own, other = StoreFactory(), StoreFactory()
    for store, text in ((own, "Lovely"), (other, "Too slow")):
        answered(survey, 5, text, home_store=store)
    roles.sync()
    manager = UserFactory(is_staff=True, password=None)
    manager.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    manager.stores.add(own)
    client.force_login(manager)
    page = client.get(act(survey, "results"), {"store": other.pk})
    assert page.context["found"].responses == 1
    text = page.content.decode()
    assert ("Lovely" in text, "Too slow" in text) == (True, False)
    lines = b"".join(client.get(act(survey, "results"), {"file": "responses"}).streaming_content).decode()
    assert ("Lovely" in lines, "Too slow" in lines) == (True, False)


def test_response_page_shows_the_answers(staff):
    given = rows.make(SurveyResponse)
    page = staff.get(f"/admin/surveys/surveyresponse/{given.pk}/change/").content.decode()
    assert "Question 1" in page
    assert Delivery.objects.get().customer.name in page


def test_results_draw_how_often_each_choice_was_chosen(staff):
    question = QuestionFactory(kind="MULTIPLE", text={"en": "What did you buy?"})
    chosen = [
        QuestionChoice.objects.create(question=question, position=position, text={"en": text})
        for position, text in ((1, "Bread"), (2, "Cake"))
    ]
    for picked in (chosen, chosen[:1], chosen[:1], chosen[:1]):
        delivery = DeliveryFactory(campaign__survey=question.survey)
        told = {question.pk: frozenset(choice.pk for choice in picked)}
        by = actors.customer(delivery.customer_id)
        responses.submit(delivery=delivery, answers=told, language="en", by=by, at=rows.LATER)
    page = staff.get(act(question.survey, "results")).content.decode()
    assert "4 answers; several could be chosen" in page
    assert '<progress class="bo-meter" max="4" value="1"' in page
    assert ("<b>100 %</b>" in page, "<b>25 %</b>" in page) == (True, True)
