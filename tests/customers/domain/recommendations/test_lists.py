from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from customers.domain.recommendations import lists
from customers.models import Recommendation
from tests.factories.customers import CategoryFactory, CustomerFactory, ProductFactory, StoreFactory

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("reason", "english", "chinese"),
    [
        ({"times": 2, "last_on": "2026-06-02"}, "You bought this on 2 days, last on June 2.", "6月2日"),
        (
            {"times": 9, "last_on": "2026-06-02", "every_days": 1},
            "You buy this nearly every day, last on June 2.",
            "每天",
        ),
        (
            {"times": 9, "last_on": "2026-06-02", "every_days": 5},
            "You buy this about every 5 days, last on June 2.",
            "每 5 天",
        ),
        (
            {"times": 9, "last_on": "2026-06-02", "every_days": 8},
            "You buy this about every week, last on June 2.",
            "每周",
        ),
        (
            {"times": 9, "last_on": "2026-06-02", "every_days": 20},
            "You buy this about every 3 weeks, last on June 2.",
            "每 3 周",
        ),
        ({"times": 2, "last_on": "2025-06-02"}, "You bought this on 2 days, last on June 2, 2025.", "2025年6月2日"),
    ],
)
def test_for_customer_says_why_again(reason, english, chinese):
    row = Recommendation(customer=CustomerFactory(), rank=1, product=ProductFactory(), kind="again", score=1)
    row.reason, row.made_at = reason, NOW
    row.save()
    (item,) = lists.for_customer(customer=row.customer, limit=5, at=NOW)
    assert item.reason == english
    with translation.override("zh-hans"):
        assert chinese in lists.for_customer(customer=row.customer, limit=5, at=NOW)[0].reason


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (lambda: {"because": ProductFactory(name="Milk").pk}, "People who buy Milk often take this too."),
        (lambda: {"category": CategoryFactory(name="Tea").pk}, "You like Tea, and many take this."),
        (lambda: {"store": StoreFactory(name="Riverside").pk}, "Many take this at Riverside."),
        (lambda: {"everywhere": True}, "Many customers take this."),
        (lambda: {"because": 0}, "Many customers take this."),
    ],
)
def test_for_customer_says_why_new(reason, words):
    oats = ProductFactory(name="Oats", sku="42", category=CategoryFactory(name="Breakfast"))
    mia = CustomerFactory()
    Recommendation.objects.create(customer=mia, rank=1, product=oats, kind="new", score=1, reason=reason(), made_at=NOW)
    (item,) = lists.for_customer(customer=mia, limit=5, at=NOW)
    assert (item.sku, item.name, item.category, item.kind, item.reason) == ("42", "Oats", "Breakfast", "new", words)


@pytest.mark.parametrize("number", [1, 3])
def test_for_customer_takes_one_query(django_assert_num_queries, number):
    mia, reasons = CustomerFactory(), [{"because": 1}, {"category": 1}, {"store": 1}]
    for rank in range(1, 3 * number + 1):
        reason = reasons[rank % 3]
        Recommendation.objects.create(
            customer=mia, rank=rank, product=ProductFactory(), kind="new", score=1, reason=reason, made_at=NOW
        )
    with django_assert_num_queries(1):
        assert len(lists.for_customer(customer=mia, limit=12, at=NOW)) == 3 * number


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        ("again", {"times": 2, "last_on": "2026-06-02"}, "bought on 2 days, last on June 2"),
        ("again", {"times": 9, "last_on": "2026-06-02", "every_days": 1}, "nearly every day, last on June 2"),
        ("again", {"times": 9, "last_on": "2026-06-02", "every_days": 20}, "about every 3 weeks, last on June 2"),
        ("new", {"everywhere": True}, "popular"),
    ],
)
def test_for_customer_says_why_in_few_words_too(kind, reason, words):
    mia = CustomerFactory()
    Recommendation.objects.create(
        customer=mia, rank=1, product=ProductFactory(), kind=kind, score=1, reason=reason, made_at=NOW
    )
    (item,) = lists.for_customer(customer=mia, limit=5, at=NOW)
    assert item.hint == words


def test_for_customer_leaves_out_what_was_given_up_since_the_night():
    mia, gone = CustomerFactory(), ProductFactory(discontinued_at=NOW)
    oats = ProductFactory(name="Oats", discontinued_at=NOW + timedelta(days=1))
    for rank, product in enumerate((gone, oats), start=1):
        Recommendation.objects.create(
            customer=mia, rank=rank, product=product, kind="new", score=1, reason={"everywhere": True}, made_at=NOW
        )
    assert [item.name for item in lists.for_customer(customer=mia, limit=5, at=NOW)] == ["Oats"]
