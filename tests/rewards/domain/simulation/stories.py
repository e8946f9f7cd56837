"""A customer's year, and where its replay is not the ledger."""

from datetime import timedelta
from decimal import Decimal

from customers.domain.purchases import ReturnLineIn
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import checkout, ledger, points
from rewards.domain.simulation import Draft, run
from rewards.models import ExpiryPolicy, PeriodEnd
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.factories.rewards import (
    BaseRuleFactory,
    ProgramFactory,
)
from tests.rewards.domain.baskets import basket

DAY = timedelta(days=1)


class Story:
    """One customer's year, told by days since its beginning."""

    def __init__(self, now):
        self.begin, self.number = now - 300 * DAY, 0
        BaseRuleFactory(valid_from=self.begin)
        self.store, self.customer = StoreFactory(), CustomerFactory()

    def at(self, day):
        return self.begin + day * DAY

    def buy(self, day, amount, told=None, points=0, customer=None, coupons=()):
        """`told`: the day on which the till told of it, when that was later."""
        self.number += 1
        told_of = basket(
            amount,
            customer=customer or self.customer,
            now=self.at(day),
            receipt=f"R-{self.number}",
            points=points,
            coupons=coupons,
        )
        at = self.at(day if told is None else told)
        return checkout.settle(purchase=told_of, store=self.store, till=None, by=SYSTEM, at=at).purchase

    def bring_back(self, purchase, day, amount, told=None):
        """`told`: the day on which the till told of it, when that was later."""
        self.number += 1
        told_of = checkout.ReturnIn(f"B-{self.number}", self.at(day), [ReturnLineIn(1, Decimal("0.1"), amount)])
        at = self.at(day if told is None else told)
        checkout.take_back(purchase=purchase, told=told_of, store=self.store, till=None, by=SYSTEM, at=at)

    def expire(self, day):
        points.expire(at=self.at(day), limit=100)


def program(**terms):
    usual = {"expiry_policy": ExpiryPolicy.ROLLING, "expiry_months": 2, "expiry_period_end": PeriodEnd.MONTH}
    return ProgramFactory(**{**usual, **terms})


def unlike(now, story, days=(0, 25, 100, 290)):
    """Where the replay since one of these days is not the ledger: day, title, as it was, as it would be."""
    assert list(ledger.differences()) == []
    found = [(day, run(draft=Draft(), since=story.at(day), at=now)) for day in days]
    return [(day, *row) for day, one in found for row in one.rows() if row[1] != row[2]]
