"""Loads the demo, and reads what it is made of."""

from datetime import UTC, datetime
from functools import cache
from io import StringIO

import pandas
import time_machine
from django.core.management import call_command

from loyalty_site.demo import journey

NOW = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)


def seed(*arguments, at=NOW):
    out = StringIO()
    with time_machine.travel(at, tick=True):
        call_command("seed_demo", *arguments, stdout=out)
    return out.getvalue()


@cache
def table(name):
    """One file of the package, with pandas: read once, for it takes half a second."""
    return pandas.read_parquet(journey.directory() / f"{name}.parquet")


def told(count):
    """The package's lines of the first households."""
    transactions = table("transactions")
    return transactions[transactions.household_id.isin(journey.households(count))]
