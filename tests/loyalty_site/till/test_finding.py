"""One field for everything a cashier may have before them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from customers.models import Recommendation
from loyalty_site.lib import actors
from rewards.domain import checkout, points, redemptions
from rewards.models import ExpiryPolicy, PeriodEnd, Program
from tests.factories.customers import CardFactory, CustomerFactory, ProductFactory, PurchaseFactory, StoreFactory
from tests.factories.rewards import CouponFactory, OfferFactory, RewardFactory, TierFactory
from tests.loyalty_site.till.conftest import text_of
from tests.rewards.domain.baskets import basket

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(now, time_machine):
    time_machine.move_to(now)


def find(client, text):
    return client.get("/till/", {"q": text})


@pytest.mark.parametrize("text", ["+12025550123", "+1 202 555-0123", "MIA@example.org", "card-of-mia", "{number}"])
def test_exact_text_leads_straight_to_the_customer(client, mia, text):
    CardFactory(customer=mia, number="card-of-mia")
    assert find(client, text.format(number=mia.display_number.lower())).url == f"/till/customers/{mia.number}/"


def test_name_lists_customers_by_masked_phone_or_mail(client, mia):
    CustomerFactory(name="Mia Berg", email="berg@example.org")
    CustomerFactory(name="Noah", email="noah@example.org")
    text = text_of(find(client, "mia"))
    assert "2 customers found" in text
    assert "•••• 0123" in text
    assert "b•••@example.org" in text
    assert "2025550123" not in text
    assert "Noah" not in text


def test_customers_who_left_are_not_found(client, mia):
    mia.closed_at = timezone.now()
    mia.save(update_fields=["closed_at"])
    assert "Nobody and nothing is known" in text_of(find(client, "Mia"))
    assert client.get(f"/till/customers/{mia.number}/").status_code == 404


def test_many_of_a_name_are_cut(client, store):
    CustomerFactory.create_batch(14, name="Li Wei")
    text = text_of(find(client, "Li"))
    assert "12 customers found" in text
    assert "There are more." in text


def test_code_of_a_coupon_or_a_pick_up_or_a_receipt_leads_to_it(client, mia, award, now, store):
    award(mia, 100)
    coupon = CouponFactory(customer=mia)
    taken = redemptions.request(
        customer=mia, reward=RewardFactory(), quantity=1, reference="a", by=actors.SYSTEM, at=now
    )
    bought = PurchaseFactory(store=store, receipt_number="R/2026 17")
    PurchaseFactory(receipt_number="Elsewhere-1")
    assert find(client, coupon.display_code.lower()).url == f"/till/coupons/{coupon.code}/"
    assert find(client, str(taken)).url == f"/till/pickups/{taken.pickup_code}/"
    assert find(client, "R/2026 17").url == f"/till/purchases/{bought.pk}/"
    assert find(client, "Elsewhere-1").status_code == 200


@pytest.mark.parametrize("text", ["\0", "a\0b", "%", "'; --", "\u202e", "x" * 5000, "＋", "<b>", "²", "-"])
def test_junk_finds_nothing_and_breaks_nothing(client, mia, text):
    page = find(client, text)
    assert page.status_code == 200
    assert "<b>“" not in page.content.decode()


def test_nobody_found_offers_to_enroll_with_what_was_typed(client, store):
    page = find(client, "+1 202 555 0177")
    assert 'href="/till/enroll/?q=%2B1%20202%20555%200177"' in page.content.decode()


def test_customer_page_shows_points_coupons_rewards_and_what_waits(client, mia, award, now):
    award(mia, 1500)
    CouponFactory(customer=mia, offer=OfferFactory(title={"en": "Five off"}, min_spend_minor=3000))
    CouponFactory(customer=mia, offer=OfferFactory(title={"en": "Espresso"}, kind="GIFT", amount_minor=None))
    cup = RewardFactory(name={"en": "Cup"}, cost_points=300)
    RewardFactory(name={"en": "Bicycle"}, cost_points=30_000)
    RewardFactory(name={"en": "Sold out bag"}, cost_points=10, stock=0)
    taken = redemptions.request(customer=mia, reward=cup, quantity=1, reference="a", by=actors.SYSTEM, at=now)
    text = text_of(client.get(f"/till/customers/{mia.number}/"))
    assert "1,200 points to spend" in text
    assert "Five off For purchases from ¥30.00" in text
    assert "Espresso" in text
    assert str(taken) in text
    assert "Cup 300 points" in text
    assert "Bicycle" not in text
    assert "Sold out bag" not in text


def test_customer_page_shows_the_tier_and_what_is_set_aside_or_lapses(client, mia, award, now, store):
    TierFactory(name={"en": "Gold"}, threshold=100)
    Program.objects.update(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1, expiry_period_end=PeriodEnd.MONTH)
    told = basket(50_000, customer=mia, now=now)
    checkout.settle(purchase=told, store=store, till=None, by=actors.SYSTEM, at=now)
    points.hold(customer=mia, points=120, ttl=timedelta(hours=1), reference="h", by=actors.SYSTEM, at=now)
    text = text_of(client.get(f"/till/customers/{mia.number}/"))
    assert "380 points to spend" in text
    assert "Gold" in text
    assert "120 points set aside" in text
    assert "380 points to use by June 30, 2026" in text


def test_customer_page_takes_as_many_queries_with_three_rows_as_with_one(client, mia, award, django_assert_num_queries):
    award(mia, 5000)
    for_one = _fill(mia, 1)
    client.get(for_one)
    with django_assert_num_queries(14):
        client.get(for_one)
    _fill(mia, 2)
    with django_assert_num_queries(14):
        client.get(for_one)


def test_customer_page_mentions_three_things_they_may_like_and_takes_a_no(client, mia, now):
    for rank, name in enumerate(("Milk", "Oats", "Bread", "Jam"), start=1):
        recommend(mia, rank, now, name=name)
    page = f"/till/customers/{mia.number}/"
    text = text_of(client.get(page))
    assert "Would you like …" in text
    assert "Milk popular" in text
    assert "Jam" not in text
    sku = mia.recommendations.get(rank=1).product.sku
    text = text_of(client.post(f"{page}not-for-them/", {"sku": sku}, follow=True))
    assert "Milk will not be mentioned again." in text
    assert text.count("Milk") == 1
    assert "Jam" in text
    assert mia.ratings.get().stars == 1


def test_nothing_is_mentioned_to_who_switched_recommendations_off(client, mia, now):
    recommend(mia, 1, now)
    mia.profiling_refused_at = now
    mia.save(update_fields=["profiling_refused_at"])
    assert "Would you like" not in text_of(client.get(f"/till/customers/{mia.number}/"))


@pytest.mark.parametrize("sku", ["", "nothing", "\0"])
def test_a_no_is_to_a_product(client, mia, sku):
    assert client.post(f"/till/customers/{mia.number}/not-for-them/", {"sku": sku}).status_code == 404
    assert client.get(f"/till/customers/{mia.number}/not-for-them/").status_code == 405


def recommend(customer, rank, at, **values):
    Recommendation.objects.create(
        customer=customer,
        rank=rank,
        product=ProductFactory(**values),
        kind="new",
        score=1,
        reason={"everywhere": True},
        made_at=at,
    )


def _fill(mia, times):
    for n in range(times):
        CouponFactory(customer=mia)
        reward = RewardFactory(cost_points=10)
        redemptions.request(
            customer=mia, reward=reward, quantity=1, reference=f"{reward.pk}:{n}", by=actors.SYSTEM, at=timezone.now()
        )
        PurchaseFactory(customer=mia, store=StoreFactory(closed_at=timezone.now()))
    return f"/till/customers/{mia.number}/"


@pytest.mark.parametrize("number", [1, 3])
def test_search_takes_as_many_queries_for_three_as_for_one(client, store, number, django_assert_num_queries):
    CustomerFactory.create_batch(number, name="Li Wei")
    find(client, "Li")
    with django_assert_num_queries(12):
        find(client, "Li")
