"""What is foretold of customers is measured on a file, and never by looking into what it foretells."""

import json
from dataclasses import replace
from datetime import date
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from customers.domain.worths import evaluation, mixtures
from tests.customers.domain.worths import cdnow


def evaluated(*options):
    out = StringIO()
    call_command("evaluate_worths", *options, stdout=out)
    return json.loads(out.getvalue())


def test_cdnow_is_foretold_as_the_papers_do():
    """39 weeks, learned from the 39 before: the model alone, since the look back says that it errs least there."""
    found = evaluated(str(cdnow.FILE), "--from", "1997-10-01", "--days", "273")
    assert (found["customers"], found["days"]) == (2357, 273)
    published = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    assert found["parameters"] == {name: pytest.approx(value, abs=0.005) for name, value in published.items()}
    visits = found["visits"]["foretold"]
    assert visits["error"] <= 0.79
    assert visits["correlation"] >= 0.625
    assert -0.13 <= visits["bias"] <= 0.13
    assert visits["error"] < found["visits"]["as_ever"]["error"]
    assert found["worth"]["foretold"]["error"] < found["worth"]["as_ever"]["error"]
    assert found["look_back"]["model_weight"] == 1
    assert found["look_back"]["weeks"] == 19
    assert found["in_range"] >= 0.8
    assert found["in_range"] + found["below_range"] + found["above_range"] == pytest.approx(1, abs=1e-4)


def weekly(customers=200, days=400):
    """Habits that shift: every customer comes as often as their state of these weeks says."""
    rng = np.random.default_rng(7)
    rates = np.exp(np.cumsum(rng.normal(0, 0.12, (customers, days // 7 + 1)), axis=1)) * 0.25
    came = rng.random((customers, days)) < np.minimum(np.repeat(rates, 7, axis=1)[:, :days], 0.9)
    came[:, 0] = True
    customer, day = np.nonzero(came)
    return evaluation.gathered(customer, day, rng.uniform(5, 15, len(day)))


def test_recent_visits_count_where_habits_shift():
    found = evaluation.evaluate(weekly(), since=316, ahead_days=84)
    assert found["look_back"]["weeks"] == 12
    assert found["look_back"]["model_weight"] < 0.5
    for what in ("visits", "worth"):
        assert found[what]["foretold"]["error"] < found[what]["model"]["error"]
        assert found[what]["foretold"]["error"] < found[what]["as_ever"]["error"]
    assert found["look_back"]["held"] >= 0.8
    assert 0.7 <= found["in_range"] <= 0.9


def test_days_to_come_change_nothing_that_is_told():
    days, since = weekly(), 316
    planted = replace(days, day=np.where(days.day >= since, days.day + 30, days.day), spent=days.spent.copy())
    planted.spent[days.day >= since] *= 3
    mine, theirs = (evaluation.at(one, since - 1, ahead_days=84) for one in (days, planted))
    assert mine.came.tolist() != theirs.came.tolist()
    assert mine.known.recent_spend.tolist() == theirs.known.recent_spend.tolist()
    first, second = (evaluation.evaluate(one, since=since, ahead_days=84) for one in (days, planted))
    assert first["look_back"] == second["look_back"]
    assert first["parameters"] == second["parameters"]


def test_numbers_by_hand():
    days = evaluation.gathered(np.array([0, 0, 0, 1, 0]), np.array([10, 52, 52, 90, 95]), np.array([1.0, 2, 3, 4, 5]))
    asked = evaluation.at(days, 94, ahead_days=7)
    known = asked.known
    assert (known.seen.repeats.tolist(), known.seen.last_week.tolist()) == ([1, 0], [6, 0])
    assert known.seen.weeks.tolist() == [12, pytest.approx(4 / 7)]
    assert (known.days.tolist(), known.spend.tolist()) == ([2, 1], [6, 4])
    assert known.recent_days.tolist() == pytest.approx([0.25 + 0.5, 0.5 ** (4 / 42)])
    assert known.recent_spend.tolist() == pytest.approx([0.25 + 2.5, 4 * 0.5 ** (4 / 42)])
    # fading, 42 days ahead of the first one are seen as 6 · (1 - 1/4) / ln 2 weeks
    assert known.recent_rate.tolist() == pytest.approx([0.5 / (6 * 0.75 / np.log(2)), 0])
    assert (asked.came.tolist(), asked.spent.tolist()) == ([1, 0], [5, 0])


def test_too_few_customers_and_days_that_make_no_sense_are_refused(tmp_path):
    file = tmp_path / "few.csv"
    file.write_text("store,receipt_number,customer,purchased_at,sku,quantity,amount\nS,1,mia,2026-01-02,milk,1,2.50\n")
    with pytest.raises(CommandError, match="Fewer than 30 customers"):
        evaluated(str(file), "--from", "2026-02-01")
    with pytest.raises(CommandError, match="Fewer than 30 customers"):
        evaluated(str(file), "--from", "2025-02-01")
    with pytest.raises(CommandError, match="--days must be"):
        evaluated(str(file), "--from", "2026-02-01", "--days", "0")
    with pytest.raises(CommandError, match="cannot be read"):
        evaluated(str(tmp_path / "nowhere.csv"), "--from", "2026-02-01")


@pytest.mark.parametrize(("known", "weeks"), [(55, 0), (56, 4), (168, 12), (730, 52), (4000, 52)])
def test_look_back_is_half_of_what_is_known_or_as_long_as_what_is_foretold(known, weeks):
    assert mixtures.look_back_weeks(ahead_days=365, known_days=known) == weeks


def test_the_day_asked_is_foretold_and_the_one_before_is_known():
    since = date(1997, 10, 1).toordinal()
    asked = evaluation.at(cdnow.days(), since - 1, ahead_days=273)
    assert (int(asked.known.seen.repeats.sum()), int(asked.came.sum())) == (2457, 1882)


def test_file_without_a_customer_says_so(tmp_path):
    file = tmp_path / "nobody.csv"
    file.write_text("store,receipt_number,customer,purchased_at,sku,quantity,amount\nS1,1,,2026-01-02,a,1,2.00\n")
    with pytest.raises(CommandError, match="No receipt in the file has a customer"):
        evaluated(str(file), "--from", "2026-02-01")
