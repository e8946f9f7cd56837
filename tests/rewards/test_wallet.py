"""Coupons and surprises as their customer sees them, and as mails lead to them."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from loyalty_site.lib import actors
from rewards.domain import points
from rewards.models import Arm, Surprise
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory, SurpriseRuleFactory
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NEXT = {"en": "Because you <3 tea\nyour shop", "zh-hans": "因为您爱茶"}


@pytest.fixture(autouse=True)
def _programme(db, now, time_machine):
    ProgramFactory(name="Green Basket")
    time_machine.move_to(now)


@pytest.fixture
def mia():
    return CustomerFactory(name="Mia")


@pytest.fixture
def client(mia):
    return signed_in(mia)


def text_of(response):
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def surprised(customer, at, rule, **gesture):
    moments = {"happened_at": at, "decided_at": at}
    return Surprise.objects.create(
        rule=rule, customer=customer, occasion="sign-up", arm=Arm.TREATED, **moments, **gesture
    )


def test_coupon_whose_time_has_not_come_is_shown_with_its_first_day(client, mia, now):
    late = OfferFactory(title={"en": "Plum cake"}, valid_from=now + 3 * DAY)
    coming = CouponFactory(customer=mia, offer=OfferFactory(title={"en": "Tea"}), starts_at=now + DAY)
    CouponFactory(customer=mia, offer=late)
    CouponFactory(customer=mia, offer=OfferFactory(title={"en": "Bread"}))
    for fields in (
        {"state": "VOID"},
        {"offer": OfferFactory(withdrawn_at=now)},
        {"offer": OfferFactory(published_at=None)},
        {"starts_at": now + 2 * DAY, "offer": OfferFactory(valid_to=now + DAY)},
    ):
        offer = fields.pop("offer", None) or OfferFactory()
        offer.title = {"en": "Nothing"}
        offer.save()
        CouponFactory(customer=mia, **{"starts_at": now + DAY, "offer": offer, **fields})
    shown = client.get("/coupons/").context
    assert [str(coupon.offer) for coupon in shown["usable"]] == ["Bread"]
    assert [str(coupon.offer) for coupon in shown["coming"]] == ["Tea", "Plum cake"]
    text = text_of(client.get("/coupons/"))
    assert "Good from May 21, 2026" in text
    assert "Good from May 23, 2026" in text
    page = text_of(client.get(f"/coupons/{coming.pk}/"))
    assert "Good from May 21, 2026" in page
    assert "Show it at the till" not in page


def test_link_of_a_mail_asks_a_stranger_to_sign_in_and_leads_back(mia):
    coupon = CouponFactory(customer=mia)
    assert Client().get(f"/coupons/{coupon.pk}/").url == f"/sign-in/?next=%2Fcoupons%2F{coupon.pk}%2F"


def test_coupon_has_a_page_of_its_own(client, mia, now):
    coupon = CouponFactory(customer=mia, offer=OfferFactory(title={"en": "Five off"}), expires_at=now + 30 * DAY)
    assert f'href="/coupons/{coupon.pk}/"' in text_of(client.get("/coupons/"))
    text = text_of(client.get(f"/coupons/{coupon.pk}/"))
    assert re.search(r'<h1 class="ticket-title">\s*Five off\s*</h1>', text)
    assert coupon.display_code in text
    assert 'aria-label="Coupon as a QR code"' in text
    assert "left" not in re.sub(r"<[^>]+>", "", text)


@pytest.mark.parametrize(
    ("days", "words"), [(0, "last day today"), (1, "1 day left"), (3, "3 days left"), (6, "6 days left")]
)
def test_coupon_says_how_long_it_is_good(client, mia, now, days, words):
    midnight = now.replace(hour=0, minute=0) + (days + 1) * DAY
    coupon = CouponFactory(customer=mia, expires_at=midnight)
    assert f" · {words}" in text_of(client.get(f"/coupons/{coupon.pk}/"))


@pytest.mark.parametrize("change", [{"state": "VOID"}, {"expires_at": "now"}])
def test_what_is_over_shows_no_code(client, mia, now, change):
    change = {name: now if value == "now" else value for name, value in change.items()}
    coupon = CouponFactory(customer=mia, issued_at=now - DAY, **change)
    text = text_of(client.get(f"/coupons/{coupon.pk}/"))
    assert coupon.display_code not in text
    assert "Show it at the till" not in text


def test_coupon_of_somebody_else_or_of_nobody_is_not_found(client):
    for coupon in (CouponFactory(customer=CustomerFactory()), CouponFactory()):
        assert client.get(f"/coupons/{coupon.pk}/").status_code == 404
    assert client.get("/coupons/999999/").status_code == 404


def test_surprise_comes_with_its_message(client, mia, now):
    rule = SurpriseRuleFactory(message=NEXT)
    coupon = CouponFactory(offer=rule.offer, customer=mia, expires_at=now + 30 * DAY)
    surprised(mia, now, rule, coupon=coupon)
    for path in ("/coupons/", f"/coupons/{coupon.pk}/"):
        assert "Because you &lt;3 tea<br>your shop" in text_of(client.get(path))
    plain = SurpriseRuleFactory(offer=rule.offer)
    surprised(mia, now, plain, coupon=CouponFactory(offer=rule.offer, customer=mia))
    assert "A little surprise for you" in text_of(client.get("/coupons/"))


def test_points_of_a_surprise_are_told_for_a_month(client, mia, now, time_machine):
    entry = points.award(customer=mia, points=1200, reference="surprise:1", by=actors.SYSTEM, at=now)
    rule = SurpriseRuleFactory(offer=None, points=1200, title={"en": "Happy <you>"}, message=NEXT)
    surprised(mia, now, rule, points_entry=entry)
    text = text_of(client.get("/coupons/"))
    assert "Happy &lt;you&gt;" in text
    assert "1,200 points" in text
    assert "Because you &lt;3 tea<br>your shop" in text
    time_machine.move_to(now + 31 * DAY)
    assert "Happy" not in text_of(client.get("/coupons/"))


def test_coupons_cost_the_same_questions_for_any_number(client, mia, now, django_assert_max_num_queries):
    rule = SurpriseRuleFactory(message=NEXT)
    for number in range(6):
        coupon = CouponFactory(
            offer=rule.offer, customer=mia, expires_at=now + (number - 3) * DAY, issued_at=now - 9 * DAY
        )
        moments = {"happened_at": now, "decided_at": now}
        Surprise.objects.create(
            rule=rule, customer=mia, occasion=f"purchase:{number}", arm=Arm.TREATED, coupon=coupon, **moments
        )
    with django_assert_max_num_queries(9):
        client.get("/coupons/")
