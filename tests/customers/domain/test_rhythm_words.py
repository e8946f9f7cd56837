from datetime import date, timedelta

import pytest

from customers.domain import rhythm_words
from customers.models import Rhythm

LAST = date(2026, 6, 6)


def rhythm(**told):
    return Rhythm(last_on=LAST, currency="CNY", **told)


@pytest.mark.parametrize(
    ("usual", "days", "said"),
    [
        (9, 24, "usually every 9 days, now 24 days away"),
        (1, 1, "usually every day, now 1 day away"),
        (None, 400, "too few purchases for a usual gap, now 400 days away"),
        (9, -1, "usually every 9 days, now 0 days away"),
    ],
)
def test_away(usual, days, said):
    assert rhythm_words.away(rhythm(usual_days=usual), today=LAST + timedelta(days=days)) == said


def test_visits_come_with_their_range():
    told = rhythm(visits_expected=2.6, visits_low=1, visits_high=6, visit_spend_minor=8500)
    assert rhythm_words.visits(told) == "about 3 more visits in a year, between 1 and 6"
    assert rhythm_words.worth(told) == "worth about ¥220.00, between ¥85.00 and ¥510.00; a visit about ¥85.00"


def test_nothing_is_said_where_nothing_is_foretold():
    assert (rhythm_words.visits(rhythm()), rhythm_words.worth(rhythm())) == ("", "")


@pytest.mark.parametrize(
    ("percent", "said"),
    [
        (100, "very likely (100 %)"),
        (69, "likely (69 %)"),
        (15, "possible (15 %)"),
        (0, "unlikely (0 %)"),
        (None, ""),
    ],
)
def test_staying_away_is_a_word_with_its_chance(percent, said):
    assert rhythm_words.staying_away(rhythm(stays_away_percent=percent)) == said


def test_who_is_gone():
    told = rhythm(visits_expected=0.1, visits_low=0, visits_high=0, visit_spend_minor=8500)
    assert rhythm_words.visits(told) == "probably no more visits in a year"
    assert rhythm_words.worth(told) == ""
