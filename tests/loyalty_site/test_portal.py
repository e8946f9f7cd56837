import re
import subprocess
import sys
from datetime import timedelta

import pytest
from django.test import Client

from customers.models import Card, Recommendation
from loyalty_site.lib import actors
from rewards.domain import points, redemptions, tiers
from tests.factories.customers import CardFactory, CustomerFactory, ProductFactory, PurchaseFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory, RewardFactory, TierFactory
from tests.sessions import signed_in

DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at(now, time_machine):
    time_machine.move_to(now)


@pytest.fixture
def mia():
    return CustomerFactory(name="Mia")


@pytest.fixture
def client(mia):
    return signed_in(mia)


def award(customer, number, at, reference="gift:1"):
    return points.award(customer=customer, points=number, reference=reference, by=actors.SYSTEM, at=at)


def recommend(customer, rank, kind, at, **values):
    reason = {"because": values.pop("because").pk} if kind == "new" else {"times": 4, "last_on": "2026-05-01"}
    Recommendation.objects.create(
        customer=customer, rank=rank, kind=kind, product=ProductFactory(**values), score=1, reason=reason, made_at=at
    )


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


def test_home_sends_strangers_to_sign_in():
    assert Client().get("/").url == "/sign-in/?next=%2F"


def test_home_welcomes_newcomers(client):
    ProgramFactory()
    text = text_of(client.get("/"))
    assert "Good to see you, Mia" in text
    assert "<b>0</b>" in text
    assert "Your first points are waiting" in text
    assert "No coupons right now" in text
    for heading in ("Time for these again?", "New for you", "Yours for your points", "Waiting for you in the store"):
        assert heading not in text


def test_home_shows_balance_what_lapses_and_what_is_pending(client, mia, now):
    ProgramFactory(expiry_policy="ROLLING", expiry_months=1, pending_days=7)
    award(mia, 1200, now - 10 * DAY)
    award(mia, 50, now, reference="gift:2")
    text = text_of(client.get("/"))
    assert "<b>1,250</b>" in text
    assert "1,200 points to use by June 30, 2026" in text
    assert "50 points you can spend soon" in text


def test_home_says_what_is_held(client, mia, now):
    award(mia, 1200, now)
    assert "held" not in text_of(client.get("/"))
    points.hold(customer=mia, points=1, ttl=DAY, reference="till:1", by=actors.SYSTEM, at=now)
    assert "1 point is held for a purchase you are making" in text_of(client.get("/"))
    points.hold(customer=mia, points=1100, ttl=DAY, reference="till:2", by=actors.SYSTEM, at=now)
    assert "1,101 points are held for a purchase you are making" in text_of(client.get("/"))


def test_home_says_what_a_debt_is(client, mia, now):
    ProgramFactory()
    entry = award(mia, 100, now)
    points.redeem(customer=mia, points=100, reference="gift", by=actors.SYSTEM, at=now)
    points.claw_back(entry=entry, points=100, reference="return:1", by=actors.SYSTEM, at=now)
    assert "Your next 100 points make up for it." in text_of(client.get("/"))


def test_home_shows_the_five_latest_entries_in_words(client, mia, now):
    ProgramFactory()
    for n in range(1, 7):
        award(mia, n, now, reference=f"gift:{n}")
    text = text_of(client.get("/"))
    assert "6 points as a thank-you." in text
    assert "1 point as a thank-you." not in text


def test_home_shows_coupons_with_their_picture(client, mia):
    coupon = CouponFactory(customer=mia, offer=OfferFactory(title={"en": "Five off"}))
    text = text_of(client.get("/"))
    assert "Five off" in text
    assert coupon.display_code in text


def test_home_shows_recommendations_with_their_reason(client, mia, now):
    recommend(mia, 1, "again", now, name="Milk")
    recommend(mia, 2, "new", now, name="Oats", because=ProductFactory(name="Honey"))
    text = text_of(client.get("/"))
    assert "Milk" in text
    assert "You bought this on 4 days, last on May 1." in text
    assert "People who buy Honey often take this too." in text


def test_what_is_not_for_me_is_not_shown_again(client, mia, now):
    recommend(mia, 1, "again", now, name="Milk")
    sku = mia.recommendations.get().product.sku
    text = text_of(client.post("/me/not-for-me/", {"sku": sku}, follow=True))
    assert "You will not be shown this again." in text
    assert "Milk" not in text
    assert mia.ratings.get().stars == 1


def test_home_says_that_recommendations_are_switched_off_and_leads_back(client, mia, now):
    recommend(mia, 1, "again", now, name="Milk")
    assert "switched recommendations off" not in text_of(client.get("/"))
    client.post("/me/", {"part": "recommendations"})
    text = text_of(client.get("/"))
    assert "Milk" not in text
    assert "You have switched recommendations off" in text
    assert 'href="/me/#recommendations"' in text
    client.post("/me/", {"part": "recommendations", "recommendations": "on"})
    assert "switched recommendations off" not in text_of(client.get("/"))


