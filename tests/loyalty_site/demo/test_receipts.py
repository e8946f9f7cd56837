from datetime import date

import pandas
import pytest

from customers.domain.imports import header
from loyalty_site.demo import journey, receipts
from tests.loyalty_site.seeding import table

HOUSEHOLDS = [1, 17, 2124]


@pytest.fixture
def written(tmp_path):
    bought = journey.lines(HOUSEHOLDS)
    path = tmp_path / "deep" / "purchases.parquet"
    receipts.write(path, bought, journey.moves(bought, date(2018, 1, 10)))
    return pandas.read_parquet(path)


@pytest.fixture
def told():
    transactions = table("transactions")
    return transactions[transactions.household_id.isin(HOUSEHOLDS)].reset_index(drop=True)


def test_write_gives_the_columns_of_an_import(written):
    assert list(written.columns) == [*header.REQUIRED, "name", "category", "currency"]


def test_write_gives_every_line_as_it_was(written, told):
    assert (written.store == told.store_id.astype(str)).all()
    assert (written.receipt_number == told.basket_id.astype(str)).all()
    assert (written.customer == "household-" + told.household_id.astype(str)).all()
    assert (written.sku == told.product_id.astype(str)).all()
    assert (written.quantity == told.quantity).all()
    assert ((written.amount.astype(float) * 100).round() == (told.sales_value * 100).round()).all()
    assert (written.currency == "USD").all()


def test_write_moves_times_by_whole_days(written, told):
    """No summer time begins or ends between December and January."""
    shift = written.purchased_at - told.transaction_timestamp.dt.tz_localize("UTC")

    winter = told.transaction_timestamp.dt.month.isin([12, 1, 2])
    assert set(shift[winter]) == {pandas.Timedelta(days=10)}


def test_write_names_products_and_their_categories(written, told):
    products = table("products").set_index("product_id")

    codes = told.product_id.map(products.product_category.fillna(products.department))
    assert (written.category.fillna("") == codes.fillna("")).all()
    assert written.name.str.len().between(2, 60).all()
    assert "Bananas" in set(written.name)
