"""What a customer with a long past waits for: the balance, and the page of the ledger."""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks import rows as make
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.site import Site

ENTRIES = 10_000
FEW_ENTRIES = 100
OTHERS = 2_000
CALLS = 40


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    from customers.models import Customer
    from rewards.domain import points

    many = max(scale.rows(ENTRIES), 2 * FEW_ENTRIES)
    with site.database() as database:
        make.programme()
        make.customers(database, scale.rows(OTHERS))
        make.awards(database, first=3, last=scale.rows(OTHERS), number=10, points=39)
        make.awards(database, first=1, last=1, number=many, points=39)
        make.awards(database, first=2, last=2, number=FEW_ENTRIES, points=39)
        long, short = Customer.objects.get(pk=1), Customer.objects.get(pk=2)
        _spend(long, (many - FEW_ENTRIES) * 39)  # both have as many lots left
        make.settle_down(database)
        beside = f"the same for a customer with {FEW_ENTRIES} entries"
        for work, call in (("points.summary", _summary), ("the page of the ledger", _page)):
            yield side_by_side(
                work=f"{work} of a customer with {many:,} entries",
                beside=beside,
                limit=partial(_median, partial(call, short)),
                ours=partial(_median, partial(call, long)),
                unit="s",
                target=1.5,
                scale=scale,
            )
        assert points.summary(customer=long, at=make.AT).balance == FEW_ENTRIES * 39


def _spend(customer: Any, points_number: int) -> None:
    from loyalty_site.lib.actors import SYSTEM
    from rewards.domain import points

    if points_number > 0:
        points.redeem(customer=customer, points=points_number, reference="bench:spent", by=SYSTEM, at=make.AT)


def _summary(customer: Any) -> None:
    from rewards.domain import points

    points.summary(customer=customer, at=make.AT)


def _page(customer: Any) -> None:
    """As a browser gets it, from the view on."""
    from django.test import RequestFactory

    from rewards import views

    request = RequestFactory().get("/activity/")
    shown = views.activity.__wrapped__.__wrapped__(request, customer)
    if shown.status_code != 200:
        raise RuntimeError(f"the page answers {shown.status_code}")


def _median(call: Callable[[], None], turn: int) -> float:
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
