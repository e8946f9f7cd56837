"""A purchase at the counter: what is shown is what is booked, once."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from customers.models import Product, Purchase
from loyalty_site.till import slips
from rewards.domain import counter, coupons, points
from rewards.models import Coupon, CouponState, OfferKind, PointsEntry, RefusalTally
from tests.factories.customers import CategoryFactory, CustomerFactory, PurchaseFactory, StoreFactory
from tests.factories.rewards import CouponFactory, MultiplierRuleFactory, OfferFactory, SurpriseRuleFactory
from tests.loyalty_site.till.conftest import field, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

JUNK = [
    "\0",
    "1\0",
    "abc",
    "-1",
    "12,50",
    "1e5",
    "NaN",
    "Infinity",
    "9" * 30,
    "0.001",
    "１２.５0.",
    "²",
    "<script>",
    " ",
]


@pytest.fixture(autouse=True)
def _clock(now, time_machine):
    time_machine.move_to(now, tick=False)


def page_of(customer=None):
    return f"/till/customers/{customer.number}/purchase/" if customer else "/till/purchase/"


def review(client, customer=None, **told):
    return client.post(page_of(customer), {"step": "review", **told})


def book(client, customer=None, **told):
    """Reviews, then presses the button that the review shows. Returns the answer and what was sent."""
    shown = review(client, customer, **told)
    sent = {**told, "step": "book", "slip": field(shown, "slip"), "pays": field(shown, "pays")}
    return client.post(page_of(customer), sent), sent


def test_purchase_is_booked_with_coupon_and_points_by_the_cashier(client, cashier, store, mia, award, now):
    award(mia, 500)
    coupon = CouponFactory(customer=mia)
    shown = review(client, mia, amount="1,100", coupons=[coupon.code], points="200")
    assert "Amount ¥1,100.00" in text_of(shown)
    assert f"{coupon.offer} −¥5.00 Paid with 200 points −¥2.00 To pay ¥1,093.00" in text_of(shown)
    assert "Earns 1,093 points" in text_of(shown)
    assert not Purchase.objects.exists()
    answer, _sent = book(client, mia, amount="1,100", coupons=[coupon.code], points="200")
    bought = Purchase.objects.get()
    assert answer.url == f"/till/purchases/{bought.pk}/"
    assert (bought.store, bought.customer, bought.recorded_by) == (store, mia, f"user:{cashier.pk}")
    assert (bought.total_minor, bought.discount_minor, bought.points_value_minor) == (110_000, 500, 200)
    assert (bought.source, bought.purchased_at) == ("STAFF", now)
    assert bought.receipt_number.startswith("T")
    text = text_of(client.get(answer.url))
    assert "Paid: ¥1,093.00" in text
    assert "+1,093 points" in text
    assert "New balance: 1,393 points" in text


def test_anonymous_purchase_earns_nothing_and_asks_for_no_points(client, store):
    shown = review(client, amount="12.5")
    assert "Points to pay with" not in text_of(shown)
    answer, _sent = book(client, amount="12.5")
    assert (Purchase.objects.get().total_minor, Purchase.objects.get().customer) == (1250, None)
    assert not PointsEntry.objects.exists()
    assert "New balance" not in text_of(client.get(answer.url))


def test_pressing_twice_books_once(client, mia, award):
    award(mia, 500)
    coupon = CouponFactory(customer=mia)
    first, sent = book(client, mia, amount="100", coupons=[coupon.code], points="200")
    again = client.post(page_of(mia), sent)
    assert first.url == again.url
    assert Purchase.objects.count() == 1
    assert points.summary(customer=mia, at=timezone.now()).balance == 393


def test_two_tabs_book_two_purchases(client, mia):
    one, other = review(client, mia, amount="10"), review(client, mia, amount="20")
    for shown, amount in ((one, "10"), (other, "20")):
        sent = {"amount": amount, "step": "book", "slip": field(shown, "slip"), "pays": field(shown, "pays")}
        assert client.post(page_of(mia), sent).status_code == 302
    assert sorted(Purchase.objects.values_list("total_minor", flat=True)) == [1000, 2000]


def test_booked_page_sent_again_with_another_amount_is_refused(client, mia):
    _answer, sent = book(client, mia, amount="10")
    again = client.post(page_of(mia), {**sent, "amount": "20", "pays": "2000"})
    assert "was already told with another content" in text_of(again)
    assert Purchase.objects.get().total_minor == 1000


def test_what_was_not_shown_is_not_booked(client, mia):
    shown = review(client, mia, amount="10")
    sent = {"amount": "100", "step": "book", "slip": field(shown, "slip"), "pays": field(shown, "pays")}
    asked = client.post(page_of(mia), sent)
    assert "What is to pay has changed. Please look again." in text_of(asked)
    assert "Book ¥100.00" in text_of(asked)
    assert not Purchase.objects.exists()
    without = {"amount": "100", "step": "book", "slip": field(shown, "slip")}
    assert client.post(page_of(mia), without).status_code == 200
    assert not Purchase.objects.exists()


def test_coupon_used_elsewhere_meanwhile_is_refused_where_it_is_shown(client, mia, now):
    coupon = CouponFactory(customer=mia)
    shown = review(client, mia, amount="10", coupons=[coupon.code])
    Coupon.objects.update(state=CouponState.REDEEMED, uses_count=1)
    sent = {"amount": "10", "coupons": [coupon.code], "step": "book", "slip": field(shown, "slip"), "pays": "500"}
    refused = text_of(client.post(page_of(mia), sent))
    assert f"Coupon {coupon} was redeemed already." in refused
    assert "Book" not in refused
    assert not Purchase.objects.exists()


@pytest.mark.parametrize("code", ["NOSUCH", "2222-2222-2222", "x" * 300, "%", "ünïcode"])
def test_unknown_codes_are_refused_in_words(client, mia, code):
    refused = review(client, mia, amount="10", codes=code)
    assert refused.status_code == 200
    assert 'class="alert alert-danger"' in refused.content.decode()
    assert 'value="book"' not in refused.content.decode()


def test_refused_coupons_are_counted_when_a_button_is_pressed_not_while_somebody_types(client, store, mia):
    others = CouponFactory(customer=CustomerFactory())
    told = {"amount": "10", "codes": others.code}
    client.post(page_of(mia), told, headers={"HX-Request": "true"})
    client.post(page_of(mia), {**told, "step": "most"})
    assert not RefusalTally.objects.exists()
    review(client, mia, **told)
    row = RefusalTally.objects.get()
    assert (row.offer, row.store, row.reason, row.times) == (others.offer, store, "coupon_not_yours", 1)


def test_coupon_used_elsewhere_while_it_is_booked_is_counted_once(client, mia, monkeypatch):
    """The page has shown it as good, looked again, and another till comes first."""
    coupon = CouponFactory(customer=mia)
    shown = review(client, mia, amount="10", coupons=[coupon.code])

    def too_late(**told):
        raise coupons.refusal_for("coupon_already_redeemed", coupon)

    monkeypatch.setattr(counter, "sell", too_late)
    sent = {"amount": "10", "coupons": [coupon.code], "step": "book", "slip": field(shown, "slip"), "pays": "500"}
    assert client.post(page_of(mia), sent).status_code == 200
    assert list(RefusalTally.objects.values_list("reason", "times")) == [("coupon_already_redeemed", 1)]


def test_coupons_of_others_and_of_no_one(client, mia):
    others, bearers = CouponFactory(customer=CustomerFactory()), CouponFactory()
    assert "belongs to another customer" in text_of(review(client, mia, amount="10", codes=others.code))
    answer, _sent = book(client, mia, amount="10", codes=bearers.display_code)
    assert answer.status_code == 302
    assert Purchase.objects.get().discount_minor == 500


def test_more_points_than_there_are_or_than_fit_are_refused(client, mia, award):
    award(mia, 500)
    assert "Not enough points: 501 wanted, 500 can be spent." in text_of(review(client, mia, amount="10", points="501"))
    assert "501 points are worth more" in text_of(review(client, mia, amount="5", points="501"))
    sent = {"amount": "10", "points": "501", "step": "book", "slip": field(review(client, mia, amount="10"), "slip")}
    assert "Not enough points" in text_of(client.post(page_of(mia), {**sent, "pays": "499"}))
    assert not Purchase.objects.exists()


def test_as_many_points_as_fit(client, mia, award):
    award(mia, 500)
    assert field(client.post(page_of(mia), {"amount": "3", "step": "most"}), "pays") == "0"
    shown = client.post(page_of(mia), {"amount": "30", "step": "most"})
    assert field(shown, "pays") == "2500"
    assert 'name="points" type="number"' in shown.content.decode()
    assert 'value="500"' in shown.content.decode()


def test_receipt_number_is_kept_and_told_once_only(client, mia, time_machine):
    book(client, mia, amount="10", receipt_number=" R-77 ")
    assert Purchase.objects.get().receipt_number == "R-77"
    time_machine.shift(5)
    answer, _sent = book(client, mia, amount="10", receipt_number="R-77")
    assert "Receipt R-77 was already told with another content." in text_of(answer)
    assert 'aria-describedby="receipt-help receipt-error"' in answer.content.decode()
    assert Purchase.objects.count() == 1


def test_category_counts_for_earning_and_its_goods_are_never_recommended(client, mia, now):
    fruit = CategoryFactory(name="Fruit")
    MultiplierRuleFactory(category=fruit)
    assert "Earns 20 points" in text_of(review(client, mia, amount="10", category=fruit.pk))
    book(client, mia, amount="10", category=fruit.pk)
    book(client, mia, amount="10")
    assert points.summary(customer=mia, at=timezone.now()).balance == 30
    rows = Product.objects.order_by("pk").values_list("name", "category", "discontinued_at")
    assert list(rows) == [("Fruit", fruit.pk, now), ("Counter", None, now)]


def test_surprise_is_told_to_the_cashier(client, mia):
    SurpriseRuleFactory(offer=OfferFactory(title={"en": "Tulips"}, kind=OfferKind.GIFT, amount_minor=None))
    answer, _sent = book(client, mia, amount="200")
    text = text_of(client.get(answer.url))
    assert "A surprise to hand over! Tulips" in text


def test_points_as_a_surprise_are_told_to_the_cashier_with_their_words(client, mia):
    SurpriseRuleFactory(offer=None, points=30, title={"en": "Lucky you"}, message={"en": "Just because."})
    answer, _sent = book(client, mia, amount="200")
    text = text_of(client.get(answer.url))
    assert "A surprise to tell of! Lucky you Just because. 30 points" in text
    assert points.summary(customer=mia, at=timezone.now()).balance == 230


@pytest.mark.parametrize("name", ["amount", "category", "points", "receipt_number", "codes", "coupons", "slip", "pays"])
def test_junk_in_a_field_is_refused_politely(client, mia, award, name):
    award(mia, 500)
    for junk in JUNK:
        told = {"amount": "10", "points": "1", name: junk}
        for step in ("review", "book", "most"):
            assert client.post(page_of(mia), {**told, "step": step}).status_code == 200
        assert client.post(page_of(mia), {**told, "step": "\0"}, headers={"HX-Request": "true"}).status_code == 200
    assert not Purchase.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/till/customers/2222222X/purchase/",
        "/till/customers/x%00y/purchase/",
        "/till/customers/%E2%80%AE/purchase/",
        "/till/purchases/999999999999999999999/",
        "/till/purchases/0/return/",
        "/till/returns/999999999999999999999/",
        "/till/pickups/2222222X/",
        "/till/coupons/2222222X/",
        "/till/coupons/x%00/",
    ],
)
def test_addresses_of_nothing_are_not_found(client, store, path):
    assert client.get(path).status_code == 404
    assert client.post(path).status_code in (404, 405)


def test_part_of_the_page_is_the_quote_alone(client, mia):
    part = client.post(page_of(mia), {"amount": "10"}, headers={"HX-Request": "true"})
    assert "To pay ¥10.00" in text_of(part)
    assert "<html" not in part.content.decode()
    refused = client.post(page_of(mia), {"amount": "10,5"}, headers={"HX-Request": "true"})
    assert "Amount: Please write the amount like 1234.50." in text_of(refused)


def test_page_that_lay_open_too_long_is_shown_again(client, mia, time_machine):
    shown = review(client, mia, amount="10")
    sent = {"amount": "10", "step": "book", "slip": field(shown, "slip"), "pays": field(shown, "pays")}
    time_machine.shift(slips.GOOD_FOR + timedelta(seconds=2))
    again = client.post(page_of(mia), sent)
    assert "This page was open for too long. Please look again." in text_of(again)
    assert not Purchase.objects.exists()
    sent["slip"] = field(again, "slip")
    assert client.post(page_of(mia), sent).status_code == 302
    assert Purchase.objects.get().purchased_at == timezone.now()


def test_store_in_another_currency_takes_no_points_and_reads_its_own_amounts(client, cashier, mia, award):
    award(mia, 500)
    tokyo = StoreFactory(currency="JPY")
    cashier.stores.set([tokyo])
    shown = client.get(page_of(mia))
    assert "Amount in JPY" in text_of(shown)
    assert "Points to pay with" not in text_of(shown)
    assert "Please write the amount like 1234." in text_of(review(client, mia, amount="10.5"))
    assert "Points can pay in CNY only." in text_of(review(client, mia, amount="10", points="5"))
    book(client, mia, amount="1,500")
    assert (Purchase.objects.get().total_minor, Purchase.objects.get().currency) == (1500, "JPY")


def test_purchases_of_own_stores_and_of_customers_are_shown_others_not(client, mia):
    elsewhere, of_mia = PurchaseFactory(), PurchaseFactory(customer=mia)
    assert client.get(f"/till/purchases/{elsewhere.pk}/").status_code == 404
    assert client.get(f"/till/purchases/{of_mia.pk}/").status_code == 200
    mia.closed_at = timezone.now()
    mia.save(update_fields=["closed_at"])
    assert "Mia" not in text_of(client.get(f"/till/purchases/{of_mia.pk}/"))


@pytest.mark.parametrize("number", [1, 3])
def test_quote_takes_as_many_queries_for_three_coupons_as_for_one(client, mia, number, django_assert_num_queries):
    offer = OfferFactory(is_stackable=True)
    CouponFactory.create_batch(number, customer=mia, offer=offer)
    told = {"amount": "100", "coupons": [coupon.code for coupon in Coupon.objects.all()][:1]}
    client.post(page_of(mia), told, headers={"HX-Request": "true"})
    with django_assert_num_queries(17):
        client.post(page_of(mia), told, headers={"HX-Request": "true"})


def test_slip_of_somebody_else_is_none(client, mia):
    forged = json.dumps(["T2222222", timezone.now().timestamp()])
    shown = client.post(page_of(mia), {"amount": "10", "step": "book", "slip": forged, "pays": "1000"})
    assert "open for too long" in text_of(shown)
