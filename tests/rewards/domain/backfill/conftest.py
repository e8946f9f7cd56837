from datetime import time, timedelta

import pytest

from customers.models import Product
from rewards.models import (
    TierChange,
    TierChangeReason,
)
from tests.factories.customers import (
    CardFactory,
    CategoryFactory,
    ProductFactory,
    StoreFactory,
)
from tests.factories.rewards import (
    BaseRuleFactory,
    CapRuleFactory,
    MultiplierRuleFactory,
    TierFactory,
)
from tests.rewards.domain.backfill.files import START


@pytest.fixture
def catalog():
    """Two stores, two categories, four products and rules that change, overlap and leave something out."""
    stores = [StoreFactory(code=f"S{n}", timezone=zone) for n, zone in enumerate(["Asia/Shanghai", "America/New_York"])]
    fruit, wine = CategoryFactory(code="FRUIT"), CategoryFactory(code="WINE")
    for sku, category in (("A", fruit), ("B", fruit), ("C", wine), ("D", None)):
        ProductFactory(sku=sku, category=category)
    spring = START + timedelta(days=40)
    BaseRuleFactory(points=1, per_minor=100, valid_from=START + timedelta(days=3), valid_to=spring)
    BaseRuleFactory(version=2, points=3, per_minor=70, valid_from=spring)
    BaseRuleFactory(code="rival", points=1, per_minor=90, valid_from=START, valid_to=START + timedelta(days=70))
    MultiplierRuleFactory(code="fruit", category=fruit, multiplier="1.5", valid_from=START)
    MultiplierRuleFactory(code="a", product=Product.objects.get(sku="A"), multiplier="2.125", valid_from=spring)
    MultiplierRuleFactory(code="here", store=stores[1], multiplier="3", valid_from=spring)
    MultiplierRuleFactory(code="no-wine", category=wine, multiplier="0", valid_from=spring)
    MultiplierRuleFactory(code="over", multiplier="9", valid_from=START, valid_to=START + timedelta(days=1))


@pytest.fixture
def fine_print(catalog):
    """Rules by tier, weekday and hour, and caps over each other, that change too."""
    gold, silver = TierFactory(rank=2, name={"en": "Gold"}), TierFactory(rank=1, name={"en": "Silver"})
    for owner in "AB":
        first = CardFactory(number=f"{owner}1").customer
        second = CardFactory(number=f"{owner}2").customer
        steps = [
            (first, None, silver, 10),
            (first, silver, gold, 60),
            (second, None, gold, 20),
            (second, gold, None, 90),
        ]
        for customer, before, after, day in steps:
            TierChange.objects.create(
                customer=customer,
                from_tier=before,
                to_tier=after,
                happened_at=START + timedelta(days=day),
                why=TierChangeReason.REACHED,
                actor="system",
            )
    summer = START + timedelta(days=80)
    MultiplierRuleFactory(code="silver", tier=silver, multiplier="1.75", valid_from=START)
    MultiplierRuleFactory(code="gold", tier=gold, multiplier="2.25", valid_from=START)
    MultiplierRuleFactory(code="weekend", weekdays=[6, 7], multiplier="2.5", valid_from=START)
    MultiplierRuleFactory(
        code="night", weekdays=[3, 5], time_from=time(20), time_to=time(6, 30), multiplier="4", valid_from=START
    )
    CapRuleFactory(code="basket", points=150, cap_period="PURCHASE", valid_from=START)
    CapRuleFactory(code="day", points=160, cap_period="DAY", valid_from=START, valid_to=summer)
    CapRuleFactory(code="week", points=180, cap_period="WEEK", valid_from=START)
    CapRuleFactory(code="month", points=260, cap_period="MONTH", valid_from=START, valid_to=summer)
    CapRuleFactory(code="month", version=2, points=330, cap_period="MONTH", valid_from=summer)
    CapRuleFactory(code="year", points=600, cap_period="YEAR", valid_from=START)
