"""What came of offers: issued, redeemed, given, and what was bought with it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from rewards.domain import statistics
from rewards.domain.statistics import Interval
from rewards.models import Offer, Program

_SQL = Path(__file__).resolve().parent.parent / "sql"


@dataclass(frozen=True, slots=True)
class Totals:
    """`issued` coupons in the hands of `holders` (whoever bears one is not counted), of which `used` at least once.
    `discount_minor` is of gifts what they cost.

    `redeemed` uses stand, `rolled_back` ones do not and count nowhere else. A use in a purchase is in one of `baskets`,
    for which `spend_minor` was paid, after all discounts and points; goods that came back later are not taken off.
    """

    issued: int = 0
    holders: int = 0
    used: int = 0
    redeemed: int = 0
    discount_minor: int = 0
    baskets: int = 0
    spend_minor: int = 0
    rolled_back: int = 0

    @property
    def rate(self) -> Interval | None:
        """The share of the coupons that were used at least once; None before any is issued."""
        return statistics.wilson(self.used, self.issued) if self.issued else None


@dataclass(frozen=True, slots=True)
class Week:
    """From Monday `first` on, in the programme's time zone."""

    first: date
    redeemed: int
    discount_minor: int


@dataclass(frozen=True, slots=True)
class StoreShare:
    """`id` and `code` are None for uses outside of purchases: gifts handed over."""

    id: int | None
    code: str | None
    name: str
    redeemed: int
    discount_minor: int
    baskets: int
    spend_minor: int


@dataclass(frozen=True, slots=True)
class Refused:
    """`reason` is the word of a refusal; `id`, `code` and `name` are the store's. What was forgotten is not in it."""

    id: int
    code: str
    name: str
    reason: str
    times: int


@dataclass(frozen=True, slots=True)
class Waited:
    """From issue to use: a quarter of the uses came within `lower`, half within `median`, three quarters within
    `upper`."""

    lower: timedelta
    median: timedelta
    upper: timedelta


@dataclass(frozen=True, slots=True)
class Report:
    """`weeks` without a gap from the first use to the last; `stores` by their uses; `refused` at the counter, most
    often first; `waited` is None without uses."""

    offer: Offer
    totals: Totals
    weeks: Sequence[Week]
    stores: Sequence[StoreShare]
    refused: Sequence[Refused]
    waited: Waited | None


def report(*, offer: Offer) -> Report:
    """As it stands now."""
    told = {"offer": offer.pk, "timezone": Program.objects.current().timezone}
    ((lower, median, upper),) = _rows("offer_reports_waited", told)
    return Report(
        offer=offer,
        totals=compared(offers=[offer])[offer.pk],
        weeks=[Week(*row) for row in _rows("offer_reports_weeks", told)],
        stores=[StoreShare(*row) for row in _rows("offer_reports_stores", told)],
        refused=[Refused(*row) for row in _rows("offer_reports_refused", told)],
        waited=None if median is None else Waited(lower, median, upper),
    )


def compared(*, offers: Collection[Offer]) -> Mapping[int, Totals]:
    """By the offer's id, for each of them."""
    found = _rows("offer_reports_totals", {"offers": [offer.pk for offer in offers]})
    return {offer: Totals(*figures) for offer, *figures in found}


def _rows(name: str, told: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute((_SQL / f"{name}.sql").read_text(encoding="utf-8"), told)
        return list(cursor.fetchall())
