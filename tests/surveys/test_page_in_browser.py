import pytest
from django.urls import reverse

from surveys.domain import responses
from surveys.models import Answer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def url(live_server, due):
    return live_server.url + reverse("survey", args=[responses.token_for(due())])


@pytest.fixture
def phone(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_customer_answers_on_a_phone_by_keyboard_without_javascript(phone, url):
    phone.goto(url)
    phone.locator("input[type=radio]").first.focus()
    phone.keyboard.press("Space")
    for _ in range(9):
        phone.keyboard.press("ArrowRight")
    phone.keyboard.press("Tab")
    phone.keyboard.type("More bread")
    phone.keyboard.press("Tab")
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Thank you!").wait_for()
    assert set(Answer.objects.values_list("number", "text")) == {(9, ""), (None, "More bread")}


def test_page_fits_a_phone_and_asks_no_other_host(browser, url, live_server):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, hosts, complaints = context.new_page(), set(), []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("console", lambda message: complaints.append(message.text))
    for path in ("", "?score=9", "unsubscribe/"):
        page.goto(url + path)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()
    assert (hosts, complaints) == ({live_server.url.split("/")[2]}, [])
