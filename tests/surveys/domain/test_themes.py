from math import log, sqrt

import pytest

from surveys.domain import themes


def numbered(*texts):
    return list(enumerate(texts, start=1))


def test_words_are_in_small_letters_without_the_common_ones():
    assert themes.words("The Queue's too long at the self-checkout!") == {"queue", "long", "self-checkout"}


def test_chinese_is_cut_into_runs_between_glue():
    assert themes.words("排了很久的队，牛奶") == {"牛奶"}
    assert themes.words("自助收银") == {"自助", "助收", "收银", "自助收", "助收银", "自助收银"}


def test_log_odds_are_those_of_comments_with_the_word():
    low, high = numbered(*["queue milk"] * 3), numbered(*["bread milk"] * 3)
    found = {theme.word: theme.z for theme in themes.themes(low * 5, high * 5)}
    # In 15 of 15 comments and in none of 15; a fifth of 15 of 30 is expected of each.
    spread = sqrt(1 / 18 + 1 / 3 + 1 / 3 + 1 / 18)
    assert found["queue"] == pytest.approx((log(18 / 3) - log(3 / 18)) / spread)
    assert found["bread"] == pytest.approx(-found["queue"])
    assert "milk" not in found


def test_longer_runs_take_the_place_of_their_parts():
    low = numbered(*["自助收银太慢"] * 9)
    high = numbered(*["水果新鲜"] * 9)
    assert {theme.word for theme in themes.themes(low, high)} == {"自助收银", "水果新鲜"}


def test_rare_words_do_not_stand_out():
    assert themes.themes(numbered("queue", "queue"), numbered("bread", "bread")) == []


def test_nothing_stands_out_of_nothing():
    assert themes.themes([], []) == []


def test_sentences_are_the_newest_with_the_word_each_wording_once():
    low = numbered(*[f"Fine. The queue {number // 2} was long! Yes." for number in range(9)])
    high = numbered(*["Lovely bread."] * 9)
    queue = next(theme for theme in themes.themes(low, high) if theme.word == "queue")
    assert queue.sentences == tuple((1 + 2 * number, f"The queue {number} was long!") for number in range(3))
