"""The data's purchase lines as a file that the importer takes from anybody."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loyalty_site.demo import journey, wording

if TYPE_CHECKING:
    import pyarrow


def write(path: Path, bought: "pyarrow.Table", moves: Mapping[datetime, datetime]) -> None:
    """One Parquet row a line, in the import's columns; a basket is a receipt."""
    import pyarrow  # noqa: PLC0415 - heavy, and only the demo needs it
    from pyarrow import compute, parquet  # noqa: PLC0415

    times = bought["transaction_timestamp"].combine_chunks().dictionary_encode()
    moved = pyarrow.array([moves[moment] for moment in times.dictionary.to_pylist()], pyarrow.timestamp("us", "UTC"))
    skus = bought["product_id"].combine_chunks().dictionary_encode()
    names, categories = _products(skus.dictionary.to_pylist())
    households = bought["household_id"].cast("string")
    columns = {
        "store": bought["store_id"].cast("string"),
        "receipt_number": bought["basket_id"].cast("string"),
        "customer": compute.binary_join_element_wise("household", households, "-"),
        "purchased_at": moved.take(times.indices),
        "sku": bought["product_id"].cast("string"),
        "quantity": bought["quantity"],
        "amount": compute.round(bought["sales_value"], 2).cast(pyarrow.decimal128(12, 2)),
        "name": pyarrow.array(names).take(skus.indices),
        "category": pyarrow.array(categories).take(skus.indices),
        "currency": pyarrow.repeat(journey.CURRENCY, bought.num_rows),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.table(columns), path)


def _products(skus: list[int]) -> tuple[list[str], list[str | None]]:
    """Names and categories, in the order of `skus`."""
    known = {row["product_id"]: row for row in journey.products(skus).to_pylist()}
    rows = [known.get(sku, {}) for sku in skus]
    names = [
        wording.product(row.get("product_type"), row.get("category"), _size(row), sku=sku)
        for sku, row in zip(skus, rows, strict=True)
    ]
    return names, [row.get("category") for row in rows]


def _size(row: Mapping[str, Any]) -> str | None:
    """Fruit and vegetables tell the size of the crate they came in, not of what is sold."""
    return None if row.get("department") == "PRODUCE" else row.get("package_size")
