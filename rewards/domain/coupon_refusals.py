"""How often coupons were refused at the counter, so that the report of an offer says why."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from customers.models import Store
from loyalty_site.lib import codes, statements
from loyalty_site.lib.errors import DomainError
from rewards.models import RefusalReason, RefusalTally

KEPT_FOR = timedelta(days=400)  # last year's same weeks can be compared


@contextmanager
def counted(*, store: Store, at: datetime) -> Iterator[None]:
    """Counts the coupon's refusal that ends it. The transaction that the refusal takes back must lie inside."""
    try:
        yield
    except DomainError as refusal:
        count(refusals=[refusal], store=store, at=at)
        raise


def count(*, refusals: Iterable[DomainError], store: Store, at: datetime) -> None:
    """Those that name a coupon of some offer, each once, with one statement; others change nothing."""
    told = [
        (codes.normalize(str(refusal.details["coupon"])), refusal.code)
        for refusal in refusals
        if "coupon" in refusal.details and refusal.code in RefusalReason.values
    ]
    if told:
        coupons, reasons = (list(part) for part in zip(*told, strict=True))
        statements.rows(_COUNT, (store.pk, at, coupons, reasons))


def forget(*, at: datetime) -> int:
    """Deletes what is older than KEPT_FOR; returns how many rows."""
    return RefusalTally.objects.filter(day__lt=(at - KEPT_FOR).date()).delete()[0]


_COUNT = """
    INSERT INTO rewards_refusaltally AS tally (offer_id, store_id, day, reason, times)
    SELECT coupon.offer_id, %s, offers_period_start('DAY', %s), told.reason, count(*)
    FROM unnest(%s::text[], %s::text[]) AS told (code, reason)
    JOIN rewards_coupon coupon ON coupon.code = told.code
    GROUP BY coupon.offer_id, told.reason ORDER BY coupon.offer_id, told.reason
    ON CONFLICT (offer_id, day, store_id, reason) DO UPDATE SET times = tally.times + excluded.times
    RETURNING id
"""
