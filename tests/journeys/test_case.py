"""A customer is disappointed; the manager of the store hears of it, says sorry, writes, is answered, closes it."""

import io
import re
import sys
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect

from loyalty_site import roles
from loyalty_site.lib import actors
from rewards.domain import ledger, points
from surveys.domain import responses
from surveys.models import Case, CaseState, Question
from tests.factories.customers import CustomerFactory, PurchaseFactory, StoreFactory, UserFactory
from tests.factories.rewards import ProgramFactory
from tests.factories.surveys import DeliveryFactory, GestureBudgetFactory, QuestionFactory, SurveyFactory
from tests.journeys.test_whole_loop import PASSWORD, PHONE, wait_for_mail
from tests.surveys import letters

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _address(monkeypatch, settings):
    monkeypatch.setenv("CASE_ADDRESS", "care@shop.example")
    settings.CASE_ADDRESS = "care@shop.example"


@pytest.fixture
def delivery():
    """A survey that was sent to Mei, who buys where Lena is the manager."""
    ProgramFactory(name="Corner Market", currency="CNY")
    roles.sync()
    store = StoreFactory(name="Market Street")
    manager = UserFactory(email="lena@example.org")
    manager.set_password(PASSWORD)
    manager.save()
    manager.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    manager.stores.add(store)
    GestureBudgetFactory(store=store)
    mei = CustomerFactory(name="Mei Lin", email="mei@example.org", language="en", home_store=store)
    PurchaseFactory(customer=mei, store=store, purchased_at=timezone.now() - timedelta(days=1), total_minor=8050)
    survey = SurveyFactory(title={"en": "How are we doing?"}, follow_up_hours=24)
    QuestionFactory(survey=survey, text={"en": "Would you recommend us?"}, is_required=True, follow_up_at_most=6)
    QuestionFactory(survey=survey, kind="TEXT", text={"en": "What should we do better?"})
    return DeliveryFactory(campaign__survey=survey, customer=mei)


def answer_badly(delivery) -> None:
    scale, text = Question.objects.order_by("position")
    told = {scale.pk: 3, text.pk: "I waited for half an hour."}
    delivery = responses.read_token(responses.token_for(delivery))
    by = actors.customer(delivery.customer_id)
    responses.submit(delivery=delivery, answers=told, language="en", by=by, at=timezone.now())


def press(page: Page, act: str, button: str = "", **fields: str) -> None:
    """A button over the case, and the page that it opens."""
    page.get_by_role("navigation", name="Next step").get_by_role("link", name=act, exact=True).click()
    for name, value in fields.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name=button or act, exact=True).click()


def test_manager_works_a_case_on_a_phone(browser, live_server, mail_server, worker, delivery, monkeypatch):
    answer_badly(delivery)
    Case.objects.update(opened_at=timezone.now() - timedelta(days=2), due_at=timezone.now() - timedelta(hours=1))

    page = browser.new_context(viewport=PHONE).new_page()
    page.goto(f"{live_server.url}/admin/")
    page.fill("input[name=login]", "lena@example.org")
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/")
    page.get_by_role("link", name="1 case is overdue.").click()
    page.get_by_role("link", name=str(Case.objects.get().pk), exact=True).first.click()
    expect(page.locator(".bo")).to_contain_text("I waited for half an hour.")
    expect(page.locator(".bo")).to_contain_text("¥80.50")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    press(page, "Give something", "Give", points="100", reason="Half an hour at the checkout.")
    expect(page.locator(".bo")).to_contain_text("100 points")
    press(page, "Write a mail", "Send", text="Dear Mei,\n\nhalf an hour is too long. We opened a second checkout.")
    text = wait_for_mail(mail_server, page, "About your message", "surveys.send_case_mails")
    assert "second checkout" in text
    ((_address, sent),) = mail_server.taken

    reply = letters.letter("Thank you, that is kind!", to=str(sent["Reply-To"]), In_Reply_To=str(sent["Message-ID"]))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(reply)))
    call_command("take_mail", stdout=io.StringIO())
    page.reload()
    expect(page.locator(".bo-story")).to_contain_text("Thank you, that is kind!")
    expect(page.locator(".bo")).to_contain_text("a mail waits for an answer")

    press(page, "Close", "Close the case", text="She comes again.")
    case = Case.objects.get()
    assert (case.state, case.owner.email, case.wrote_at) == (CaseState.CLOSED, "lena@example.org", None)
    assert points.summary(customer=case.customer, at=timezone.now()).balance == 100
    assert list(ledger.differences()) == []
    page.goto(f"{live_server.url}/admin/")
    expect(page.locator("body")).not_to_contain_text(re.compile("case is overdue"))
