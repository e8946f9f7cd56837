"""What a rule would have given in the past, had it been active: read, never written."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty_site.lib import statements
from rewards.models import Arm, DrawOutcome, Program, SurpriseRule


@dataclass(frozen=True, slots=True)
class Preview:
    """In [since, until): `surprised` and `held_out` count gestures, `customers` who would have got one; `most` is how
    many one customer would have got at most. `cost_minor` is what it would have cost, in the rule's currency. `refused`
    counts occasions that something spoke against. `days` are those of the programme's calendar, with how many each."""

    since: datetime
    until: datetime
    surprised: int
    held_out: int
    customers: int
    most: int
    cost_minor: int
    refused: dict[DrawOutcome, int] = field(default_factory=dict)
    days: Sequence[tuple[date, int]] = ()


def preview(*, rule: SurpriseRule, since: datetime, until: datetime) -> Preview:
    """Occasions and everybody's arm come from one statement; who is refused follows from them in their order, as
    `surprises_refusal` would say each time: of all purchases of a lot the first. A lucky draw draws with another seed
    than it will."""
    told: dict[int, list[datetime]] = defaultdict(list)
    given: Counter[int] = Counter()
    days: Counter[date] = Counter()
    refused: Counter[DrawOutcome] = Counter()
    zone = ZoneInfo(Program.objects.current().timezone)
    surprised = held_out = 0
    seen: set[tuple[int, str]] = set()
    for customer, occasion, happened_at, arm, others in _occasions(rule, since, until):
        if (customer, occasion) in seen:
            continue
        seen.add((customer, occasion))
        outcome = _refusal(rule, happened_at, told[customer], others, surprised)
        if outcome:
            refused[outcome] += 1
            continue
        told[customer].append(happened_at)
        if arm == Arm.HOLDOUT:
            held_out += 1
        else:
            given[customer] += 1
            surprised += 1
            days[happened_at.astimezone(zone).date()] += 1
    return Preview(
        since=since,
        until=until,
        surprised=surprised,
        held_out=held_out,
        customers=len(given),
        most=max(given.values(), default=0),
        cost_minor=surprised * rule.cost_minor,
        refused=dict(refused),
        days=list(_every_day(days, since.astimezone(zone).date(), until.astimezone(zone).date())),
    )


def _refusal(
    rule: SurpriseRule, happened_at: datetime, own: Sequence[datetime], others: Sequence[datetime], given: int
) -> DrawOutcome | None:
    if _is_near(own, happened_at, rule.cooldown_days):
        return DrawOutcome.COOLDOWN
    if _is_near(own, happened_at, rule.quiet_days) or _is_near(others, happened_at, rule.quiet_days):
        return DrawOutcome.QUIET
    if rule.customer_max is not None and len(own) >= rule.customer_max:
        return DrawOutcome.CUSTOMER_MAX
    is_over = rule.budget_minor is not None and (given + 1) * rule.cost_minor > rule.budget_minor
    if is_over or rule.issued_max is not None and given >= rule.issued_max:
        return DrawOutcome.NOTHING_LEFT
    return None


def _is_near(moments: Sequence[datetime], moment: datetime, days: int) -> bool:
    """Whether one of the moments, which are sorted, is less than so many days away."""
    distance = timedelta(days=days)
    return bisect_right(moments, moment - distance) < bisect_left(moments, moment + distance)


def _every_day(days: Counter[date], first: date, last: date) -> Iterator[tuple[date, int]]:
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        yield day, days[day]


def _occasions(
    rule: SurpriseRule, since: datetime, until: datetime
) -> list[tuple[int, str, datetime, str, list[datetime]]]:
    seed, experiment = f"preview:{rule.pk}", rule.experiment
    values = (experiment.salt, experiment.holdout_percent, rule.pk, rule.pk, seed, since, until)
    return statements.rows(_OCCASIONS, values)


_OCCASIONS = """
    SELECT happened.customer_id, happened.occasion, happened.happened_at,
           experiments_arm(%s, %s, happened.customer_id),
           ARRAY (SELECT other.happened_at FROM rewards_surprise other
                  WHERE other.customer_id = happened.customer_id AND other.rule_id <> %s
                  ORDER BY other.happened_at)
    FROM surprises_occasions(%s, %s, %s, %s, NULL) happened
    ORDER BY happened.happened_at, happened.customer_id, happened.occasion
"""
