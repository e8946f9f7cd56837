"""The pages of what came of offers, and their files."""

import csv
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group

from loyalty_site import roles
from rewards.domain import coupon_refusals, coupons
from tests.factories.customers import CustomerFactory, PurchaseFactory, StoreFactory, UserFactory
from tests.factories.rewards import CouponFactory, CouponRedemptionFactory, OfferFactory, ProgramFactory

AT = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)
COMPARE = "/admin/rewards/offer/compare"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _programme():
    ProgramFactory(currency="USD")


@pytest.fixture
def owner(client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


@pytest.fixture
def offer():
    """Two of three coupons used, in two stores, thirty weeks apart."""
    made = OfferFactory(title={"en": "=1+1"}, currency="USD")
    for weeks, name in ((0, "@North"), (30, "South"), (None, "")):
        coupon = CouponFactory(offer=made, customer=CustomerFactory(), issued_at=AT)
        if weeks is not None:
            store = StoreFactory(code=name.strip("@").lower(), name=name)
            CouponRedemptionFactory(
                coupon=coupon,
                purchase=PurchaseFactory(store=store, total_minor=2500),
                discount_minor=100,
                redeemed_at=AT + timedelta(weeks=weeks),
            )
    return made


def report(offer):
    return f"/admin/rewards/offer/{offer.pk}/report"


def lines(answer):
    return list(csv.reader(answer.content.decode().splitlines()))


def test_page_says_what_came_of_an_offer(owner, offer):
    page = owner.get(report(offer), follow=True)

    assert page.status_code == 200
    figures = {title: (value, note) for title, value, note in page.context["figures"]}
    assert figures["Coupons issued"] == ("3", "to 3 customers")
    assert figures["Redeemed"] == ("2", "rolled back: 0")
    assert figures["Coupons that were used"] == ("66.7 %", "2 of 3; 95 % interval 20.8 to 93.9")
    assert figures["Discount given"] == ("$2.00", "$1.00 each")
    assert figures["Spent in these purchases"] == ("$50.00", "paid for 2 purchases")
    assert figures["From issue to use"] == ("105.0 days", "half of them between 52.5 days and 157.5 days")
    said = re.search(r"<desc[^>]*>(.*?)</desc>", page.content.decode(), re.DOTALL)[1]
    assert "12/14/2026: 1." in said
    bars = page.context["drawing"]["bars"]
    assert len(bars) == 26 < len(page.context["weeks"]) == 31
    assert [(bar["x"], bar["name"]) for bar in bars if bar["name"]] == [
        (0, "June 22"),
        (178, "August 10"),
        (355, "September 28"),
    ]


def test_files_are_for_programs_and_run_nothing(owner, offer):
    weeks = lines(owner.get(report(offer), {"csv": "weeks"}, follow=True))
    assert weeks[:2] == [["first", "redeemed", "discount_minor"], ["2026-05-18", "1", "100"]]
    assert len(weeks) == 32
    assert lines(owner.get(report(offer), {"csv": "stores"}, follow=True)) == [
        ["code", "name", "redeemed", "discount_minor", "baskets", "spend_minor"],
        ["north", "'@North", "1", "100", "1", "2500"],
        ["south", "South", "1", "100", "1", "2500"],
    ]
    names = "offer title currency issued holders used redeemed discount_minor baskets spend_minor rolled_back"
    assert lines(owner.get(COMPARE, {"csv": "1"}, follow=True)) == [
        [*names.split(), "rate", "rate_low", "rate_high"],
        [str(offer.pk), "'=1+1", "USD", *["3", "3", "2", "2", "200", "2", "5000", "0"], "0.6667", "0.2077", "0.9385"],
    ]


def test_comparison_lists_what_was_published(owner, offer):
    OfferFactory(title={"en": "Draft"}, published_at=None)

    page = owner.get(COMPARE, follow=True)

    assert [row["offer"] for row in page.context["rows"]] == [offer]
    assert f"/admin/rewards/offer/{offer.pk}/report" in page.content.decode()


def test_comparison_asks_the_same_however_many_offers_there_are(owner, offer, django_assert_max_num_queries):
    OfferFactory.create_batch(60)

    with django_assert_max_num_queries(15):
        page = owner.get(COMPARE + "/", follow=True)
    assert len(page.context["rows"]) == 20
    assert len(owner.get(COMPARE + "/", {"page": "4"}, follow=True).context["rows"]) == 1
    assert owner.get(COMPARE + "/", {"page": "x"}, follow=True).status_code == 200


def test_empty_pages_say_so(owner):
    assert "No offer was published yet." in owner.get(COMPARE, follow=True).content.decode()
    assert "Nothing was redeemed yet." in owner.get(report(OfferFactory()), follow=True).content.decode()


def test_store_managers_see_the_lines_of_their_stores(client, offer):
    roles.sync()
    user = UserFactory(password=None, is_staff=True)
    user.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    user.stores.add(offer.redemptions.earliest("redeemed_at").purchase.store)
    client.force_login(user)

    assert [store["name"] for store in client.get(report(offer), follow=True).context["stores"]] == ["@North"]
    assert len(lines(client.get(report(offer), {"csv": "stores"}, follow=True))) == 2


@pytest.fixture
def refused(offer):
    """Refused three times in the north, for two reasons, and once in the south."""
    coupon = offer.coupons.earliest("pk")
    north, south = (use.purchase.store for use in offer.redemptions.order_by("redeemed_at"))
    for store, word, at in [
        (north, "min_spend_not_reached", AT),
        (north, "min_spend_not_reached", AT + timedelta(days=1)),
        (north, "coupon_expired", AT),
        (south, "coupon_expired", AT),
    ]:
        coupon_refusals.count(refusals=[coupons.refusal_for(word, coupon)], store=store, at=at)
    return north


def test_page_says_why_coupons_were_refused_and_where(owner, offer, refused):
    page = owner.get(report(offer), follow=True)

    shown = page.context["refused"]
    assert [(bar["name"], bar["count"], bar["width"]) for bar in shown["bars"]] == [
        ("It had expired.", 2, 580),
        ("The purchase was too small.", 2, 580),
    ]
    assert (shown["total"], shown["height"]) == (4, 128)
    assert shown["stores"] == [
        ("@North", "The purchase was too small.", 2),
        ("@North", "It had expired.", 1),
        ("South", "It had expired.", 1),
    ]
    said = re.search(r'<desc id="refused-said">(.*?)</desc>', page.content.decode(), re.DOTALL)[1]
    assert "It had expired: 2. The purchase was too small: 2." in said
    assert lines(owner.get(report(offer), {"csv": "refused"}, follow=True)) == [
        ["day", "code", "name", "reason", "times"],
        ["2026-05-20", "north", "'@North", "coupon_expired", "1"],
        ["2026-05-20", "north", "'@North", "min_spend_not_reached", "1"],
        ["2026-05-20", "south", "South", "coupon_expired", "1"],
        ["2026-05-21", "north", "'@North", "min_spend_not_reached", "1"],
    ]


def test_store_managers_see_the_refusals_of_their_stores(client, offer, refused):
    roles.sync()
    user = UserFactory(password=None, is_staff=True)
    user.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    user.stores.add(refused)
    client.force_login(user)

    assert client.get(report(offer), follow=True).context["refused"]["total"] == 3
    assert len(lines(client.get(report(offer), {"csv": "refused"}, follow=True))) == 4


def test_nothing_is_said_of_refusals_where_there_were_none(owner, offer):
    page = owner.get(report(offer), follow=True)
    assert page.context["refused"] is None
    assert "Refused at the counter" not in page.content.decode()


def test_who_may_not_see_offers_is_refused(client, offer):
    client.force_login(UserFactory(password=None))
    assert client.get(report(offer), follow=True).status_code == 403
    assert client.get(COMPARE, follow=True).status_code == 403
    client.logout()
    assert client.get(report(offer)).status_code in (301, 302)
