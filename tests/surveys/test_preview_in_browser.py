"""A draft looked at and answered as on a phone, in the back office."""

import pytest

from loyalty_site.lib import actors
from surveys.domain import drafts
from surveys.models import Answer, SurveyResponse
from tests.factories.customers import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_draft_is_answered_in_a_frame_as_wide_as_a_phone(browser, client, live_server, now):
    survey = drafts.begin(example="purchase", by=actors.user(1), at=now)
    client.force_login(UserFactory(is_superuser=True, password=None))
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{live_server.url}/admin/surveys/survey/{survey.pk}/preview/")
    page.get_by_role("link", name="简体中文").click()
    phone = page.frame_locator("iframe")
    phone.get_by_role("heading", name="这次购物您满意吗？").wait_for()
    assert page.locator("iframe").evaluate("frame => frame.clientWidth") == 390
    phone.locator(".scale label").last.click()
    assert phone.get_by_text("哪些方面需要改进？").is_hidden()
    phone.locator("form button.btn-primary").click()
    phone.get_by_text("您的意见会转达给门店的同事").wait_for()
    assert not SurveyResponse.objects.exists() | Answer.objects.exists()
    assert complaints == []
    context.close()


def test_page_follows_what_is_typed_and_rows_show_what_their_kind_has(browser, client, live_server, now):
    survey = drafts.begin(example="purchase", by=actors.user(1), at=now)
    client.force_login(UserFactory(is_superuser=True, password=None))
    context = browser.new_context(viewport={"width": 1440, "height": 3000})
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{live_server.url}/admin/surveys/survey/{survey.pk}/change/")
    phone = page.frame_locator("iframe[data-language=en]")
    phone.get_by_role("heading", name="How was your visit?").wait_for()
    page.locator("[name=title_en]").fill("How was the bread?")
    phone.get_by_role("heading", name="How was the bread?").wait_for()
    choices = page.locator("[name=questions-2-choice_lines_en]")
    assert choices.is_hidden()
    page.locator("[name=questions-2-kind]").select_option("SINGLE")
    choices.wait_for(state="visible")
    assert page.locator("[name=questions-2-follow_up_at_most]").is_hidden()
    survey.refresh_from_db()
    assert survey.title["en"] == "How was your visit?"
    assert complaints == []
    context.close()
