from datetime import UTC, datetime

import pytest
from django.utils import translation

from customers.domain.recommendations import lists
from customers.models import Recommendation
from tests.factories.customers import CategoryFactory, CustomerFactory, ProductFactory, StoreFactory

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("reason", "english", "chinese_date"),
    [
        ({"times": 2, "last_on": "2026-06-02"}, "You bought this on 2 days, last on June 2.", "6月2日"),
        ({"times": 9, "last_on": "2026-06-02", "every_days": 1}, "You buy this nearly every day, last on June 2.", ""),
        (
            {"times": 9, "last_on": "2026-06-02", "every_days": 5},
            "You buy this about every 5 days, last on June 2.",
            "",
        ),
        (
            {"times": 9, "last_on": "2026-06-02", "every_days": 8},
            "You buy this about every week, last on June 2.",
            "",
        ),
        (
            {"times": 9, "last_on": "2026-06-02", "every_days": 20},
            "You buy this about every 3 weeks, last on June 2.",
            "",
        ),
        ({"times": 2, "last_on": "2025-06-02"}, "You bought this on 2 days, last on June 2, 2025.", "2025年6月2日"),
    ],
)
def test_for_customer_says_why_again(reason, english, chinese_date):
    row = Recommendation(customer=CustomerFactory(), rank=1, product=ProductFactory(), kind="again", score=1)
    row.reason, row.made_at = reason, NOW
    row.save()
    (item,) = lists.for_customer(customer=row.customer, limit=5)
    assert item.reason == english
    with translation.override("zh-hans"):
        assert chinese_date in lists.for_customer(customer=row.customer, limit=5)[0].reason


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
    (item,) = lists.for_customer(customer=mia, limit=5)
    assert (item.sku, item.name, item.category, item.kind, item.reason) == ("42", "Oats", "Breakfast", "new", words)


@pytest.mark.parametrize("number", [1, 3])
def test_for_customer_takes_four_queries_at_most(django_assert_num_queries, number):
    mia, reasons = CustomerFactory(), [{"because": 1}, {"category": 1}, {"store": 1}]
    for rank in range(1, 3 * number + 1):
        reason = reasons[rank % 3]
        Recommendation.objects.create(
            customer=mia, rank=rank, product=ProductFactory(), kind="new", score=1, reason=reason, made_at=NOW
        )
    with django_assert_num_queries(4):
        assert len(lists.for_customer(customer=mia, limit=12)) == 3 * number
