"""The back office in a real browser: scripts run, nothing complains, nothing comes from another host."""

from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from customers.models import Customer, CustomerMerge, OutboxMail, Purchase
from rewards.models import PointsEntry
from surveys.models import Question, Survey
from tests.factories.customers import CustomerFactory, PurchaseFactory, UserFactory
from tests.factories.rewards import MultiplierRuleFactory, OfferFactory, ProgramFactory, TierFactory
from tests.factories.surveys import SurveyFactory
from tests.loyalty_site import rows
from tests.plugins.browser import Traffic

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery staple"


@pytest.fixture
def complaints():
    return []


@pytest.fixture
def desk(browser, live_server, complaints):
    """Signs an owner in; `width` is of the window."""

    def desk(width=1280):
        UserFactory(email="owner@example.org", is_superuser=True)
        page = browser.new_context(viewport={"width": width, "height": 900}, base_url=live_server.url).new_page()
        host = urlsplit(live_server.url).netloc
        page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda request: urlsplit(request.url).netloc not in (host, "") and complaints.append(request.url)
        )
        page.goto("/staff/login/")
        page.fill("input[name=login]", "owner@example.org")
        page.fill("input[name=password]", PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/admin/")
        return page

    return desk


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_run_without_complaint_and_fit(desk, complaints, width):
    customer, offer, merge = rows.make(Customer), OfferFactory(), rows.make(CustomerMerge)
    PurchaseFactory(customer=customer, purchased_at=timezone.now())
    TierFactory(name={"en": "Gold"})
    page = desk(width)
    traffic = Traffic(page)
    for path in (
        "/admin/",
        "/admin/customers/customer/",
        f"/admin/customers/customer/{customer.pk}/change/",
        "/admin/rewards/pointslot/liability/",
        f"/admin/customers/customer/{customer.pk}/adjust_points/",
        f"/admin/rewards/offer/{offer.pk}/change/",
        "/admin/rewards/offer/add/",
        "/admin/rewards/earningrule/",
        "/admin/rewards/earningrule/add/",
        "/admin/rewards/tier/add/",
        "/admin/surveys/survey/add/",
        "/admin/rewards/pointsentry/",
        "/admin/customers/customermerge/",
        f"/admin/customers/customermerge/{merge.pk}/change/",
        f"/admin/customers/customer/{customer.pk}/merge_into/?q={merge.target.number}",
        f"/admin/customers/customer/{customer.pk}/merge_into/?into={merge.target_id}",
    ):
        page.goto(path)
        traffic.rest()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert complaints == []


def test_two_customers_are_merged_on_a_phone_with_the_keyboard(desk, complaints):
    old, kept = rows.make(Customer), CustomerFactory(name="Mei Lin")
    page = desk(390)
    page.goto(f"/admin/customers/customer/{old.pk}/merge_into/")
    page.get_by_label("Name, phone, e-mail, number or card").fill("mei l")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Choose Mei Lin").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="Points 480 points 0 points 480 points")).to_be_visible()
    assert page.locator(".bo-scroll").evaluate("table => table.scrollWidth <= table.clientWidth")
    page.get_by_label("reason").fill("lost the first card")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{kept.pk}/change/")
    old.refresh_from_db()
    assert old.merged_into == kept
    assert complaints == []


def test_first_page_draws_its_chart_and_opens_its_table(desk):
    PurchaseFactory(purchased_at=timezone.now())
    page = desk()
    page.reload()
    assert page.evaluate("document.querySelector('[data-chart] canvas').width") > 300
    page.get_by_text("As a table").click()
    expect(page.locator(".bo-table tbody tr")).to_have_count(30)


def test_double_click_adjusts_once(desk):
    customer = rows.make(Customer)
    page = desk()
    page.goto(f"/admin/customers/customer/{customer.pk}/adjust_points/")
    page.fill("input[name=points]", "25")
    page.fill("input[name=reason]", "Broken jar")
    page.get_by_role("button", name="Adjust").dblclick()
    expect(page.get_by_text("the balance is now 505 points")).to_be_visible()
    assert PointsEntry.objects.filter(kind="ADJUST").count() == 1


def test_question_is_added_to_a_survey(desk, complaints):
    survey = SurveyFactory(published_at=None)
    page = desk()
    page.goto(f"/admin/surveys/survey/{survey.pk}/change/")
    page.get_by_text("Add another Question").click()
    page.fill("[name=questions-0-text_en]", "Would you come again?")
    page.select_option("[name=questions-0-kind]", "NPS")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/surveys/survey/")
    assert [(q.position, q.text) for q in Question.objects.all()] == [(1, {"en": "Would you come again?"})]
    assert complaints == []


def test_offer_form_shows_the_fields_of_its_kind(desk):
    page = desk()
    page.goto("/admin/rewards/offer/add/")
    expect(page.locator("[name=percent]")).to_be_visible()
    page.select_option("[name=kind]", "AMOUNT")
    expect(page.locator("[name=percent]")).to_be_hidden()
    expect(page.locator("[name=amount_minor]")).to_be_visible()


def test_framed_mail_runs_nothing(desk):
    html = "<h1>Hello</h1><script>document.title='owned';parent.document.title='owned'</script>"
    mail = OutboxMail.objects.create(to="mei@example.org", subject="Hello", text="Hello", html=html)
    page = desk()
    page.goto(f"/admin/customers/outboxmail/{mail.pk}/change/")
    expect(page.frame_locator("iframe").get_by_role("heading", name="Hello")).to_be_visible()
    assert "owned" not in page.title()


def test_words_of_strangers_stay_words(desk, complaints):
    hostile = "<img src=x onerror=alert(1)>"
    customer = rows.make(Customer)
    Customer.objects.filter(pk=customer.pk).update(name=hostile)
    PurchaseFactory(customer=customer, receipt_number=hostile)
    survey = rows.make(rows.SurveyResponse).survey
    Survey.objects.filter(pk=survey.pk).update(name=hostile)
    page = desk()
    traffic = Traffic(page)
    page.on("dialog", lambda dialog: complaints.append(dialog.message) or dialog.dismiss())
    for path in (
        "/admin/customers/customer/",
        f"/admin/customers/customer/{customer.pk}/change/",
        "/admin/customers/purchase/",
        f"/admin/customers/purchase/{Purchase.objects.get().pk}/change/",
        "/admin/rewards/pointsentry/",
        "/admin/surveys/survey/",
        f"/admin/surveys/survey/{survey.pk}/results/",
    ):
        page.goto(path)
        traffic.rest()
        assert page.locator("img[src='x']").count() == 0, path
    assert complaints == []


def test_rule_says_what_it_would_do_while_it_is_typed(desk, complaints):
    rule = MultiplierRuleFactory(code="weekend", weekdays=[6])
    page = desk()
    page.goto("/admin/rewards/earningrule/add/")
    said = page.locator("[data-preview]")
    page.locator("select[name=kind]").select_option("CAP")
    page.locator("input[name=points]").fill("500")
    page.locator("select[name=cap_period]").select_option("MONTH")
    expect(said).to_have_text("A customer earns at most 500 points a month.")
    page.locator("select[name=kind]").select_option("MULTIPLIER")
    page.locator("input[name=multiplier]").fill("3")
    page.get_by_label("Sunday").check()
    page.locator("input[name=time_from]").fill("22:00")
    page.locator("input[name=time_to]").fill("02:00")
    expect(said).to_have_text("Everything counts 3 times (Sunday, 22:00–02:00).")
    expect(page.locator("select[name=cap_period]")).to_be_hidden()
    page.goto(f"/admin/rewards/earningrule/{rule.pk}/new_version/")
    expect(page.locator("[data-preview]")).to_have_text("Everything counts 2 times (Saturday).")
    assert complaints == []


def test_programme_shows_the_fields_of_the_chosen_lapse(desk, complaints):
    program = ProgramFactory()
    page = desk()
    page.goto(f"/admin/rewards/program/{program.pk}/change/")
    months, rounded, days = (page.locator(f"[name=expiry_{name}]") for name in ("months", "period_end", "days"))
    for policy, shown in (("NEVER", 0b000), ("ROLLING", 0b110), ("FIXED", 0b101), ("INACTIVITY", 0b110)):
        page.select_option("[name=expiry_policy]", policy)
        expect(months).to_be_visible(visible=bool(shown & 0b100))
        expect(rounded).to_be_visible(visible=bool(shown & 0b010))
        expect(days).to_be_visible(visible=bool(shown & 0b001))
    assert complaints == []
