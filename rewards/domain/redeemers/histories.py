"""What customers did with the coupons of mailings before, and what was known of them then. numpy waits until it is
needed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from rewards.domain.redeemers.features import Counts

REMEMBERED = timedelta(days=730)
CASES_MAX = 20_000  # the latest ones
ENOUGH = 50  # coupons used, and as many not used: with fewer nothing is learned

_SQL = (Path(__file__).parents[2] / "sql" / "redeemers.sql").read_text(encoding="utf-8")
_PAST = """
    SELECT c.customer_id, c.offer_id, c.issued_at, EXISTS (
        SELECT FROM rewards_couponredemption r
        WHERE r.coupon_id = c.id AND r.redeemed_at <= %(at)s AND r.rolled_back_at IS NULL
    )
    FROM rewards_mailingmail m JOIN rewards_coupon c ON c.id = m.coupon_id
    JOIN customers_customer u ON u.id = c.customer_id AND u.profiling_refused_at IS NULL
    WHERE c.issued_at > %(since)s AND c.expires_at <= %(at)s AND c.state <> 'VOID'
    ORDER BY c.issued_at DESC, c.id DESC LIMIT %(limit)s
"""

Case = tuple[int, int, datetime]
"""A customer, an offer and the moment before which everything is known."""


def past(*, at: datetime) -> list[tuple[Case, bool]]:
    """The latest coupons of mailings whose time is over, and whether they were used."""
    with connection.cursor() as cursor:
        cursor.execute(_PAST, {"at": at, "since": at - REMEMBERED, "limit": CASES_MAX})
        return [((customer, offer, issued), used) for customer, offer, issued, used in cursor.fetchall()]


def is_enough(cases: Sequence[tuple[Case, bool]]) -> bool:
    used = sum(used for _case, used in cases)
    return min(used, len(cases) - used) >= ENOUGH


def counts(cases: Sequence[Case]) -> Counts:
    """Of at least one case."""
    import numpy as np  # noqa: PLC0415 - heavy

    from rewards.domain.redeemers import features  # noqa: PLC0415

    customers, offers, moments = zip(*cases, strict=True)
    told: dict[str, Any] = {"customers": list(customers), "offers": list(offers), "moments": list(moments)}
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {**told, "days": features.DAYS, "half_life": features.HALF_LIFE})
        columns = np.array(cursor.fetchall(), dtype=np.float64).T
    return features.Counts(*columns)
