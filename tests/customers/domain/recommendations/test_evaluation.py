import json
from datetime import date, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from customers.domain.recommendations import evaluation, files, model
from tests.customers.domain.recommendations.worlds import habitual, history

DAY = date(2026, 1, 1)


def write(path, people, *, category=lambda product: f"C{product % 7}"):
    lines = ["store,receipt_number,customer,purchased_at,sku,quantity,amount,category"]
    for customer, visits in enumerate(people):
        for place, (day, goods) in enumerate(visits):
            when = DAY + timedelta(days=day)
            lines += [f"S,{customer}-{place},c{customer},{when},p{item},1,1,{category(item)}" for item in goods]
    path.write_text("\n".join(lines) + "\n")
    return path


def evaluated(tmp_path, people, *options, **how):
    out = StringIO()
    call_command("evaluate_recommendations", str(write(tmp_path / "a.csv", people, **how)), *options, stdout=out)
    return json.loads(out.getvalue())


def test_habits_are_found_again_and_the_same_each_time(tmp_path):
    people = habitual()
    found = evaluated(tmp_path, people, "--k", "5")
    assert found == evaluated(tmp_path, people, "--k", "5")
    assert (found["k"], found["at"], found["customers"]) == (5, "product", 60)
    assert found["all"]["recall"] > 1.5 * found["baselines"]["popularity"]["all"]["recall"]
    assert found["gain_over"]["popularity"]["all"]["recall"]["low"] > 0
    assert found["repeat"]["recall"] > found["new"]["recall"]
    low, high = found["all"]["recall_interval"]
    assert low < found["all"]["recall"] < high
    for rule in ("popularity", "personal_frequency", "bought_in_preferred_category"):
        assert 0 < found["baselines"][rule]["all"]["recall"] < 1
    assert found["baselines"]["bought_in_preferred_category"]["new"]["recall"] == 0


def test_categories_are_foretold_too(tmp_path):
    found = evaluated(tmp_path, habitual(), "--at", "category", "--k", "3")
    assert found["products"] == 7
    assert found["all"]["recall"] > 0.4
    assert "bought_in_preferred_category" not in found["baselines"]


def test_what_is_in_the_last_baskets_changes_no_list():
    """Nothing foretells a basket by looking into it."""
    people = habitual(customers=20)
    planted = [[*visits[:-1], (visits[-1][0], [39, 38, 37])] for visits in people]
    honest, other = (evaluation._test(history(*those)) for those in (people, planted))
    assert honest.truths["all"].keys.tolist() != other.truths["all"].keys.tolist()
    mine, theirs = (evaluation._lists(test, None, 10)["all"][evaluation.OURS] for test in (honest, other))
    assert np.array_equal(mine, theirs)


def test_what_others_buy_later_changes_no_popularity():
    people = habitual(customers=10)
    later = [*people, [(4000 + day, [3]) for day in range(4)]]
    popular = [model.Popularity(history(*those)).best(60, days=28, size=10).tolist() for those in (people, later)]
    assert popular[0] == popular[1]


def test_customers_with_fewer_than_three_baskets_are_not_asked(tmp_path):
    people = [*habitual(customers=10), [(0, [1]), (3, [1])], [(0, [2])]]
    assert evaluated(tmp_path, people)["customers"] == 10


@pytest.mark.parametrize(
    "people",
    [
        [[(0, [1]), (1, [2]), (2, [1])]],
        [[(0, [1]), (1, [2]), (2, [3])], [(0, [4]), (1, [5]), (2, [6])]],
        [[(0, [1]), (0, [1]), (0, [1])]],
    ],
    ids=["one customer", "nothing bought twice", "one product"],
)
def test_tiny_files_have_figures(tmp_path, people):
    found = evaluated(tmp_path, people)
    assert found["customers"] == len(people)
    assert 0 <= found["all"]["recall"] <= 1