@pytest.mark.parametrize("sku", ["", "nothing", "\0"])
def test_not_for_me_knows_its_products(client, mia, sku):
    assert client.post("/me/not-for-me/", {"sku": sku}).status_code == 404
    assert client.get("/me/not-for-me/").status_code == 405


def test_home_shows_what_the_points_buy_and_what_comes_next(client, mia, now):
    award(mia, 300, now)
    cup = RewardFactory(name={"en": "Cup"}, cost_points=200)
    RewardFactory(name={"en": "Gone"}, cost_points=250, stock=0)
    RewardFactory(name={"en": "Bag"}, cost_points=450)
    text = text_of(client.get("/"))
    assert f'href="/rewards/{cup.pk}/"' in text
    assert "Only 150 points to go for: Bag" in text
    assert "Gone" not in text


def test_home_reminds_of_what_waits_in_the_store(client, mia, now):
    award(mia, 300, now)
    taken = redemptions.request(
        customer=mia, reward=RewardFactory(), quantity=1, reference="a", by=actors.SYSTEM, at=now
    )
    text = text_of(client.get("/"))
    assert f'href="/rewards/taken/{taken.pk}/"' in text
    assert str(taken) in text


def test_home_shows_no_tier_without_tiers(client, mia, now):
    assert "tier" not in text_of(client.get("/"))


def test_home_shows_the_tier_what_is_missing_and_what_keeps_it(client, mia, now):
    ProgramFactory()
    TierFactory(name={"en": "Silver"}, threshold=100)
    TierFactory(name={"en": "Gold"}, threshold=1500)
    assert "Your first tier is waiting" in text_of(client.get("/"))
    assert "100 points more and you reach Silver." in text_of(client.get("/"))
    award(mia, 150, now, reference="purchase:1")
    tiers.reach(customers=[mia.pk], by=actors.SYSTEM, at=now)
    text = text_of(client.get("/"))
    assert "Your tier: Silver" in text
    assert "1,350 points more and you reach Gold." in text
    assert 'value="150" max="1500"' in text
    assert "Yours until May 20, 2027. With 100 points more by then you keep it." in text


def test_home_shows_the_highest_tier_in_money_and_that_it_is_kept(client, mia, now):
    ProgramFactory(tier_basis="SPEND")
    TierFactory(name={"en": "Gold"}, threshold=10_000)
    PurchaseFactory(customer=mia, total_minor=10_000, purchased_at=now)
    assert "You have reached Gold" in text_of(client.get("/"))
    tiers.reach(customers=[mia.pk], by=actors.SYSTEM, at=now)
    assert "With ¥100.00 more by then you keep it." in text_of(client.get("/"))
    PurchaseFactory(customer=mia, total_minor=10_000, purchased_at=now + DAY)
    text = text_of(client.get("/"))
    assert "There is none above it." in text


@pytest.mark.parametrize("number", [1, 3])
def test_home_takes_the_same_queries_for_any_number(client, mia, now, django_assert_num_queries, number):
    for n in range(number):
        award(mia, 1000, now, reference=f"purchase:{PurchaseFactory(customer=mia).pk}")
        CouponFactory(customer=mia)
        reward = RewardFactory(cost_points=900)
        redemptions.request(customer=mia, reward=reward, quantity=1, reference=f"{n}", by=actors.SYSTEM, at=now)
        recommend(mia, 2 * n + 1, "again", now)
        recommend(mia, 2 * n + 2, "new", now, because=ProductFactory())
    client.get("/")
    with django_assert_num_queries(13):
        client.get("/")


def test_web_process_starts_without_the_heavy_packages():
    code = "import django, sys; django.setup(); import loyalty_site.urls; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "rewards.views" in loaded
    assert {"numpy", "pandas", "pyarrow"} & set(loaded) == set()


@pytest.fixture
def demo(settings, mia):
    settings.LOYALTY_DEMO = True
    return CardFactory(customer=mia, number="demo-customer")


def test_demo_page_signs_in_by_its_button_only(demo, mia):
    client = Client()
    page = client.get("/demo/")
    assert "Sign in as Mia" in text_of(page)
    assert "customer_id" not in client.session
    assert client.post("/demo/").url == "/"
    assert client.session["customer_id"] == mia.pk


def test_demo_sign_in_is_offered_on_the_sign_in_page(demo):
    assert 'action="/demo/"' in text_of(Client().get("/sign-in/"))


def test_demo_sign_in_is_closed_in_production(demo, settings):
    settings.LOYALTY_DEMO = False
    assert Client().get("/demo/").status_code == 404
    assert Client().post("/demo/").status_code == 404
    assert 'action="/demo/"' not in text_of(Client().get("/sign-in/"))


def test_demo_sign_in_without_its_customer_is_not_found(settings):
    settings.LOYALTY_DEMO = True
    assert not Card.objects.exists()
    assert Client().post("/demo/").status_code == 404
