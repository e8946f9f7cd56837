import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import expect

from customers import tasks
from customers.models import Recommendation
from loyalty_site.lib import actors
from rewards.domain import points, redemptions, tiers
from rewards.models import RewardRedemption
from tests import axe
from tests.factories.customers import CardFactory, CategoryFactory, CustomerFactory, ProductFactory
from tests.factories.rewards import CouponFactory, OfferFactory, RewardFactory, TierFactory

GUEST_PAGES = ("/sign-in/", "/demo/")
PAGES = ("/", "/coupons/", "/rewards/", "/activity/", "/me/")
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def mia(settings):
    cache.clear()
    settings.LOYALTY_DEMO = True
    mia = CustomerFactory(name="Mia", email="mia@example.org")
    CardFactory(customer=mia, number="demo-customer")
    return mia


@pytest.fixture
def page(browser, request):
    context = browser.new_context(**getattr(request, "param", {"viewport": PHONE}))
    yield context.new_page()
    context.close()


def fill_the_house(customer):
    now = timezone.now()
    points.award(customer=customer, points=500, reference="purchase:1", by=actors.SYSTEM, at=now)
    TierFactory(name={"en": "Silver"}, threshold=400)
    TierFactory(name={"en": "Gold"}, threshold=1500)
    tiers.reach(customers=[customer.pk], by=actors.SYSTEM, at=now)
    for days in (3, 30):
        CouponFactory(customer=customer, offer=OfferFactory(valid_from=now), expires_at=now + timedelta(days=days))
    CouponFactory(customer=customer, state="VOID")
    cup, _ = RewardFactory(name={"en": "Cup"}, cost_points=100), RewardFactory(cost_points=2000)
    redemptions.request(customer=customer, reward=cup, quantity=1, reference="a", by=actors.SYSTEM, at=now)
    CategoryFactory.create_batch(3)
    for rank, kind in enumerate(("again", "new"), start=1):
        reason = {"times": 2, "last_on": "2026-05-01", "because": 0}
        product = ProductFactory(category=CategoryFactory())
        Recommendation.objects.create(
            customer=customer, rank=rank, kind=kind, product=product, score=1, reason=reason, made_at=now
        )


def submit(page, button):
    page.get_by_role("button", name=button, exact=True).click()


def mailed_code():
    tasks.send_sign_in_codes()
    return re.search(r"\b\d{6}\b", mail.outbox[-1].body).group()


@pytest.mark.parametrize("page", [{"viewport": PHONE, "java_script_enabled": False}], indirect=True)
def test_customer_signs_in_redeems_and_signs_out_without_javascript(page, live_server, mia):
    fill_the_house(mia)
    page.goto(live_server.url)
    page.get_by_label("E-mail").fill("mia@example.org")
    submit(page, "Send me a code")
    page.get_by_label("Code from the mail").fill(mailed_code())
    submit(page, "Sign in")
    page.get_by_role("link", name="Rewards", exact=True).click()
    page.get_by_role("link", name=re.compile(r"Choose *: Cup")).click()
    submit(page, "Yes, I take it")
    page.get_by_role("heading", name="It is yours!").wait_for()
    assert RewardRedemption.objects.count() == 2
    page.get_by_role("link", name="Me", exact=True).click()
    page.get_by_label("Language").select_option("zh-hans")
    submit(page, "Save my details")
    page.locator("html[lang=zh-hans] .alert-success").wait_for()
    page.locator("main form[action='/sign-out/'] button").click()
    page.wait_for_url("**/sign-in/")


def test_another_code_is_offered_after_a_minute(page, live_server, mia):
    page.clock.install()
    page.goto(live_server.url)
    page.get_by_label("E-mail").fill("mia@example.org")
    submit(page, "Send me a code")
    button = page.get_by_role("button", name="Send another code")
    page.get_by_role("heading", name="No mail?").wait_for()
    expect(button).to_be_hidden()
    page.clock.run_for(61_000)
    expect(button).to_be_visible()


@pytest.mark.parametrize(
    ("page", "is_new"),
    [
        ({"viewport": PHONE, "color_scheme": "light"}, False),
        ({"viewport": PHONE, "color_scheme": "dark"}, True),
        ({"viewport": DESK, "color_scheme": "dark"}, False),
    ],
    ids=["phone-light-regular", "phone-dark-newcomer", "desk-dark-regular"],
    indirect=["page"],
)
def test_pages_are_accessible_fit_and_stay_at_home(page, live_server, mia, is_new):
    if not is_new:
        fill_the_house(mia)
    hosts, complaints = set(), []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("console", lambda message: complaints.append(message.text))
    for path in GUEST_PAGES:
        look(page, live_server.url + path)
    submit(page, "Sign in as Mia")
    taken = [f"/rewards/{own.reward_id}/ /rewards/taken/{own.pk}/" for own in RewardRedemption.objects.all()]
    for path in (*PAGES, *" ".join(taken).split()):
        look(page, live_server.url + path)
    assert (hosts, complaints) == ({live_server.url.split("/")[2]}, [])


def look(page, url):
    page.goto(url)
    assert axe.violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
