"""What a night learned."""

from datetime import timedelta
from io import BytesIO

import numpy as np
import pytest

from customers.domain.recommendations import runs
from customers.models import RecommendationRun
from tests.customers.domain.recommendations.purchases import NOW, buy_often
from tests.factories.customers import (
    CustomerFactory,
    ProductFactory,
)

pytestmark = pytest.mark.django_db


def test_what_was_learned_holds_nothing_about_customers(store):
    people = [CustomerFactory(pk=900_000_001 + n) for n in range(5)]
    for customer in people:
        buy_often(customer, store, *ProductFactory.create_batch(2))
    runs.refresh(at=NOW)
    with np.load(BytesIO(RecommendationRun.objects.get().content)) as held:
        assert set(held) == {
            "product_ids", "weights", "chance", "gap", "alike_products", "alike_weights", "popular", "popular_rows",
            "share_10", "share_28", "share_120", "alone",
        }  # fmt: skip
        assert all((held[name].astype(float) < 900_000_000).all() for name in held)


def test_a_night_that_began_later_keeps_what_it_learned(store, monkeypatch):
    """Two at once: the earlier one is done learning when the later one has stored what it learned."""
    buy_often(CustomerFactory(), store, ProductFactory())
    learned, later = runs._learned, []

    def slowly(*told):
        if not later:
            later.append(None)
            later[0] = runs.refresh(at=NOW)
        return learned(*told)

    monkeypatch.setattr(runs, "_learned", slowly)
    runs.refresh(at=NOW)
    assert RecommendationRun.objects.get(pk=later[0].pk).content


def test_refresh_keeps_only_what_was_learned_last(store):
    buy_often(CustomerFactory(), store, ProductFactory())
    first, second = runs.refresh(at=NOW - timedelta(days=61)), runs.refresh(at=NOW)
    assert not RecommendationRun.objects.filter(pk=first.pk).exists()
    assert RecommendationRun.objects.get(pk=second.pk).content
