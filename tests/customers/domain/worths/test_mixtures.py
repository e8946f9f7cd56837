from dataclasses import replace

import numpy as np
import pytest

from customers.domain.visits import Spends, Visits
from customers.domain.worths import mixtures
from customers.domain.worths.mixtures import Known, Mixture

MODEL = Visits(r=1.2, alpha=3.0, a=0.6, b=4.0)


def known(*rows):
    """Of (repeats, last day, days, days in a year, spent, recent days, recently spent)."""
    return Known.counted(*np.array(rows, float).T)


SOME = known((20, 200, 210, 21, 210, 8, 80), (2, 10, 210, 3, 30, 0.2, 2), (0, 0, 5, 1, 10, 0.9, 9))


def test_weight_one_is_the_model_with_its_range():
    told, plain = Mixture(MODEL).ahead(SOME, weeks=20), MODEL.ahead(SOME.seen, weeks=20, share=0.8)
    for mine, theirs in zip((told.expected, told.low, told.high), (plain.expected, plain.low, plain.high), strict=True):
        assert mine.tolist() == pytest.approx(theirs.tolist())


def test_weight_none_is_what_came_lately_for_twelve_weeks_and_fades_as_the_model_does():
    twelve, year = (Mixture(MODEL, weight=0).ahead(SOME, weeks=weeks).expected for weeks in (12, 52))
    assert twelve.tolist() == pytest.approx((SOME.recent_rate * 12).tolist())
    model = [MODEL.ahead(SOME.seen, weeks=weeks, share=0.8).expected for weeks in (12, 52)]
    assert (year / np.maximum(twelve, 1e-9)).tolist() == pytest.approx((model[1] / model[0] * [1, 1, 0]).tolist())


def test_stretched_range_is_wider_and_holds_what_is_expected():
    narrow, wide = (Mixture(MODEL, 0.5, stretch).ahead(SOME, weeks=30) for stretch in (1, 2))
    assert (wide.low <= narrow.low).all()
    assert (wide.high >= narrow.high).all()
    assert wide.high[0] > narrow.high[0]
    assert ((narrow.low <= narrow.expected + 0.5) & (narrow.expected - 0.5 <= narrow.high)).all()
    assert (narrow.low >= 0).all()


def test_range_holds_both_where_the_model_takes_for_gone_who_came_often_lately():
    stopped = known((45, 200, 273, 46, 460, 12, 120))
    steady = Visits(r=1.4, alpha=1.35, a=0.03, b=26)
    model, mixed = (Mixture(steady, weight).ahead(stopped, weeks=12) for weight in (1, 0.2))
    assert model.expected[0] < 1 < 10 < mixed.expected[0]
    assert mixed.low[0] == model.low[0] == 0
    assert mixed.high[0] >= mixed.expected[0] - 0.5


def test_who_is_gone_is_foretold_nothing_whatever_came_lately():
    gone = known((300, 350, 450, 300, 900, 3, 9))
    ahead = Mixture(Visits(0.243, 4.414, 0.793, 2.426), weight=0).ahead(gone, weeks=52)
    assert np.isfinite(ahead.expected).all()
    assert ahead.expected[0] < 0.1


def test_nobody_comes_more_than_about_daily():
    daily = known((364, 364, 364, 365, 365, 0.5 ** (np.arange(365) / 42) @ np.ones(365), 50))
    assert Mixture(MODEL, weight=0).ahead(daily, weeks=52).expected[0] < 1.03 * 364


def shops(rng, shift):
    """Customers who came as often as they do until lately, and then `shift` times as often."""
    rates, weeks = rng.gamma(2, 0.2, 400), 40.0
    recent = mixtures.HALF_LIFE / 7 / np.log(2)
    seen = known(*((n, 7 * weeks * 0.99, 7 * weeks, n + 1, 10 * n + 10, 0, 0) for n in rng.poisson(rates * weeks)))
    lately = rng.poisson(rates * recent * shift * 20) / 20
    return replace(seen, recent_days=lately), rng.poisson(rates * shift * 12).astype(float)


