from datetime import UTC, date, datetime, timedelta

import pytest

from loyalty_site.demo import journey
from tests.loyalty_site.seeding import table


@pytest.fixture(scope="module")
def transactions():
    """The package's file as pandas reads it: the figures to compare with."""
    return table("transactions")


def test_households_are_the_same_in_every_load():
    some = journey.households(20)

    assert some[0] == journey.DEMO_HOUSEHOLD
    assert len(set(some)) == 20
    assert journey.households(40)[:20] == some


def test_households_without_a_count_are_all(transactions):
    assert sorted(journey.households(None)) == sorted(transactions.household_id.unique())


def test_stores_stand_by_their_baskets(transactions):
    counted = transactions.groupby("store_id").basket_id.nunique()

    stores = journey.stores()

    assert set(stores) == set(counted.index)
    assert counted[stores].is_monotonic_decreasing


def test_lines_are_all_of_some_households(transactions):
    bought = journey.lines([1, 17])

    expected = transactions[transactions.household_id.isin([1, 17])]
    assert bought.num_rows == len(expected)
    assert sum(bought["sales_value"].to_pylist()) == pytest.approx(expected.sales_value.sum())


def test_a_basket_has_one_household_one_store_and_one_time(transactions):
    baskets = transactions.groupby("basket_id")[["household_id", "store_id", "transaction_timestamp"]]

    assert (baskets.nunique() == 1).all(axis=None)


def test_moves_end_on_the_last_day_of_the_stores_clocks():
    moves = journey.moves(journey.lines(journey.households(None)), date(2026, 7, 1))

    there = [moment.astimezone(journey.ZONE).date() for moment in moves.values()]
    assert (min(there), max(there)) == (date(2025, 7, 2), date(2026, 7, 1))


@pytest.mark.parametrize(
    ("moment", "days", "expected"),
    [
        (datetime(2017, 1, 2, 14, 30), 1, datetime(2017, 1, 3, 14, 30, tzinfo=UTC)),
        (datetime(2017, 1, 2, 14, 30), 181, datetime(2017, 7, 2, 13, 30, tzinfo=UTC)),  # 9:30 in winter and in summer
        (datetime(2017, 1, 2, 7, 30), 433, datetime(2018, 3, 11, 7, 30, tzinfo=UTC)),  # 2:30 on the day without it
        (datetime(2017, 7, 1, 3, 59), 183, datetime(2017, 12, 31, 4, 59, tzinfo=UTC)),  # the last minute of a day
    ],
)
def test_moved_keeps_the_time_on_the_clock(moment, days, expected):
    assert journey.moved(moment, timedelta(days=days)) == expected


def test_habits_tell_home_and_visits(transactions):
    bought = journey.lines([journey.DEMO_HOUSEHOLD])
    moves = journey.moves(bought, journey.LAST_DAY)

    own = transactions[transactions.household_id == journey.DEMO_HOUSEHOLD]
    habits = journey.habits(bought, moves)[journey.DEMO_HOUSEHOLD]
    assert habits.home_store == own.drop_duplicates("basket_id").store_id.value_counts().index[0]
    assert habits.first_at == own.transaction_timestamp.min().tz_localize("UTC")
    assert habits.last_at == own.transaction_timestamp.max().tz_localize("UTC")


def test_products_have_a_category():
    category = {row["product_id"]: row["category"] for row in journey.products([25671, 26081]).to_pylist()}

    assert len(category) == 2
    assert None not in journey.products()["category"].unique().to_pylist()


def test_table_says_what_to_install_when_the_data_is_missing(monkeypatch):
    monkeypatch.setattr(journey, "PACKAGE", "no_such_package")

    with pytest.raises(journey.DataMissing, match=r"no_such_package is not installed: pip install"):
        journey.households(1)
