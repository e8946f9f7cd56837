"""What came of low scores and of what customers said: most is put right, a little waits."""

import random
from datetime import datetime, timedelta
from typing import Any

from customers.domain import customers
from customers.models import Store, User
from loyalty_site.demo import journey, program
from loyalty_site.lib import actors
from surveys.domain import cases, gestures
from surveys.models import Case, CaseChannel, CaseOutcome, CaseSeverity, CaseState, GestureBudget, GestureOffer

POINTS_MAX, BUDGET_MINOR, GIFT_MINOR = 3000, 25_000, 450
WAITING = 4
# Points of long ago would stand behind purchases of yesterday.
GESTURES_DAYS = 15
CALLED, SORRY = "Called: the customer was glad that somebody asks.", "We were not at our best that day."
OUTCOMES = [(0.6, CaseOutcome.SOLVED), (0.85, CaseOutcome.EXPLAINED), (1.0, CaseOutcome.UNREACHED)]


def tell(*, at: datetime) -> None:
    """Later than the survey that opened them, and not later than `at`."""
    drawn = random.Random(journey.SEED)  # noqa: S311 - a story, not a secret
    _write_budgets(at)
    low = (
        Case.objects.filter(channel=CaseChannel.SURVEY).select_related("store", "customer").order_by("-opened_at", "pk")
    )
    for case in low[WAITING:]:
        _work(case, drawn, at)
    for row in program.CATALOG["cases"]:
        _type_in(row, at - timedelta(hours=row["hours_ago"]))


def _write_budgets(at: datetime) -> None:
    """For each store from two months ago on, and a smoothie to say sorry."""
    first = (at - timedelta(days=60)).date().replace(day=1)
    GestureBudget.objects.bulk_create(
        GestureBudget(store=store, month=first, points_max=POINTS_MAX, budget_minor=BUDGET_MINOR)
        for store in Store.objects.order_by("pk")
    )
    if smoothie := program.offer("smoothie"):
        GestureOffer.objects.create(offer=smoothie, cost_minor=GIFT_MINOR)


def _work(case: Case, drawn: random.Random, at: datetime) -> None:
    """By its owner, else by the owner of the stores; a day or two later."""
    by = actors.user(case.owner_id or _manager(case.store).pk)
    when = min(case.opened_at + timedelta(hours=drawn.uniform(3, 40)), at)
    cases.step(case=case, to=CaseState.CONTACTED, text=CALLED, by=by, at=when)
    if drawn.random() < 0.4 and case.store and case.opened_at > at - timedelta(days=GESTURES_DAYS):
        gestures.give_points(case=case, number=100, reason=SORRY, by=by, at=when)
    chance = drawn.random()
    outcome = next(outcome for limit, outcome in OUTCOMES if chance < limit)
    cases.close(case=case, outcome=outcome, text="", by=by, at=min(when + timedelta(hours=drawn.uniform(1, 20)), at))


def _type_in(row: dict[str, Any], at: datetime) -> None:
    """At a store of the demo's manager; of the demo's customer where it says so."""
    manager = User.objects.get(email="manager@example.org")
    found = customers.find(text="demo-customer") if row.get("of_demo") else []
    cases.begin(
        channel=CaseChannel(row["channel"]),
        words=row["words"],
        store=manager.stores.order_by("pk").first(),
        customer=found[0] if found else None,
        severity=CaseSeverity(row.get("severity", "NORMAL")),
        by=actors.user(manager.pk),
        at=at,
    )


def _manager(store: Store | None) -> User:
    """Somebody may have to look after it who looks after all."""
    return cases.default_owner(store=store) or User.objects.filter(is_superuser=True).order_by("pk")[0]
