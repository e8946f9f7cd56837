"""What is foretold stands with the rhythms, with its range and a look back."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError

from customers.domain import rhythms, visits, worths
from customers.domain.visits import Histories
from customers.models import Forecast, Purchase, Rhythm
from tests.factories.customers import CustomerFactory, RhythmFactory, StoreFactory

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
TODAY = NOW.date()

pytestmark = pytest.mark.django_db


def shop(customers=60):
    """Some come every week, some came for a while; all spend 10.00 to 30.00."""
    rng, store = np.random.default_rng(3), StoreFactory()
    rows = []
    for number, customer in enumerate(CustomerFactory.create_batch(customers)):
        every, until = int(rng.integers(5, 40)), int(rng.choice([0, 0, 100, 200]))
        for place, days_ago in enumerate(range(350, until, -every)):
            paid = int(rng.integers(1000, 3000))
            rows.append(
                Purchase(
                    customer=customer,
                    store=store,
                    receipt_number=f"{number}-{place}",
                    source="TILL",
                    purchased_at=NOW - timedelta(days=days_ago),
                    recorded_at=NOW,
                    recorded_by="system",
                    currency="CNY",
                    total_minor=paid,
                    paid_minor=paid,
                )
            )
    Purchase.objects.bulk_create(rows)
    rhythms.refresh(at=NOW)


def test_everybody_gets_visits_with_their_range_as_the_model_says():
    shop()
    forecast = worths.refresh(at=NOW)
    assert forecast is not None
    model = visits.Visits(forecast.r, forecast.alpha, forecast.a, forecast.b)
    for row in Rhythm.objects.all():
        seen = (row.days - 1, (row.last_on - row.first_on).days / 7, (TODAY - row.first_on).days / 7, 1)
        ahead = model.ahead(Histories(*(np.array([float(n)]) for n in seen)), weeks=365 / 7, share=0.8)
        assert float(row.visits_expected) == pytest.approx(ahead.expected[0], abs=0.051)
        assert (row.visits_low, row.visits_high) == (ahead.low[0], ahead.high[0])
        assert 1000 < row.visit_spend_minor < 3000


def test_look_back_says_how_far_off_it_would_have_been():
    shop()
    forecast = worths.refresh(at=NOW)
    assert forecast.customers == 60
    assert forecast.weeks == 12
    assert 0 < forecast.error < 5
    assert 0 < forecast.plain_error < 10
    assert -0.5 < forecast.bias < 0.5


def test_too_few_who_came_back_say_nothing_and_take_back_what_was_said():
    RhythmFactory(visits_expected=3, visits_low=1, visits_high=6, visit_spend_minor=900)
    assert worths.refresh(at=NOW) is None
    assert Rhythm.objects.get().visits_expected is None
    assert not Forecast.objects.exists()


def test_chunks_and_samples_say_the_same_of_everybody(monkeypatch):
    shop()
    worths.refresh(at=NOW)
    whole = list(Rhythm.objects.order_by("pk").values_list("pk", "visits_expected", "visits_high"))
    monkeypatch.setattr(worths, "CHUNK", 7)
    worths.refresh(at=NOW + timedelta(minutes=1))
    assert list(Rhythm.objects.order_by("pk").values_list("pk", "visits_expected", "visits_high")) == whole
    monkeypatch.setattr(worths, "FITTED_MAX", 30)
    monkeypatch.setattr(worths, "REPEATERS_MIN", 5)
    sampled = worths.refresh(at=NOW + timedelta(minutes=2))
    assert sampled.customers < 60
    assert not Rhythm.objects.filter(visits_expected__isnull=True).exists()


def test_again_writes_nothing(django_assert_num_queries):
    shop(40)
    worths.refresh(at=NOW)
    before = list(Rhythm.objects.order_by("pk").values_list("pk", "visits_expected"))
    worths.refresh(at=NOW + timedelta(minutes=1))
    assert list(Rhythm.objects.order_by("pk").values_list("pk", "visits_expected")) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"visits_expected": 3},
        {"visits_expected": 3, "visits_low": 5, "visits_high": 4, "visit_spend_minor": 1},
        {"usual_days": 3},
        {"usual_days": 3, "due_on": TODAY, "drifts_from": None},
    ],
)
def test_half_of_what_is_foretold_is_refused(wrong):
    with pytest.raises(IntegrityError):
        RhythmFactory(**wrong)
