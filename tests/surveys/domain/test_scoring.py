from statistics import NormalDist

import pytest

from rewards.domain import statistics
from surveys.domain import scoring
from surveys.domain.scoring import Dispositions, Rate


def test_nps_of_nothing_is_none():
    assert scoring.nps(0, 0, 0) is None


def test_nps_is_promoters_less_detractors_with_its_interval():
    nps = scoring.nps(6, 2, 2)
    p, d = 6.75 / 13, 2.75 / 13
    margin = NormalDist().inv_cdf(0.975) * ((p + d - (p - d) ** 2) / 13) ** 0.5
    assert (nps.value, nps.n) == (40.0, 10)
    assert nps.low == pytest.approx(100 * (p - d - margin))
    assert nps.high == pytest.approx(100 * (p - d + margin))


def test_nps_interval_stays_on_the_scale():
    assert (scoring.nps(3, 0, 0).high, scoring.nps(0, 0, 3).low) == (100.0, -100.0)


def test_scores_are_counted_by_group():
    nps = dict(enumerate([1, 0, 0, 0, 0, 0, 2, 4, 8, 16, 32]))  # 3 detractors, 12 passives, 48 promoters
    assert scoring.score("NPS", nps) == scoring.nps(48, 12, 3)
    csat = {1: 5, 2: 1, 3: 4, 4: 10, 5: 20}
    assert scoring.score("CSAT", csat) == scoring.csat(30, 40)
    assert scoring.score("CES", {1: 2, 7: 3}) == scoring.ces({1: 2, 7: 3})


@pytest.mark.parametrize("kind", scoring.SCALES)
def test_score_of_nothing_is_none(kind):
    assert scoring.score(kind, {}) is None


def test_csat_is_the_share_of_fours_and_fives_with_wilsons_interval():
    csat = scoring.csat(81, 263)  # Newcombe 1998, table I, method 3
    assert (csat.value, csat.n) == (pytest.approx(30.80, abs=0.005), 263)
    assert (csat.low, csat.high) == (pytest.approx(25.53, abs=0.005), pytest.approx(36.62, abs=0.005))


def test_ces_is_the_mean_with_students_interval():
    # 4, 5, 6, 7: mean 5.5, deviation √(5/3), t(0.975; 3) = 3.182446
    ces = scoring.ces({4: 1, 5: 1, 6: 1, 7: 1})
    assert (ces.value, ces.n) == (5.5, 4)
    assert ces.low == pytest.approx(5.5 - 3.182446 * (5 / 3) ** 0.5 / 2)
    assert ces.high == 7.0


def test_ces_of_one_answer_says_next_to_nothing():
    ces = scoring.ces({6: 1})
    assert (ces.value, ces.low, ces.high) == (6.0, 6 - 0.975 * 5, 6 + 0.975)


def test_ces_interval_where_all_say_the_same_shrinks_with_their_number():
    few, many = scoring.ces({6: 10}), scoring.ces({6: 100})
    assert few.low < many.low < 6 < many.high < few.high
    assert many.low == pytest.approx(6 - 5 * 0.0362, abs=0.001)  # 3.62 % of 100: exact binomial, 97.5 %


def test_difference_of_shares_is_newcombes():
    found = scoring.difference(scoring.csat(56, 70), scoring.csat(48, 80))
    expected = statistics.newcombe(56, 70, 48, 80)
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (100 * expected.estimate, 100 * expected.low, 100 * expected.high)
    )


def test_difference_of_nps_is_twice_nothing_for_equal_groups():
    one = scoring.nps(50, 30, 20)
    found = scoring.difference(one, one)
    assert found.estimate == 0
    assert found.high == pytest.approx(-found.low)
    assert one.high - one.low < found.high - found.low < 2 * (one.high - one.low)


@pytest.mark.parametrize(("n", "is_ranked"), [(29, False), (30, True)])
def test_small_groups_are_not_ranked(n, is_ranked):
    assert scoring.nps(n, 0, 0).is_ranked is is_ranked


def test_response_rates_count_doubtful_mails_as_asked():
    became = Dispositions(complete=30, partial=10, refused=2, silent=50, uncertain=5, undelivered=3)
    assert (became.response_rate_1, became.response_rate_2) == (Rate(30, 100), Rate(40, 100))
    assert became.response_rate_1.share == 0.3


def test_response_rate_of_nobody_has_no_share():
    assert Dispositions().response_rate_1.share is None


def test_pooled_adds_up():
    assert scoring.pooled([{1: 2, 5: 1}, {}, {5: 4}]) == {1: 2, 5: 5}
