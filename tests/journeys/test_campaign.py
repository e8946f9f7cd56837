"""A survey campaign as everybody sees it: who writes it, who answers, and who puts right what went wrong."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from customers.domain import consents
from customers.models import Customer, Purpose
from loyalty_site import roles
from loyalty_site.celery import app
from loyalty_site.lib import actors
from rewards.domain import ledger, points
from rewards.models import Arm, Assignment
from surveys.models import Campaign, Case, CaseState, Delivery, DeliveryState, SurveyResponse
from tests.factories.customers import (
    CustomerFactory,
    PurchaseFactory,
    SegmentFactory,
    SegmentMemberFactory,
    StoreFactory,
    UserFactory,
)
from tests.factories.rewards import ProgramFactory
from tests.factories.surveys import GestureBudgetFactory
from tests.journeys.test_whole_loop import PASSWORD, PHONE, wait_for_mail

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MEMBERS, REFUSING = 24, 2
DESK = {"width": 1280, "height": 900}
SUBJECT = "How was your visit to Market Street?"
SECONDS_PER_MAIL = 0.4
IN_HAND = (DeliveryState.CLAIMED, DeliveryState.TRANSMITTING)


@pytest.fixture(autouse=True)
def _address(monkeypatch, settings):
    monkeypatch.setenv("CASE_ADDRESS", "care@shop.example")
    settings.CASE_ADDRESS = "care@shop.example"


@pytest.fixture
def chain():
    """A store with two managers, marketing, and regular customers of whom two want no surveys."""
    ProgramFactory(name="Corner Market", currency="CNY")
    roles.sync()
    store = StoreFactory(name="Market Street")
    GestureBudgetFactory(store=store)
    staff = {"noa": roles.MARKETING, "lena": roles.STORE_MANAGER, "max": roles.STORE_MANAGER}
    for name, role in staff.items():
        user = UserFactory(email=f"{name}@example.org")
        user.set_password(PASSWORD)
        user.save()
        user.groups.add(Group.objects.get(name=role))
        user.stores.set([store] if role == roles.STORE_MANAGER else [])
    regulars = SegmentFactory(name="Regulars")
    for number in range(MEMBERS):
        customer = CustomerFactory(email=f"regular{number}@example.org", language="en", home_store=store)
        SegmentMemberFactory(segment=regulars, customer=customer)
        PurchaseFactory(customer=customer, store=store, purchased_at=timezone.now() - timedelta(days=1))
        if number >= REFUSING:
            consents.grant(customer=customer, purpose=Purpose.SURVEY_EMAIL, by=actors.SYSTEM, at=timezone.now())
    CustomerFactory(name="Not a regular")


def sign_in(page: Page, base: str, email: str) -> None:
    page.goto(f"{base}/admin/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/")


def act(page: Page, name: str, button: str) -> None:
    """One of the buttons over a row, and the page that asks once more."""
    page.get_by_role("link", name=name, exact=True).first.click()
    page.get_by_role("button", name=button, exact=True).click()


def choose(page: Page, field: str, text: str) -> None:
    page.locator(f".field-{field} .select2-selection").click()
    page.locator(".select2-search__field").last.fill(text)
    page.locator(".select2-results__option", has_text=text).click()


def write_survey(page: Page, mail_server) -> None:
    """From an example, looked at on a phone's width and in one's own mailbox."""
    page.get_by_role("link", name="Surveys").first.click()
    page.get_by_role("link", name="Add survey").first.click()
    page.get_by_role("button", name="Satisfaction after a purchase").click()
    page.locator("[name=title_en]").fill(SUBJECT)
    page.locator("[name=reward_points]").fill("50")
    page.locator("[name=_continue]").first.click()
    page.get_by_role("link", name="Preview", exact=True).first.click()
    expect(page.frame_locator("iframe").get_by_role("heading", name=SUBJECT)).to_be_visible()
    assert page.locator("iframe").evaluate("frame => frame.clientWidth") == 390
    page.get_by_role("link", name="Back", exact=True).click()
    act(page, "Test mail to me", "Send it to me")
    expect(page.locator("body")).to_contain_text("on its way to noa@example.org")
    wait_for_mail(mail_server, page, SUBJECT)
    act(page, "Publish", "Publish")


def schedule(page: Page) -> None:
    """To the regulars, some of whom are held out; the numbers are looked at first."""
    page.get_by_role("link", name="New campaign", exact=True).first.click()
    page.fill("input[name=name]", "November")
    choose(page, "segment", "Regulars")
    page.fill("input[name=holdout_percent]", "20")
    page.locator("[name=_save]").first.click()
    expect(page.locator(".bo-preflight")).to_contain_text(f"{MEMBERS} → {MEMBERS - REFUSING}")
    expect(page.locator(".bo-preflight")).to_contain_text("About 4 of these (20 %) are held out by chance")
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.locator("body")).to_contain_text("will be sent from")


def wake() -> None:
    for task in ("surveys.materialize_campaigns", "surveys.send_deliveries"):
        app.send_task(task)


def pause(page: Page) -> None:
    """In the middle of sending: the page keeps itself up to date."""
    expect(page.locator("#far")).to_contain_text(re.compile(r"[1-9]\d* of \d+ mails are settled"), timeout=20_000)
    act(page, "Pause", "Pause")
    expect(page.locator("#far")).to_contain_text("Paused")


def sign_in_during_the_pause(page: Page, base: str, mail_server) -> Customer:
    """One who got the survey signs in. The worker that sends the code does one thing after the other: by then it was
    woken to go on with the campaign too, and sent nothing of it."""
    while Delivery.objects.filter(state__in=IN_HAND).exists():
        page.wait_for_timeout(50)
    sent = mails_of_survey(mail_server)
    assert Delivery.objects.filter(state=DeliveryState.PENDING).exists()
    wake()
    email = next(iter(sent - Counter(["noa@example.org"])))
    page.goto(f"{base}/sign-in/")
    page.get_by_label("mail").fill(email)
    page.locator("main form button[type=submit], main form button:not([type])").first.click()
    code = re.search(r"\b(\d{6})\b", wait_for_mail(mail_server, page, "code"))
    assert code
    page.locator("input[autocomplete=one-time-code]").fill(code[1])
    page.locator("main form button[type=submit], main form button:not([type])").first.click()
    page.wait_for_url(f"{base}/")
    assert mails_of_survey(mail_server) == sent
    return Customer.objects.get(email=email)


def mails_of_survey(mail_server) -> Counter[str]:
    """How many each address got, by the record of the mail server."""
    return Counter(address for address, mail in mail_server.taken if SUBJECT in str(mail["Subject"]))


def resume(page: Page) -> None:
    act(page, "Resume", "Resume")
    wake()
    expect(page.locator("#far")).to_contain_text("Completed", timeout=30_000)


def answer_badly(page: Page, mail_server, email: str) -> None:
    """Two of five, straight from the mail, on a phone."""
    mail = next(mail for to, mail in mail_server.taken if to == email and SUBJECT in str(mail["Subject"]))
    link = re.search(r'href="([^"]+\?score=2)"', mail.get_body(("html",)).get_content())
    assert link
    page.goto(link[1])
    expect(page.get_by_role("heading", name=SUBJECT)).to_be_visible()
    expect(page.get_by_role("radio", name=re.compile("^2"))).to_be_checked()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_text("Waiting at the checkout").click()
    page.get_by_role("textbox").fill("I waited for half an hour.")
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    expect(page.locator("main")).to_contain_text("50 points are yours")
    page.get_by_role("link", name="See my points").click()
    expect(page.locator("main")).to_contain_text("50")


def put_right(page: Page, base: str, mail_server) -> None:
    """The manager of the store, from the first page to a closed case."""
    sign_in(page, base, "lena@example.org")
    page.get_by_role("link", name="1 case is nobody’s yet.").click()
    page.get_by_role("link", name=str(Case.objects.get().pk), exact=True).first.click()
    expect(page.locator(".bo-story")).to_contain_text("I waited for half an hour.")
    page.get_by_role("button", name="Take it on", exact=True).click()
    expect(page.locator("body")).to_contain_text("It is your case now.")
    page.get_by_role("link", name="Write a mail", exact=True).click()
    page.locator("[name=text]").fill("Half an hour is too long. We opened a second checkout.")
    page.get_by_role("button", name="Send", exact=True).click()
    assert "second checkout" in wait_for_mail(mail_server, page, "About your message", "surveys.send_case_mails")
    page.get_by_role("link", name="Give something", exact=True).click()
    page.locator("[name=points]").fill("100")
    page.locator("[name=reason]").fill("Half an hour at the checkout.")
    page.get_by_role("button", name="Give", exact=True).click()
    expect(page.locator(".bo-facts")).to_contain_text("100 points")
    act(page, "Close", "Close the case")
    expect(page.locator(".bo-badge").first).to_contain_text("closed")


def test_campaign_from_an_example_to_a_customer_who_was_heard(browser, live_server, mail_server, worker, chain):
    desk = browser.new_context(viewport=DESK).new_page()
    sign_in(desk, live_server.url, "noa@example.org")
    write_survey(desk, mail_server)
    schedule(desk)
    mail_server.seconds_per_mail = SECONDS_PER_MAIL
    wake()
    pause(desk)
    phone = browser.new_context(viewport=PHONE).new_page()
    customer = sign_in_during_the_pause(phone, live_server.url, mail_server)
    mail_server.seconds_per_mail = 0
    resume(desk)

    asked = Assignment.objects.filter(experiment=Campaign.objects.get().experiment, arm=Arm.TREATED)
    emails = list(asked.values_list("customer__email", flat=True))
    assert 0 < len(emails) < MEMBERS - REFUSING
    assert mails_of_survey(mail_server) == Counter([*emails, "noa@example.org"])

    answer_badly(phone, mail_server, customer.email)
    put_right(browser.new_context(viewport=PHONE).new_page(), live_server.url, mail_server)
    case = Case.objects.get()
    assert (case.customer, case.state, case.owner.email) == (customer, CaseState.CLOSED, "lena@example.org")
    assert points.summary(customer=customer, at=timezone.now()).balance == 50 + 100
    assert SurveyResponse.objects.count() == 1
    assert list(ledger.differences()) == []
