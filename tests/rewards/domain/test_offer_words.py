"""What an offer says, in one sentence."""

from datetime import date, time

import pytest
from django.utils import translation

from rewards.domain import offer_words
from tests.factories.customers import CategoryFactory, ProductFactory, SegmentFactory, StoreFactory
from tests.factories.rewards import OfferFactory

pytestmark = pytest.mark.django_db


def test_whole_offer_in_one_sentence():
    offer = OfferFactory(
        kind="PERCENT",
        amount_minor=None,
        percent=20,
        discount_max_minor=3000,
        weekdays=[1],
        customer_max=1,
        redemptions_max=500,
    )
    offer.categories.set([CategoryFactory(name="Cheese")])
    offer.refresh_from_db()
    assert offer_words.summary(offer) == ("20 % off Cheese, at most ¥30.00, Monday, once a customer, 500 times in all.")
    assert offer_words.conditions(offer) == "20 % off Cheese, at most ¥30.00, Monday, once a customer."


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, "¥5.00 off."),
        ({"kind": "GIFT", "amount_minor": None}, "A gift."),
        ({"kind": "PERCENT", "amount_minor": None, "percent": "12.50"}, "12.5 % off."),
        ({"kind": "MULTIPLIER", "amount_minor": None, "points_multiplier": "1.500"}, "1.5 times the points."),
        ({"min_spend_minor": 5000}, "¥5.00 off, from ¥50.00 on."),
        ({"time_from": time(22), "time_to": time(2), "weekdays": [6, 5]}, "¥5.00 off, Friday, Saturday, 22:00–02:00."),
        ({"blackout_dates": [date(2026, 12, 24)]}, "¥5.00 off, not on 1 day."),
        ({"blackout_dates": [date(2026, 12, 24), date(2026, 12, 25)]}, "¥5.00 off, not on 2 days."),
        ({"customer_max": 3}, "¥5.00 off, 3 times a customer."),
        ({"period": "WEEK", "customer_period_max": 1}, "¥5.00 off, once a customer and a week."),
        ({"period": "DAY", "period_max": 40}, "¥5.00 off, 40 times a day."),
        ({"budget_minor": 100_000}, "¥5.00 off, ¥1,000.00 in all."),
        ({"redemptions_max": 0}, "¥5.00 off, 0 times in all."),
    ],
)
def test_each_part_of_it(terms, said):
    offer = OfferFactory(**terms)
    offer.refresh_from_db()
    assert offer_words.summary(offer) == said


def test_multiplied_points_are_on_goods():
    offer = OfferFactory(kind="MULTIPLIER", amount_minor=None, points_multiplier=2)
    offer.categories.set([CategoryFactory(name="Cheese")])
    offer.refresh_from_db()
    assert offer_words.summary(offer) == "2 times the points on Cheese."


def test_names_of_what_it_is_for():
    brie = ProductFactory(name="Brie")
    free = OfferFactory(kind="FREE_PRODUCT", amount_minor=None, free_product=brie, segment=SegmentFactory(name="VIP"))
    assert offer_words.summary(free) == "One Brie free, for customers in “VIP”."
    free.categories.set([CategoryFactory(name="Bread")])
    assert offer_words.worth(free) == "one Brie free"
    assert offer_words.summary(free) == "One Brie free with Bread, for customers in “VIP”."
    many = OfferFactory()
    many.products.set([ProductFactory(name=f"P{n}") for n in range(5)])
    many.stores.set([StoreFactory(name="North"), StoreFactory(name="South")])
    assert offer_words.summary(many) == "¥5.00 off P0, P1, P2 and 2 more, at North, South."


@pytest.mark.parametrize("number", [1, 4])
def test_names_are_read_for_all_offers_at_once(number, django_assert_num_queries):
    offers = [OfferFactory(segment=SegmentFactory()) for _ in range(number)]
    for offer in offers:
        offer.products.set([ProductFactory()])
        offer.refresh_from_db()
    with django_assert_num_queries(4):
        offer_words.with_names(offers)
        for offer in offers:
            offer_words.summary(offer)


@pytest.mark.parametrize(
    ("percent", "said"),
    [("15", "8.5 折"), ("50", "5 折"), ("12.50", "8.75 折"), ("99.50", "0.05 折"), ("100", "优惠 100%")],
)
def test_chinese_says_in_tenths_what_is_left_to_pay(percent, said):
    offer = OfferFactory(kind="PERCENT", amount_minor=None, percent=percent)
    offer.refresh_from_db()
    with translation.override("zh-hans"):
        assert offer_words.worth(offer) == said


def test_chinese_sentence_tells_names_and_conditions_apart():
    offer = OfferFactory(kind="PERCENT", amount_minor=None, percent=20, min_spend_minor=5000, customer_max=1)
    offer.categories.set([CategoryFactory(name="奶酪"), CategoryFactory(name="面包")])
    offer.refresh_from_db()
    with translation.override("zh-hans"):
        assert offer_words.summary(offer) == "奶酪、面包 8 折，满 ¥50.00 可用，每位顾客限 1 次。"
