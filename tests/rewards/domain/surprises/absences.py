"""Customers with a rhythm of their own, and the nights that tell of it."""

from datetime import UTC, datetime, timedelta

from customers.domain import rhythms
from customers.models import PurchaseReturn, PurchaseReturnLine
from rewards.domain import surprises
from rewards.models import Surprise, Trigger
from tests.factories.customers import (
    CustomerFactory,
    PurchaseFactory,
    PurchaseLineFactory,
)
from tests.factories.rewards import TimetableRuleFactory

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
LAST = datetime(2026, 4, 10, 12, tzinfo=UTC)
BEGINS = datetime(2026, 4, 30, tzinfo=UTC)  # twice ten days after that day
OCCASION = "overdue:2026-04-10"


def rule(**values):
    return TimetableRuleFactory(trigger=Trigger.OVERDUE, **{"purchases_min": 1, **values})


def look(at):
    """The occasions that the timetable found new at this moment."""
    last = Surprise.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    surprises.look_over(clock=lambda: at, until=at + DAY)
    return list(Surprise.objects.filter(pk__gt=last).order_by("pk").values_list("occasion", flat=True))


def buy(customer, at, **values):
    return PurchaseFactory(**{"customer": customer, "purchased_at": at, "total_minor": 1000, **values})


def regular(last=LAST, *, customer=None, gap=10, times=5, **values):
    """Bought every ten days."""
    customer = customer or CustomerFactory()
    for number in range(times):
        buy(customer, last - number * gap * DAY, **values)
    return customer


def night(at):
    """Rhythms as they are worked out when it has just begun, without looking at tables that are not asked about."""
    rhythms.refresh(at=at)


def bring_back(purchase, at, amount_minor=1000):
    line = PurchaseLineFactory(purchase=purchase, amount_minor=purchase.total_minor)
    back = PurchaseReturn.objects.create(
        purchase=purchase, store=purchase.store, return_number=f"B-{purchase.pk}", returned_at=at, recorded_at=at
    )
    PurchaseReturnLine.objects.create(purchase_return=back, line=line, quantity=1, amount_minor=amount_minor)
