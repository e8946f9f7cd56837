"""BG/NBD and Gamma-Gamma find what was published, and what they were drawn from."""

from datetime import date

import numpy as np
import pytest

from customers.domain import visits
from customers.domain.visits import Histories, Spends, Visits
from customers.domain.worths import evaluation
from tests.customers.domain.worths import cdnow as shop

PUBLISHED = Visits(r=0.243, alpha=4.414, a=0.793, b=2.426)


@pytest.fixture(scope="module")
def cdnow():
    """As Fader, Hardie and Lee (2005) counted 2,357 customers of CDNOW in 39 weeks of 1997."""
    days = shop.days()
    return evaluation.at(days, date(1997, 9, 30).toordinal(), ahead_days=273).known.seen


def one(repeats, last_week, weeks):
    return Histories(*(np.array([float(number)]) for number in (repeats, last_week, weeks, 1)))


def test_published_parameters_are_found(cdnow):
    found = visits.fit_visits(cdnow)
    assert cdnow.customers.sum() == 2357
    for name in ("r", "alpha", "a", "b"):
        assert getattr(found, name) == pytest.approx(getattr(PUBLISHED, name), abs=0.005)
    assert found.log_likelihood(cdnow) == pytest.approx(-9582.4, abs=0.1)


def test_visits_of_the_next_39_weeks_are_those_of_the_formula(cdnow):
    """1,653 repeats of all together, of 1,882 that came; computed with the hypergeometric function elsewhere."""
    ahead = visits.fit_visits(cdnow).ahead(cdnow, weeks=39, share=0.8)
    assert cdnow.customers @ ahead.expected == pytest.approx(1653.4, abs=0.5)


def test_the_published_customer():
    """x = 2, last in week 30.43 of 38.86: 1.226 more in 39 weeks."""
    ahead = PUBLISHED.ahead(one(2, 30.43, 38.86), weeks=39, share=0.8)
    assert ahead.expected[0] == pytest.approx(1.226, abs=0.001)


def test_range_holds_its_share_of_customers_drawn_from_the_model():
    rng = np.random.default_rng(5)
    model, weeks = Visits(r=1.2, alpha=3.0, a=0.6, b=4.0), 26.0
    seen, came = _drawn(rng, model, 20_000, weeks)
    ahead = model.ahead(seen, weeks=weeks, share=0.8)
    assert came.mean() == pytest.approx(ahead.expected.mean(), rel=0.02)
    assert (came > ahead.high).mean() < 0.105
    assert (came < ahead.low).mean() < 0.105
    # and no wider than whole visits make it
    assert (came >= ahead.high)[ahead.high > 0].mean() > 0.1
    assert (came <= ahead.low)[ahead.low > 0].mean() > 0.1


def _drawn(rng, model, number, weeks):
    """Histories of 52 weeks, and what the next `weeks` bring."""
    rates = rng.gamma(model.r, 1 / model.alpha, number)
    stops = rng.beta(model.a, model.b, number)
    rows, came = np.zeros((number, 4)), np.zeros(number)
    for n in range(number):
        at, repeats, last = 0.0, 0, 0.0
        is_there = True  # the first purchase stops nobody
        while is_there:
            at += rng.exponential(1 / rates[n])
            if at > 52 + weeks:
                break
            if at <= 52:
                repeats, last = repeats + 1, at
            else:
                came[n] += 1
            is_there = rng.random() >= stops[n]
        rows[n] = (repeats, last, 52, 1)
    return Histories(*rows.T), came


def test_who_came_often_and_stopped_is_gone_and_a_newcomer_is_not():
    chances = [PUBLISHED.alive(one(*history))[0] for history in ((20, 10, 39), (20, 38, 39), (0, 0, 39))]
    assert chances[0] < 0.01 < 0.9 < chances[1]
    assert chances[2] == 1


def test_nothing_ahead_of_who_is_gone():
    ahead = PUBLISHED.ahead(one(300, 50, 500), weeks=52, share=0.8)
    assert (ahead.expected[0], ahead.low[0], ahead.high[0]) == (pytest.approx(0, abs=1e-6), 0, 0)


def test_spends_are_found_that_were_drawn():
    rng = np.random.default_rng(11)
    told = Spends(p=6.25, q=3.74, gamma=15.44)
    days = rng.integers(1, 8, 20_000).astype(float)
    scale = rng.gamma(told.q, 1 / told.gamma, 20_000)
    mean = rng.gamma(told.p * days, 1 / (scale * days))
    found = visits.fit_spends(days, mean)
    assert (found.p, found.q, found.gamma) == tuple(
        pytest.approx(value, rel=0.08) for value in (told.p, told.q, told.gamma)
    )


def test_a_visit_is_worth_the_more_ones_own_the_more_there_were():
    model = Spends(p=6.25, q=3.74, gamma=15.44)
    everybody = model.expected(np.zeros(1), np.zeros(1))[0]
    once, often = (model.expected(np.array([number]), np.array([100.0]))[0] for number in (1.0, 50.0))
    assert everybody == pytest.approx(6.25 * 15.44 / 2.74)
    assert everybody < once < often < 100


def test_few_customers_give_parameters_that_are_numbers():
    few = Histories(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([2.0, 2.0]), np.array([1.0, 1.0]))
    found = visits.fit_visits(few)
    assert all(np.isfinite(value) and value > 0 for value in (found.r, found.alpha, found.a, found.b))