def test_look_back_chooses_what_erred_least_and_a_range_that_held():
    then, came = shops(np.random.default_rng(2), shift=2.0)
    back = mixtures.looked_back(then, came, weeks=12)
    assert back.mixture.weight < 0.4
    by_hand = {w: np.abs(Mixture(back.mixture.model, w).ahead(then, weeks=12).expected - came).mean() for w in (0, 1)}
    assert back.error <= min(by_hand.values())
    assert by_hand[0] < by_hand[1]
    ahead = back.mixture.ahead(then, weeks=12)
    assert back.held == ((ahead.low <= came) & (came <= ahead.high)).mean() >= 0.8
    assert back.bias == pytest.approx(ahead.expected.sum() / came.sum() - 1)


def test_ranges_of_more_weeks_than_were_looked_back_on_are_wider():
    then, came = shops(np.random.default_rng(2), shift=2.0)
    back = mixtures.looked_back(then, came, weeks=12)
    mixtures_of = [back.mixture_of(MODEL, weeks=weeks) for weeks in (6, 12, 48)]
    stretch = back.mixture.stretch
    assert [one.stretch for one in mixtures_of] == pytest.approx([stretch, stretch, 2 * stretch])
    assert {one.weight for one in mixtures_of} == {back.mixture.weight}
    assert {one.model for one in mixtures_of} == {MODEL}


def test_nobody_who_came_has_no_bias():
    then, came = shops(np.random.default_rng(2), shift=1.0)
    assert mixtures.looked_back(then, came * 0, weeks=12).bias is None


def test_a_visit_is_worth_the_usual_as_one_visit_beside_the_recent_ones():
    model = Spends(p=6.25, q=3.74, gamma=15.44)
    usual = model.expected(SOME.days, SOME.spend / SOME.days)
    assert mixtures.visit_spend(SOME, model).tolist() == pytest.approx(
        [(usual[0] + 80) / 9, (usual[1] + 2) / 1.2, (usual[2] + 9) / 1.9]
    )
    assert mixtures.visit_spend(SOME, None).tolist() == pytest.approx([10, 10, 10])
    refunded = known((3, 20, 30, 0, -5, 0.5, -5))
    assert mixtures.visit_spend(refunded, None).tolist() == [0]


def test_spends_need_customers_who_came_back():
    days, spend = np.array([1.0, 2, 3, 0]), np.array([10.0, 20, 30, 0])
    assert mixtures.fit_spends(days, spend, repeaters_min=3) is None
    assert mixtures.fit_spends(days, spend, repeaters_min=2) is not None


@pytest.mark.parametrize("weight", [0, 0.5, 1])
@pytest.mark.parametrize("stretch", [1, 2])
def test_range_holds_what_is_expected_also_of_who_is_hardly_there_any_more(weight, stretch):
    gaps = np.arange(1, 120, 3)
    people = known(*[(100, 300, 300 + gap, 90, 900, 60 * 0.5 ** (gap / 42), 0) for gap in gaps])
    told = MODEL.ahead(people.seen, weeks=52, share=0.8)
    assert (told.high < told.expected).any()
    found = Mixture(MODEL, weight, stretch).ahead(people, weeks=52)
    assert ((found.low <= found.expected + 0.5) & (found.expected - 0.5 <= found.high)).all()


@pytest.mark.parametrize("stretch", [1, 1.4, 3])
def test_nobody_is_foretold_more_visits_than_there_are_days(stretch):
    daily = known((1000, 1000, 1000, 365, 3650, 60, 600), (90, 90, 90, 91, 910, 46, 460))
    found = Mixture(MODEL, 0.2, stretch).ahead(daily, weeks=365 / 7)
    assert (found.expected > 200).all()
    assert (found.expected <= 365).all()
    assert (found.high <= 365).all()
    assert (found.low <= found.expected).all()