def test_where_nothing_is_bought_twice_the_popular_comes_first(tmp_path):
    """The crowd must win where customers have no habits: all take what is new these days, and nothing twice."""
    people = [
        [(visit + customer % 5, [visit, 100 + 30 * customer + visit]) for visit in range(10 + customer // 5 % 5)]
        for customer in range(50)
    ]
    found = evaluated(tmp_path, people)
    assert found["repeat_share"] == 0
    assert found["all"]["recall"] > 0.2
    assert found["all"]["recall"] > 5 * found["baselines"]["personal_frequency"]["all"]["recall"]


@pytest.mark.parametrize(
    ("people", "options", "words"),
    [
        ([[(0, [1]), (1, [1])]], [], "at least 3 baskets"),
        (habitual(customers=3), ["--k", "0"], "from 1 to 100"),
        (habitual(customers=3), ["--sold-at-least", "1000"], "at least 3 baskets"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_words(tmp_path, people, options, words):
    with pytest.raises(CommandError, match=words):
        evaluated(tmp_path, people, *options)


def test_categories_need_a_column_of_them(tmp_path):
    with pytest.raises(CommandError, match="category"):
        evaluated(tmp_path, habitual(customers=3), "--at", "category", category=lambda product: "")


def test_four_weeks_are_foretold_from_what_was_before_them(tmp_path):
    people = [*habitual(customers=30), [(0, [1])], [(70, [1])]]
    found = evaluated(tmp_path, people, "--from", str(DAY + timedelta(days=49)), "--k", "5")
    assert found["customers"] == found["next_basket"]["customers"] == 30
    assert found["all"]["precision"] > found["next_basket"]["precision"] > 0
    assert found["all"]["recall"] > found["baselines"]["popularity"]["all"]["recall"]
    assert set(found["gain_over"]["popularity"]) == {*evaluation.PARTS, *evaluation.NEXT}


def test_truth_of_four_weeks_by_hand():
    """Product 9 was never sold before; day 48 and the customer who comes for the first time are not asked for."""
    people = [
        [(0, [1, 2]), (20, [2, 3]), (22, [1]), (40, [9]), (48, [2])],
        [(5, [3, 4]), (30, [5])],
        [(10, [5])],
        [(25, [1])],
    ]
    test = evaluation._weeks(history(*people), date.fromordinal(20))
    found = {part: [divmod(int(key), 10) for key in truth.keys] for part, truth in test.truths.items()}
    assert found == {
        "all": [(0, 1), (0, 2), (0, 3), (1, 5)],
        "repeat": [(0, 1), (0, 2)],
        "new": [(0, 3), (1, 5)],
        "next_basket": [(0, 2), (0, 3), (1, 5)],
        "next_basket_repeat": [(0, 2)],
    }
    assert test.known.day.tolist() == [0, 5, 10]


def test_what_is_bought_in_the_four_weeks_changes_no_list():
    people, since = habitual(customers=20), date.fromordinal(50)
    planted = [[(day, [39, 38, 37] if day >= 50 else goods) for day, goods in visits] for visits in people]
    honest, other = (evaluation._weeks(history(*those), since) for those in (people, planted))
    assert honest.truths["all"].keys.tolist() != other.truths["all"].keys.tolist()
    mine, theirs = (evaluation._lists(test, None, 10)["all"][evaluation.OURS] for test in (honest, other))
    assert np.array_equal(mine, theirs)


def test_what_is_measured_is_not_known_where_clocks_differ(tmp_path):
    """A basket of May by its own clock, bought after one of June by another."""
    path = tmp_path / "a.csv"
    path.write_text(
        "store,receipt_number,customer,purchased_at,sku,quantity,amount\n"
        "S,1,mia,2024-06-01T00:30:00+08:00,late,1,1\n"
        "S,2,mia,2024-05-31T20:00:00-05:00,early,1,1\n"
    )
    history, _ = evaluation._history(files.read(path), "product")
    test = evaluation._weeks(history, date(2024, 6, 1))
    assert (test.known.product.tolist(), test.known.day.tolist()) == ([0], [date(2024, 5, 31).toordinal()])


def test_day_that_splits_nobody_is_refused(tmp_path):
    with pytest.raises(CommandError, match="2020-01-01"):
        evaluated(tmp_path, habitual(customers=3), "--from", "2020-01-01")
