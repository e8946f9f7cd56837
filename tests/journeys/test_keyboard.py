"""Asking and answering with a keyboard alone: Tab, Enter and Space, and the arrows within a scale."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from loyalty_site.lib import actors
from surveys.domain import drafts, responses, surveys
from surveys.models import Campaign, CampaignState, SurveyResponse
from tests.factories.customers import CustomerFactory, PurchaseFactory, UserFactory
from tests.factories.rewards import ProgramFactory
from tests.factories.surveys import DeliveryFactory
from tests.journeys.test_campaign import DESK
from tests.journeys.test_whole_loop import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TABS_MAX = 120


@pytest.fixture
def survey():
    ProgramFactory(name="Corner Market", currency="CNY")
    at = timezone.now() - timedelta(days=1)
    draft = drafts.begin(example="purchase", by=actors.SYSTEM, at=at)
    return surveys.publish(survey=draft, by=actors.SYSTEM, at=at)


def tab_to(page: Page, there: Locator) -> None:
    """Forward until it has the focus, which is seen."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        if there.evaluate("element => element === document.activeElement"):
            shown = "element => { const s = getComputedStyle(element); return s.outlineStyle + s.boxShadow; }"
            label = "element => (element.closest('label')?.querySelector('span') ?? element)"
            marks = [there.evaluate(shown), there.evaluate(f"element => ({shown})(({label})(element))")]
            assert any(mark != "nonenone" for mark in marks), f"nobody sees where {there} is"
            return
    raise AssertionError(f"{there} cannot be reached with the Tab key")


def press(page: Page, there: Locator, key: str = "Enter") -> None:
    tab_to(page, there)
    page.keyboard.press(key)


def test_customer_answers_by_keyboard(browser, live_server, survey):
    delivery = DeliveryFactory(campaign__survey=survey, customer__language="en")
    page = browser.new_context(viewport=PHONE).new_page()
    page.goto(f"{live_server.url}/s/{responses.token_for(delivery)}/")
    press(page, page.get_by_role("radio").first, "Space")
    page.keyboard.press("ArrowRight")
    press(page, page.get_by_role("checkbox", name="Waiting at the checkout"), "Space")
    tab_to(page, page.get_by_role("textbox"))
    page.keyboard.type("Half an hour.")
    press(page, page.get_by_role("button", name="Send my answer"))
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    answers = SurveyResponse.objects.get().answers.order_by("question__position")
    assert answers[0].number == 2
    assert answers.last().text == "Half an hour."


def test_campaign_is_written_scheduled_and_cancelled_by_keyboard(browser, client, live_server, survey):
    PurchaseFactory(customer=CustomerFactory(), purchased_at=timezone.now())
    client.force_login(UserFactory(is_superuser=True, is_staff=True, password=None))
    context = browser.new_context(viewport=DESK)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/surveys/survey/{survey.pk}/change/")
    press(page, page.get_by_role("link", name="New campaign", exact=True).first)
    page.wait_for_url("**/campaign/add/**")
    tab_to(page, page.locator("[name=name]"))
    page.keyboard.type("By keyboard")
    tab_to(page, page.locator("[name=holdout_percent]"))
    page.keyboard.press("Control+A")
    page.keyboard.type("0")
    press(page, page.locator("[name=_save]").first)
    page.wait_for_url("**/schedule/")
    press(page, page.get_by_role("button", name="Schedule", exact=True))
    expect(page.locator("#far")).to_contain_text("Scheduled")
    press(page, page.get_by_role("link", name="Cancel", exact=True).first)
    page.wait_for_url("**/cancel/")
    press(page, page.get_by_role("button", name="Cancel the campaign"))
    expect(page.locator("#far")).to_contain_text("Cancelled")
    assert (Campaign.objects.get().name, Campaign.objects.get().state) == ("By keyboard", CampaignState.CANCELLED)
    context.close()
