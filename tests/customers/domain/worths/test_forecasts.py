"""What is foretold stands with the rhythms, with its range and a look back."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from customers.domain import rhythms
from customers.domain.absences import chances
from customers.domain.visits import Visits
from customers.domain.worths import evaluation, forecasts, mixtures
from customers.models import Forecast, Product, Purchase, PurchaseLine, PurchaseReturn, PurchaseReturnLine, Rhythm
from tests.factories.customers import CustomerFactory, ProductFactory, RhythmFactory, StoreFactory

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


def bring_back(bought, amount):
    product: Product = ProductFactory()
    for one in bought:
        line = PurchaseLine.objects.create(
            purchase=one, position=1, product=product, quantity=1, amount_minor=one.total_minor
        )
        back = PurchaseReturn.objects.create(
            purchase=one, store=one.store, return_number=f"B{one.pk}", returned_at=NOW, recorded_at=NOW
        )
        PurchaseReturnLine.objects.create(
            purchase_return=back, line=line, quantity=1, amount_minor=amount(one.total_minor)
        )


@pytest.mark.parametrize("weeks_ago", [0, 12, 20])
def test_database_counts_as_the_measurement_does(weeks_ago):
    shop()
    bought = list(Purchase.objects.order_by("pk"))
    gone, half = bought[::11], bought[1::11]
    bring_back(gone, lambda total: total)
    bring_back(half, lambda total: total // 2)
    rhythms.refresh(at=NOW)
    worth = {one.pk: one.paid_minor for one in bought} | {one.pk: one.paid_minor - one.paid_minor // 2 for one in half}
    kept = [one for one in bought if one not in gone]
    ids = sorted({one.customer_id for one in kept})
    days = evaluation.gathered(
        np.array([ids.index(one.customer_id) for one in kept]),
        np.array([one.purchased_at.date().toordinal() for one in kept]),
        np.array([float(worth[one.pk]) for one in kept]),
    )
    until = TODAY - timedelta(weeks=weeks_ago)
    expected = evaluation.at(days, until.toordinal(), ahead_days=7 * weeks_ago)
    found, known, came = forecasts._counted(NOW, until)
    assert [ids.index(pk) for pk in found] == expected.who.tolist()
    assert came.tolist() == expected.came.tolist()
    for mine, theirs in zip(columns(known), columns(expected.known), strict=True):
        assert mine == pytest.approx(theirs)


def columns(known):
    seen = (known.seen.repeats, known.seen.last_week, known.seen.weeks)
    return (*seen, known.days, known.spend, known.recent_days, known.recent_spend)


def test_everybody_gets_visits_with_their_range_as_the_mixture_says():
    shop()
    forecast = forecasts.refresh(at=NOW)
    assert forecast is not None
    model = Visits(forecast.r, forecast.alpha, forecast.a, forecast.b)
    mixture = mixtures.Mixture(model, forecast.model_weight, forecast.range_stretch)
    ids, known, _came = forecasts._counted(NOW, TODAY)
    ahead = mixture.ahead(known, weeks=365 / 7)
    rows = Rhythm.objects.in_bulk(ids)
    assert len(rows) == Rhythm.objects.count() == 60
    for place, pk in enumerate(ids):
        row = rows[pk]
        assert (row.days, row.year_days, row.year_spend_minor) == (
            known.seen.repeats[place] + 1, known.days[place], known.spend[place]
        )  # fmt: skip
        assert float(row.visits_expected) == pytest.approx(ahead.expected[place], abs=0.051)
        assert (row.visits_low, row.visits_high) == (ahead.low[place], ahead.high[place])
        assert 1000 < row.visit_spend_minor < 3000


def test_who_comes_from_a_store_where_it_is_tomorrow_is_counted_today():
    store = StoreFactory(timezone="Pacific/Auckland")
    shop()
    customer = CustomerFactory()
    Purchase.objects.create(
        customer=customer,
        store=store,
        receipt_number="late",
        source="TILL",
        purchased_at=NOW,
        recorded_at=NOW,
        recorded_by="system",
        currency="CNY",
        total_minor=100,
        paid_minor=100,
    )
    rhythms.refresh(at=NOW)
    forecasts.refresh(at=NOW)
    assert Rhythm.objects.get(customer=customer).visits_expected is not None


def test_look_back_says_how_far_off_it_would_have_been():
    shop()
    forecast = forecasts.refresh(at=NOW)
    assert forecast.customers == 60
    assert forecast.weeks == 25  # of the 350 days that are known half
    assert 0.8 <= forecast.held <= 1
    assert 0 < forecast.error < 8
    assert 0 < forecast.plain_error < 10
    assert -0.5 < forecast.bias < 0.5


def test_shop_too_young_for_a_look_back_trusts_the_model(monkeypatch):
    shop()
    monkeypatch.setattr(mixtures, "LOOK_BACK_MIN", 30)
    forecast = forecasts.refresh(at=NOW)
    assert (forecast.model_weight, forecast.range_stretch, forecast.weeks) == (1, 1, 0)
    assert (forecast.error, forecast.held) == (None, None)


def test_weight_that_is_no_share_and_a_narrower_range_are_refused():
    told = {"made_at": NOW, "customers": 9, "weeks": 12, "r": 1, "alpha": 1, "a": 1, "b": 1}
    for wrong in ({"model_weight": 1.1, "range_stretch": 1}, {"model_weight": 1, "range_stretch": 0.9}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Forecast.objects.create(**told, **wrong)


def test_too_few_who_came_back_say_nothing_and_take_back_what_was_said():
    RhythmFactory(visits_expected=3, visits_low=1, visits_high=6, visit_spend_minor=900)
    assert forecasts.refresh(at=NOW) is None
    assert Rhythm.objects.get().visits_expected is None
    assert not Forecast.objects.exists()


def test_chunks_and_samples_say_the_same_of_everybody(monkeypatch):
    shop()
    forecasts.refresh(at=NOW)
    whole = list(Rhythm.objects.order_by("pk").values_list("pk", "visits_expected", "visits_high"))
    monkeypatch.setattr(forecasts, "CHUNK", 7)
    forecasts.refresh(at=NOW + timedelta(minutes=1))
    assert list(Rhythm.objects.order_by("pk").values_list("pk", "visits_expected", "visits_high")) == whole
    monkeypatch.setattr(forecasts, "FITTED_MAX", 30)
    monkeypatch.setattr(forecasts, "REPEATERS_MIN", 5)
    sampled = forecasts.refresh(at=NOW + timedelta(minutes=2))
    assert sampled.customers < 60
    assert not Rhythm.objects.filter(visits_expected__isnull=True).exists()


def test_again_writes_nothing(django_assert_num_queries):
    shop(40)
    forecasts.refresh(at=NOW)
    before = list(Rhythm.objects.order_by("pk").values_list("pk", "visits_expected"))
    forecasts.refresh(at=NOW + timedelta(minutes=1))
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


def test_who_bought_a_lifetime_ago_is_foretold_too():
    """Files from elsewhere have such days where nobody knew the real one."""
    shop()
    old: Purchase = Purchase.objects.order_by("pk")[0]
    old.pk, old.receipt_number, old.purchased_at = None, "OLD", datetime(1900, 1, 1, 12, tzinfo=UTC)
    old.save(force_insert=True)
    rhythms.refresh(at=NOW)
    assert forecasts.refresh(at=NOW) is not None
    assert chances.refresh(at=NOW) >= 0
    assert Rhythm.objects.get(pk=old.customer_id).visits_expected is not None
