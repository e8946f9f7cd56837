"""The order of questions, changed in the back office by keyboard and by dragging."""

import pytest

from tests.factories.customers import UserFactory
from tests.factories.surveys import QuestionFactory, SurveyFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def draft():
    survey = SurveyFactory(published_at=None)
    for number in range(1, 4):
        QuestionFactory(survey=survey, kind="TEXT", text={"en": f"Question {number}", "zh-hans": "问"})
    return survey


@pytest.fixture
def desk(browser, client, live_server):
    client.force_login(UserFactory(is_superuser=True, password=None))
    context = browser.new_context(viewport={"width": 1440, "height": 3000})
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    yield context.new_page()
    context.close()


def order(survey):
    return [text["en"][-1] for text in survey.questions.order_by("position").values_list("text", flat=True)]


def save(page):
    page.locator("[name=_continue]").first.click()
    page.get_by_text("was changed successfully").first.wait_for()


def test_questions_are_ordered_by_keyboard(desk, live_server, draft):
    desk.goto(f"{live_server.url}/admin/surveys/survey/{draft.pk}/change/")
    desk.get_by_role("button", name="Move down").first.focus()
    desk.keyboard.press("Enter")
    desk.keyboard.press("Enter")
    assert desk.locator("[role=status]", has_text="Now number 3").count() == 1
    save(desk)
    assert order(draft) == ["2", "3", "1"]


def test_questions_are_ordered_by_dragging(desk, live_server, draft):
    desk.goto(f"{live_server.url}/admin/surveys/survey/{draft.pk}/change/")
    handles = desk.locator("#questions-data .cursor-move")
    third, first = handles.nth(2), handles.nth(0)
    third.scroll_into_view_if_needed()
    start, end = third.bounding_box(), first.bounding_box()
    desk.mouse.move(start["x"] + 10, start["y"] + 10)
    desk.mouse.down()
    for step in range(1, 21):
        desk.mouse.move(start["x"] + 10, start["y"] + 10 + (end["y"] - 40 - start["y"]) * step / 20)
    desk.mouse.up()
    save(desk)
    assert order(draft) == ["3", "1", "2"]
