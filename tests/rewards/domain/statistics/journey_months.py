"""What households of "The Complete Journey" bought in a month of it: customers as they are, for simulated hold-outs."""

from datetime import datetime, timedelta

import numpy
from pyarrow import compute

from loyalty_site.demo import journey


def spent(days: int, since: datetime = datetime(2017, 6, 1)) -> numpy.ndarray:
    """Cents by household in so many days, 0 for who did not come; every household of the data, always in one order."""
    columns = ["household_id", "sales_value", "transaction_timestamp"]
    table = journey.table("transactions", columns=columns)
    everybody = numpy.unique(table["household_id"].to_numpy())
    at = table["transaction_timestamp"].cast("timestamp[us]")
    inside = compute.and_(compute.greater_equal(at, since), compute.less(at, since + timedelta(days=days)))
    bought = table.filter(inside)
    cents = numpy.rint(bought["sales_value"].to_numpy() * 100).astype(numpy.int64)
    found = numpy.zeros(len(everybody), dtype=numpy.int64)
    numpy.add.at(found, numpy.searchsorted(everybody, bought["household_id"].to_numpy()), cents)
    return found
