import re

import pytest
from django.urls import reverse

from surveys.domain import responses
from surveys.models import Answer, PartialResponse, SurveyResponse
from tests.factories.surveys import OpenLinkFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def phone(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    yield context.new_page()
    context.close()


def test_answers_are_kept_while_typing_and_go_on_in_another_browser(browser, phone, live_server, due):
    url = live_server.url + reverse("survey", args=[responses.token_for(due())])
    complaints = []
    phone.on("console", lambda message: complaints.append(message.text))
    phone.goto(url)
    phone.get_by_role("radio", name="9", exact=True).check()
    phone.get_by_role("textbox").fill("More bread")
    phone.get_by_text("Kept. The link in your mail goes on here, on any device.").wait_for()
    assert set(PartialResponse.objects.get().answers.values()) == {9, "More bread"}
    other = browser.new_context(viewport={"width": 1280, "height": 800}, java_script_enabled=False).new_page()
    other.goto(url)
    assert other.get_by_role("textbox").input_value() == "More bread"
    other.get_by_role("button", name="Send my answer").click()
    other.get_by_role("heading", name="Thank you!").wait_for()
    other.context.close()
    assert (SurveyResponse.objects.count(), PartialResponse.objects.count(), Answer.objects.count()) == (1, 0, 2)
    assert complaints == []


def test_page_of_a_poster_fits_a_phone_and_takes_an_answer(phone, live_server, survey):
    phone.goto(live_server.url + reverse("survey-open", args=[OpenLinkFactory(survey=survey).code]))
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    phone.get_by_role("radio", name="7", exact=True).check()
    phone.get_by_role("button", name="Send my answer").click()
    phone.get_by_role("heading", name="Thank you!").wait_for()
    assert re.search(r"/o/\w{12}/thanks/$", phone.url)
    assert Answer.objects.get().number == 7
