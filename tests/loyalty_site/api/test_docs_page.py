"""The page of docs, as a stranger uses it in a browser."""

import json

import pytest

from customers.models import Purchase
from tests.loyalty_site.api.calling import basket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def clock():
    """The browser's calls are made by real time."""


@pytest.fixture
def page(browser, live_server):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.asked, page.complaints = [], []
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.set_default_timeout(60_000)  # it is a large script for a busy machine
    page.goto(f"{live_server.url}/api/v1/docs")
    yield page
    context.close()


def test_stranger_makes_a_purchase_on_the_page(page, live_server, till):
    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_label("auth-bearer-value").fill(till.secret)
    page.locator(".modal-ux button.authorize").click()
    page.locator(".modal-ux button.btn-done").click()
    booking = page.locator("#operations-purchases-book_purchase")
    booking.get_by_role("button").first.click()
    booking.locator("textarea").fill(json.dumps(basket()))
    booking.get_by_role("button", name="Execute").click()

    booking.locator(".live-responses-table .response-col_status").get_by_text("201").wait_for()
    assert Purchase.objects.get().receipt_number == "R-1"
    assert page.complaints == []
    assert [url for url in page.asked if not url.startswith((live_server.url, "data:"))] == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
