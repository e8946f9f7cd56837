"""The till page in a real browser: by keyboard alone, with a scanner, by touch, without scripts, and for everybody."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from customers.models import Purchase, PurchaseReturn
from loyalty_site.lib import actors
from rewards.domain import points, redemptions
from rewards.models import CouponState, OfferKind
from tests import axe
from tests.factories.customers import CustomerFactory, ProductFactory, PurchaseFactory, PurchaseLineFactory
from tests.factories.rewards import CouponFactory, OfferFactory, RewardFactory, SurpriseRuleFactory
from tests.plugins.browser import Traffic

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery staple"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
# What Chromium for Linux and a machine without a camera lack.
READER = """
window.BarcodeDetector = class {
  async detect() { return window.code ? [{ rawValue: window.code }] : []; }
};
"""
CAMERA = """
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  setInterval(() => canvas.getContext("2d").fillRect(0, 0, Math.random() * 99, 99), 50);
  return canvas.captureStream(10);
};
"""


@pytest.fixture
def complaints():
    return []


@pytest.fixture
def page(browser, request, live_server, cashier, complaints):
    """A cashier's, signed in. Whatever it complains about or loads from elsewhere is in `complaints`."""
    context = browser.new_context(base_url=live_server.url, **getattr(request, "param", {"viewport": DESK}))
    client = Client()
    client.force_login(cashier)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page = context.new_page()
    page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith(live_server.url) or complaints.append(asked.url))
    yield page
    context.close()


@pytest.fixture
def coupon(mia):
    """500 points and 5.00 off."""
    now = timezone.now()
    points.award(customer=mia, points=500, reference="gift:1", by=actors.SYSTEM, at=now)
    offer = OfferFactory(title={"en": "Five off"}, valid_from=now - timedelta(days=1))
    return CouponFactory(customer=mia, offer=offer, expires_at=now + timedelta(days=9))


def balance(customer):
    return points.summary(customer=customer, at=timezone.now()).balance


