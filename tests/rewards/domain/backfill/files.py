"""Files of purchases, imported as what they were told."""

from datetime import UTC, datetime, timedelta

from loyalty_site.lib import actors
from rewards.domain import imports
from tests.import_files import write

START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("store", "receipt_number", "customer", "purchased_at", "sku", "quantity", "amount", "currency")


def run(path, rows, **options):
    return imports.run(
        path=write(path, *rows, columns=COLUMNS), by=actors.SYSTEM, at=START + timedelta(days=130), **options
    )
