"""What may be taken from the catalogue, by whom and how often."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib.errors import DomainError
from rewards.domain import queries
from rewards.models import LimitPeriod, Program, RedemptionState, Reward, RewardRedemption


class RewardNotOffered(DomainError):
    code = "reward_not_offered"
    message = _("This reward is not offered at this moment.")


class RewardCostChanged(DomainError):
    code = "reward_cost_changed"
    message = _("This reward's price has changed: it now costs %(cost)s points. Nothing was taken.")


class RewardLimitReached(DomainError):
    """`details`: how many at `most`, in which `period`, how many were `taken`."""

    code = "reward_limit_reached"
    message = _("Each customer can take at most %(most)s of this reward %(period)s.")


@dataclass(frozen=True, slots=True)
class Shown:
    """A reward as one customer sees it: `missing` points, and whether their own limit is reached."""

    reward: Reward
    missing: int
    limit_reached: bool

    @property
    def obstacle(self) -> str:
        """Why it cannot be taken now: `sold_out`, `limit_reached`, `points_missing`; empty when it can."""
        if self.reward.stock == 0:
            return "sold_out"
        if self.limit_reached:
            return "limit_reached"
        return "points_missing" if self.missing else ""


def shelf(*, customer: Customer, spendable: int, program: Program, at: datetime) -> list[Shown]:
    """The rewards on offer, the cheapest first, as this customer sees them; two queries for any number."""
    taken = _taken_by_reward(customer, program, at)
    return [
        Shown(
            reward=reward,
            missing=max(0, reward.cost_points - spendable),
            limit_reached=_is_reached(reward, taken.get((reward.pk, reward.per_customer_period), 0), 1),
        )
        for reward in queries.catalogue(at=at)
    ]


def refuse_unless_offered(*, reward: Reward, cost_points: int | None, at: datetime) -> None:
    """Raises RewardNotOffered, or RewardCostChanged when one piece does not cost the `cost_points` that were shown."""
    if at < reward.offered_from or (reward.offered_to and reward.offered_to <= at):
        raise RewardNotOffered
    if cost_points is not None and cost_points != reward.cost_points:
        raise RewardCostChanged(cost=reward.cost_points)


def refuse_beyond_limit(*, customer: Customer, reward: Reward, quantity: int, at: datetime) -> None:
    """Raises RewardLimitReached. The caller holds the lock on the customer's account, so that the count stands."""
    if reward.per_customer_max is None:
        return
    period = LimitPeriod(reward.per_customer_period)
    of_period = _not_cancelled(customer).filter(_since(period, _zone(Program.objects.current()), at), reward=reward)
    taken = of_period.aggregate(number=Sum("quantity", default=0))["number"]
    if _is_reached(reward, taken, quantity):
        raise RewardLimitReached(most=reward.per_customer_max, period=period.label, taken=taken)


def _is_reached(reward: Reward, taken: int, more: int) -> bool:
    return reward.per_customer_max is not None and taken + more > reward.per_customer_max


def _taken_by_reward(customer: Customer, program: Program, at: datetime) -> Mapping[tuple[int, str], int]:
    zone = _zone(program)
    sums = {period.value: Sum("quantity", filter=_since(period, zone, at), default=0) for period in LimitPeriod}
    rows: QuerySet[Any] = _not_cancelled(customer).values("reward").annotate(**sums).order_by()
    return {(row["reward"], period): row[period] for row in rows for period in sums}


def _not_cancelled(customer: Customer) -> QuerySet[RewardRedemption]:
    return RewardRedemption.objects.filter(customer=customer).exclude(state=RedemptionState.CANCELLED)


def _since(period: LimitPeriod, zone: ZoneInfo, at: datetime) -> Q:
    """What was taken in the calendar period in which `at` lies."""
    first = at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == LimitPeriod.EVER:
        return Q()
    return Q(requested_at__gte=first.replace(month=1) if period == LimitPeriod.YEAR else first)


def _zone(program: Program) -> ZoneInfo:
    return ZoneInfo(program.timezone)
