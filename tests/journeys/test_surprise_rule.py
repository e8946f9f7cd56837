"""A manager thinks of a kindness, a customer buys, and finds it on their phone."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from loyalty_site import roles
from rewards.models import OfferKind, SurpriseRule
from tests.factories.customers import CustomerFactory, PurchaseFactory, UserFactory
from tests.factories.rewards import BaseRuleFactory, ProgramFactory
from tests.journeys.test_whole_loop import PASSWORD, PHONE, buy, sign_in_customer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def mei():
    long_ago = timezone.now() - timedelta(days=100)
    ProgramFactory(name="Corner Market", currency="CNY")
    BaseRuleFactory(valid_from=long_ago)
    roles.sync()
    manager = UserFactory(email="lena@example.org")
    manager.set_password(PASSWORD)
    manager.save()
    manager.groups.add(Group.objects.get(name=roles.MARKETING))
    past = timezone.now() - timedelta(days=3)
    PurchaseFactory(customer=CustomerFactory(), purchased_at=past, total_minor=15_000)
    return CustomerFactory(name="Mei Lin", email="mei@example.org", language="en")


class Clicks:
    """Counts what the manager's finger does."""

    def __init__(self, page: Page) -> None:
        self.page, self.number = page, 0

    def on(self, role: str, name: str, **options: object) -> None:
        self.number += 1
        self.page.get_by_role(role, name=name, **options).first.click()


def test_rule_from_nothing_in_under_ten_clicks_surprises_the_next_customer(
    browser, live_server, mail_server, worker, mei
):
    desk = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    desk.goto(f"{live_server.url}/admin/")
    desk.fill("input[name=login]", "lena@example.org")
    desk.fill("input[name=password]", PASSWORD)
    desk.get_by_role("button", name="Sign in").click()
    desk.wait_for_url("**/admin/")

    clicks = Clicks(desk)
    clicks.on("link", "Surprise rules")
    clicks.on("link", "Add surprise rule")
    clicks.on("link", "Thank for a big purchase")
    expect(desk.locator("#id_threshold_minor")).to_be_visible()
    expect(desk.locator("#id_worth")).to_be_visible()
    expect(desk.locator("#id_visit_number")).to_be_hidden()
    expect(desk.locator("#id_points")).to_be_hidden()
    desk.fill("#id_holdout_percent", "0")
    clicks.on("button", "Save", exact=True)
    expect(desk.locator("main, body").first).to_contain_text("would have surprised 1 customer, for ¥5.00")
    expect(desk.locator("svg.bo-bars")).to_be_visible()
    clicks.on("button", "Activate", exact=True)
    expect(desk.locator("body")).to_contain_text("“Thank for a big purchase” is active.")
    assert clicks.number < 10
    rule = SurpriseRule.objects.get()
    assert (rule.offer.kind, rule.offer.amount_minor) == (OfferKind.AMOUNT, 500)

    settled = buy(mei, 12_000)
    (given,) = settled.surprises

    phone = browser.new_context(viewport=PHONE).new_page()
    sign_in_customer(phone, live_server.url, mail_server)
    expect(phone.locator("main")).to_contain_text(given.coupon.display_code)
    expect(phone.locator("main")).to_contain_text("You made our day. The next time something is off.")