def test_whole_story_by_keyboard_alone(browser, live_server, cashier, mia, coupon):
    cache.clear()
    cashier.set_password(PASSWORD)
    cashier.save(update_fields=["password"])
    context = browser.new_context(viewport=DESK, base_url=live_server.url)
    page = context.new_page()
    page.goto("/staff/login/")
    page.get_by_label("Email").focus()
    type_in(page, cashier.email, "Tab", PASSWORD, "Enter")
    page.wait_for_url("**/till/")
    type_in(page, "+12025550123", "Enter")
    page.wait_for_url(f"**/till/customers/{mia.number}/")
    page.keyboard.press("F2")
    page.wait_for_url("**/purchase/")
    type_in(page, "100", "Tab", "Space", "Tab", "Tab", "200")
    expect(page.locator("#quote")).to_contain_text("¥93.00")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Book ¥93.00")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/till/purchases/*/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Paid: ¥93.00")
    assert (Purchase.objects.get().paid_minor, balance(mia)) == (9300, 393)
    page.keyboard.press("F8")
    page.wait_for_url("**/till/undo/")
    expect(page.locator("main")).to_contain_text("The purchase of ¥93.00")
    expect(page.get_by_role("button", name="Yes, undo it")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/till/returns/*/")
    coupon.refresh_from_db()
    assert (PurchaseReturn.objects.count(), balance(mia), coupon.state) == (1, 500, CouponState.ISSUED)
    page.keyboard.press("Escape")
    page.wait_for_url(f"{live_server.url}/till/")
    expect(page.get_by_label("Phone, card, e-mail, name or code")).to_be_focused()
    context.close()


def type_in(page, *keys):
    """Keys by their names, other texts letter by letter."""
    for key in keys:
        if key in ("Enter", "Tab", "Space"):
            page.keyboard.press(key)
        else:
            page.keyboard.type(key)


def test_scanner_finds_the_next_customer_wherever_the_focus_is(page, mia, coupon):
    other = CustomerFactory(name="Noah")
    page.goto(f"/till/customers/{mia.number}/")
    page.get_by_role("link", name="Purchase").focus()
    type_in(page, other.display_number, "Enter")
    page.wait_for_url(f"**/till/customers/{other.number}/")


def test_coupon_scanned_into_the_amount_is_a_coupon(page, mia, coupon):
    page.goto(f"/till/customers/{mia.number}/purchase/")
    type_in(page, coupon.code, "Enter")
    expect(page.get_by_label("Coupon code")).to_have_value(coupon.code)
    expect(page.get_by_label("Amount in CNY")).to_have_value("")
    type_in(page, "20", "Enter")
    expect(page.get_by_role("button", name="Book ¥15.00")).to_be_focused()


@pytest.mark.parametrize("page", [{"viewport": PHONE, "has_touch": True}], indirect=True)
def test_keypad_slider_and_live_quote_by_touch(page, complaints, mia, coupon):
    page.goto(f"/till/customers/{mia.number}/purchase/")
    for key in ("1", "2", ".", "5", "0", "9"):
        page.get_by_role("button", name=key, exact=True).tap()
    page.get_by_role("button", name="Delete the last digit").tap()
    page.get_by_role("button", name="Book ¥12.50").wait_for()
    page.get_by_text("Five off", exact=True).tap()
    expect(page.get_by_role("button", name="Book ¥7.50")).to_be_visible()
    page.locator("input[type=range]").fill("250")
    expect(page.get_by_role("button", name="Book ¥5.00")).to_be_visible()
    page.get_by_label("Points to pay with").fill("9999")
    expect(page.locator("#quote")).to_contain_text("9999 points are worth more than what is left to pay.")
    expect(page.get_by_role("button", name="Book")).to_have_count(0)
    page.get_by_label("Points to pay with").fill("250")
    page.get_by_role("button", name="Book ¥5.00").tap()
    page.wait_for_url("**/till/purchases/*/")
    assert Purchase.objects.get().paid_minor == 500
    assert complaints == []


def test_focus_stays_on_the_button_when_the_quote_comes(page, mia, coupon):
    page.goto(f"/till/customers/{mia.number}/purchase/")
    type_in(page, "10")
    page.get_by_role("button", name="Book ¥10.00").focus()
    page.locator("#id_points").evaluate(
        "field => { field.value = '100'; field.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    expect(page.get_by_role("button", name="Book ¥9.00")).to_be_focused()


def test_button_pressed_twice_at_once_books_once(page, mia):
    page.goto(f"/till/customers/{mia.number}/purchase/")
    type_in(page, "10", "Enter")
    page.get_by_role("button", name="Book ¥10.00").dblclick(no_wait_after=True)
    page.wait_for_url("**/till/purchases/*/")
    assert Purchase.objects.count() == 1


@pytest.mark.parametrize("page", [{"viewport": PHONE, "java_script_enabled": False}], indirect=True)
def test_everything_works_without_javascript(page, mia, coupon):
    cup = RewardFactory(name={"en": "Cup"}, cost_points=100)
    page.goto("/till/")
    page.get_by_label("Phone, card, e-mail, name or code").fill("Mia")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Mia Stone").click()
    page.get_by_role("link", name="Purchase", exact=True).click()
    page.get_by_label("Amount in CNY").fill("100")
    page.get_by_label("Five off").check()
    page.get_by_role("button", name="As many as fit").click()
    page.get_by_role("button", name="Book ¥90.00").click()
    page.get_by_role("link", name="Return").click()
    page.get_by_label("Amount").fill("100")
    page.get_by_role("button", name="Review").last.click()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Taken back")
    page.get_by_role("link", name="Mia Stone").click()
    page.get_by_role("link", name="Cup 100 points").click()
    page.get_by_role("button", name="Take 100 points and hand over").click()
    expect(page.locator("main")).to_contain_text("Handed over:")
    assert balance(mia) == 400
    assert str(cup) == "Cup"


@pytest.mark.parametrize("page", [{"viewport": PHONE, "permissions": ["camera"]}], indirect=True)
def test_camera_reads_a_customers_code(page, complaints, mia):
    page.add_init_script(READER)
    page.add_init_script(CAMERA)
    page.goto("/till/")
    page.get_by_role("button", name="Scan").click()
    expect(page.get_by_role("button", name="Scan")).to_have_attribute("aria-pressed", "true")
    page.evaluate(f"window.code = '{mia.number}'")
    page.wait_for_url(f"**/till/customers/{mia.number}/")
    assert complaints == []


def test_camera_that_is_refused_says_so_and_is_hidden_where_codes_cannot_be_read(page, store):
    page.goto("/till/")
    expect(page.get_by_role("button", name="Scan")).to_be_hidden()
    page.add_init_script(READER)
    page.add_init_script("navigator.mediaDevices.getUserMedia = async () => { throw new Error('no'); }")
    page.goto("/till/")
    page.get_by_role("button", name="Scan").click()
    expect(page.get_by_role("status").filter(has_text="The camera cannot be used.")).to_be_visible()


@pytest.mark.parametrize(
    ("page", "grounds"),
    [
        # Nothing moves, so that the other ground is there at once.
        ({"viewport": PHONE, "color_scheme": "light", "reduced_motion": "reduce"}, ["light", "dark"]),
        ({"viewport": DESK, "color_scheme": "dark"}, ["dark"]),
    ],
    ids=["phone", "desk-dark"],
    indirect=["page"],
)
def test_pages_are_accessible_fit_have_big_targets_and_stay_at_home(page, grounds, complaints, store, mia, coupon):
    traffic = Traffic(page)

    def look():
        traffic.rest()
        _look(page)
        for ground in grounds[1:]:
            page.emulate_media(color_scheme=ground)
            expect(page.locator("html")).to_have_attribute("data-bs-theme", ground)
            _look(page, ["color-contrast"])  # all that the ground changes
            page.emulate_media(color_scheme=grounds[0])
            expect(page.locator("html")).to_have_attribute("data-bs-theme", grounds[0])

    for path in _fill_the_store(store, mia, coupon):
        page.goto(path)
        look()
    page.goto(f"/till/customers/{mia.number}/purchase/")
    type_in(page, "60", "Enter")
    page.get_by_role("button", name="Book ¥60.00").wait_for()
    look()
    page.get_by_label("Coupon code").fill("NOSUCH")
    expect(page.get_by_text("NOSUCH cannot be right: please read the code again.")).to_be_visible()
    look()
    page.get_by_label("Coupon code").fill("")
    with page.expect_navigation():
        page.get_by_role("button", name="Book ¥60.00").click()
    look()
    page.goto("/till/undo/")
    look()
    with page.expect_navigation():
        page.get_by_role("button", name="Yes, undo it").click()
    look()
    assert complaints == []


def _fill_the_store(store, mia, coupon):
    """Something of everything, and the addresses where it is seen."""
    now = timezone.now()
    espresso = OfferFactory(title={"en": "Espresso"}, kind=OfferKind.GIFT, amount_minor=None)
    gift, cup = CouponFactory(customer=mia, offer=espresso), RewardFactory(name={"en": "Cup"}, cost_points=100)
    SurpriseRuleFactory(threshold_minor=5000, offer=espresso)
    waiting = redemptions.request(customer=mia, reward=cup, quantity=1, reference="a", by=actors.SYSTEM, at=now)
    bought = PurchaseFactory(store=store, customer=mia, purchased_at=now, total_minor=3000)
    for number in (1, 2, 3):
        thing = ProductFactory(name=f"Thing {number}")
        PurchaseLineFactory(purchase=bought, quantity=number, amount_minor=1000, product=thing)
    return [
        "/till/",
        "/till/?q=Mia",
        "/till/?q=nobody",
        "/till/store/",
        "/till/enroll/?q=Ada",
        "/till/return/?receipt=none",
        "/till/undo/",
        f"/till/customers/{mia.number}/",
        f"/till/customers/{mia.number}/return/",
        f"/till/customers/{mia.number}/rewards/{cup.pk}/",
        f"/till/purchases/{bought.pk}/",
        f"/till/purchases/{bought.pk}/return/",
        f"/till/pickups/{waiting.pickup_code}/",
        f"/till/coupons/{gift.code}/",
        f"/till/coupons/{coupon.code}/",
    ]


def _look(page, rules=None):
    assert axe.violations(page, rules=rules) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(_TOO_SMALL) == []


# What a finger must hit and is lower than 48 px; a box to tick is hit by its label.
_TOO_SMALL = """
[...document.querySelectorAll("main a, main button, main input, main select, main summary, header a, header button")]
  .filter(one => one.offsetParent && !one.closest(".visually-hidden") && one.type !== "hidden" && one.type !== "range")
  .map(one => one.matches("[type=checkbox]") ? one.closest("label, .form-check") : one)
  .filter(one => one.getBoundingClientRect().height < 48)
  .map(one => one.outerHTML.slice(0, 120))
"""
