"""The whole product in one story: a purchase, a thank-you, a survey by e-mail, an answer, points, a score."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from customers.domain import consents
from customers.domain.purchases import LineIn
from customers.models import Purpose
from loyalty_site.celery import app
from loyalty_site.lib import actors
from rewards.domain import checkout, ledger
from rewards.models import PointsEntry
from surveys.models import QuestionKind, SurveyResponse
from tests.factories.customers import CustomerFactory, StoreFactory, UserFactory
from tests.factories.rewards import BaseRuleFactory, OfferFactory, ProgramFactory, SurpriseRuleFactory
from tests.factories.surveys import QuestionFactory, SurveyFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}
PASSWORD = "correct horse battery staple"


@pytest.fixture
def chain():
    """A store with a programme, a customer who may be asked, a survey that thanks with 50 points, and its owner."""
    long_ago = timezone.now() - timedelta(days=100)
    ProgramFactory(name="Corner Market", currency="CNY")
    BaseRuleFactory(valid_from=long_ago)
    SurpriseRuleFactory(
        offer=OfferFactory(title={"en": "Thank you: 5 off"}, valid_from=long_ago),
        threshold_minor=5000,
        active_from=long_ago,
    )
    survey = SurveyFactory(name="How are we doing?", title={"en": "How are we doing?"}, reward_points=50)
    QuestionFactory(survey=survey, text={"en": "Would you recommend us?"}, is_required=True)
    QuestionFactory(survey=survey, kind=QuestionKind.TEXT, text={"en": "What should we do better?"})
    customer = CustomerFactory(name="Mei Lin", email="mei@example.org", language="en")
    consents.grant(customer=customer, purpose=Purpose.SURVEY_EMAIL, by=actors.SYSTEM, at=long_ago)
    owner = UserFactory(email="owner@example.org", is_staff=True, is_superuser=True)
    owner.set_password(PASSWORD)
    owner.save()
    return customer


def wait_for_mail(mail_server, page: Page, subject: str, *tasks: str) -> str:
    """The text of the first mail whose subject holds `subject`; wakes the tasks as the timetable would."""
    for _ in range(120):
        for _address, mail in list(mail_server.taken):
            if subject in str(mail["Subject"]):
                return mail.get_body(("plain",)).get_content()
        for task in tasks:
            app.send_task(task)
        page.wait_for_timeout(500)
    raise AssertionError(f"no mail with {subject!r} among {[str(mail['Subject']) for _, mail in mail_server.taken]}")


def buy(customer, amount_minor: int) -> checkout.Settlement:
    lines = (LineIn(sku="4011", name="Bananas", category="FRUIT", quantity=Decimal(1), amount_minor=amount_minor),)
    purchase = checkout.PurchaseIn(
        receipt_number="R-1", customer=customer, purchased_at=timezone.now(), currency="CNY", lines=lines
    )
    return checkout.settle(
        purchase=purchase, store=StoreFactory(currency="CNY"), till=None, by=actors.SYSTEM, at=timezone.now()
    )


def sign_in_customer(page: Page, base: str, mail_server) -> None:
    page.goto(f"{base}/sign-in/")
    page.get_by_label("mail").fill("mei@example.org")
    page.locator("main form button[type=submit], main form button:not([type])").first.click()
    code = re.search(r"\b(\d{6})\b", wait_for_mail(mail_server, page, "code"))
    assert code
    page.locator("input[autocomplete=one-time-code]").fill(code[1])
    page.locator("main form button[type=submit], main form button:not([type])").first.click()
    page.wait_for_url(f"{base}/")


def sign_in_owner(page: Page, base: str) -> None:
    page.goto(f"{base}/admin/")
    page.fill("input[name=login]", "owner@example.org")
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/")


def schedule_campaign(page: Page, base: str) -> None:
    page.goto(f"{base}/admin/surveys/campaign/add/")
    page.fill("input[name=name]", "November")
    page.locator(".field-survey .select2-selection").click()
    page.locator(".select2-search__field").last.fill("How are")
    page.locator(".select2-results__option", has_text="How are we doing?").click()
    page.fill("input[name=holdout_percent]", "0")
    page.locator("[name=_continue]").first.click()
    page.get_by_role("link", name="Check and schedule").first.click()
    expect(page.locator("body")).to_contain_text("1")
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.locator("body")).to_contain_text("will be sent from")


def answer(page: Page, link: str) -> None:
    page.goto(link)
    expect(page.get_by_role("heading", name="How are we doing?")).to_be_visible()
    page.locator("label", has_text=re.compile(r"^\s*9\s*$")).click()
    page.locator("textarea").fill("Longer opening hours, please.")
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("button", name="Send my answer")).to_have_count(0)


def test_purchase_thanks_survey_answer_and_score(browser, live_server, mail_server, worker, chain):
    settled = buy(chain, 8050)
    assert settled.entry
    assert settled.entry.points == 80

    phone = browser.new_context(viewport=PHONE).new_page()
    sign_in_customer(phone, live_server.url, mail_server)
    expect(phone.locator("main")).to_contain_text("80")
    expect(phone.locator("main")).to_contain_text(settled.surprises[0].coupon.display_code)

    desk = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    sign_in_owner(desk, live_server.url)
    schedule_campaign(desk, live_server.url)

    tasks = ("surveys.materialize_campaigns", "surveys.send_deliveries")
    text = wait_for_mail(mail_server, desk, "How are we doing", *tasks)
    link = re.search(rf"{re.escape(live_server.url)}/s/[^/\s]+/", text)
    assert link
    answer(phone, link[0])
    phone.goto(link[0])  # once more: politely thanked, nothing booked
    expect(phone.get_by_role("button", name="Send my answer")).to_have_count(0)
    assert SurveyResponse.objects.count() == 1
    assert list(PointsEntry.objects.order_by("seq").values_list("points", flat=True)) == [80, 50]

    phone.goto(f"{live_server.url}/")
    expect(phone.locator("main")).to_contain_text("130")
    desk.goto(f"{live_server.url}/admin/surveys/survey/")
    desk.get_by_role("link", name="How are we doing?").first.click()
    desk.get_by_role("link", name="Results").first.click()
    expect(desk.locator("body")).to_contain_text("100")
    expect(desk.locator("body")).to_contain_text("Longer opening hours, please.")
    assert [address for address, mail in mail_server.taken].count("mei@example.org") == 2
    assert list(ledger.differences()) == []
