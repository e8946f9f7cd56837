"""The interval's coverage is computed exactly, by adding up the probabilities of all outcomes."""

from math import comb

import pytest

from surveys.domain import scoring


def test_nps_of_nothing_is_none():
    assert scoring.nps(0, 0, 0) is None


def test_nps_is_promoters_less_detractors_with_its_interval():
    nps = scoring.nps(6, 2, 2)
    p, d = 6.75 / 13, 2.75 / 13
    margin = 1.959964 * ((p + d - (p - d) ** 2) / 13) ** 0.5
    assert (nps.score, nps.n) == (40.0, 10)
    assert nps.low == pytest.approx(100 * (p - d - margin))
    assert nps.high == pytest.approx(100 * (p - d + margin))


def test_nps_interval_stays_on_the_scale():
    assert (scoring.nps(3, 0, 0).high, scoring.nps(0, 0, 3).low) == (100.0, -100.0)


def test_nps_counts_scores_by_group():
    counts = [1, 0, 0, 0, 0, 0, 2, 4, 8, 16, 32]  # 3 detractors, 12 passives, 48 promoters
    assert scoring.nps_of(counts) == scoring.nps(48, 12, 3)


@pytest.mark.parametrize("n", [20, 40])
@pytest.mark.parametrize(("p", "d"), [(0.5, 0.2), (0.3, 0.3), (0.7, 0.1)])
def test_nps_interval_covers_the_truth_as_often_as_it_says(n, p, d):
    covered = 0.0
    for promoters in range(n + 1):
        for detractors in range(n + 1 - promoters):
            passives = n - promoters - detractors
            nps = scoring.nps(promoters, passives, detractors)
            if nps.low <= 100 * (p - d) <= nps.high:
                ways = comb(n, promoters) * comb(n - promoters, detractors)
                covered += ways * p**promoters * d**detractors * (1 - p - d) ** passives
    assert 0.93 <= covered <= 0.97


def test_response_rate_counts_mails_that_may_have_arrived():
    rate = scoring.response_rate(answered=30, accepted=95, uncertain=5)
    assert (rate.part, rate.whole, rate.share) == (30, 100, 0.3)


def test_response_rate_of_nobody_has_no_share():
    assert scoring.response_rate(answered=0, accepted=0, uncertain=0).share is None
