"""Proof of the counters: what coupons, offers and tallies claim is counted again from the redemptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

_SQL = (Path(__file__).resolve().parent.parent / "sql" / "coupons_differences.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` is `coupon:id`, `offer:id` or `tally:offer:customer:first day`; the money in minor units."""

    what: str
    claimed: int
    used: int
    claimed_minor: int
    used_minor: int


def differences() -> Sequence[Difference]:
    """Each counter that is off, in one look; nothing when all are right."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, [])
        return [Difference(what, *map(int, numbers)) for what, *numbers in cursor.fetchall()]
