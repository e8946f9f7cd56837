"""Loads the demo. Each step changes nothing when it was done before, so a load that was interrupted goes on."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils.translation import gettext as _

from customers.domain import audit, rhythms
from customers.domain.absences import chances
from customers.domain.worths import forecasts
from customers.models import AuditEvent, Card, Store
from loyalty_site import environment
from loyalty_site.demo import (
    asking,
    cases,
    enrollment,
    journey,
    mailings,
    offering,
    past,
    people,
    program,
    receipts,
    staff,
)
from loyalty_site.demo.journey import Habits
from loyalty_site.lib import actors
from rewards.domain import imports
from rewards.domain.imports import ImportResult
from rewards.models import Program

if TYPE_CHECKING:
    import pyarrow

STARTED, SEEDED = "demo.started", "demo.seeded"
SUBJECT = "program:1"

# What is being done, and how much of all is done (0 to 1).
Tell = Callable[[str, float], None]
_IMPORT_FROM, _IMPORT_TO, _MAILED = 0.2, 0.8, 0.85
_PHASES = {"reading": (0.0, 0.2), "checking": (0.2, 0.35), "booking": (0.35, 1.0)}


class LinesRefused(Exception):
    """The importer refused lines of the demo's own file."""


def is_complete() -> bool:
    return Program.objects.exists() and AuditEvent.objects.filter(action=SEEDED).exists()


def belongs_to_somebody() -> bool:
    """Stores were here before any demo."""
    return Store.objects.exists() and not AuditEvent.objects.filter(action=STARTED).exists()


def load(*, count: int | None, at: datetime, tell: Tell) -> ImportResult:
    """The purchases of `count` households (all when None) and what is around them. Raises DataMissing, LinesRefused."""
    tell(_("Reading the data"), 0.0)
    last_day = _begin(at)
    bought = journey.lines(journey.households(count))
    moves = journey.moves(bought, last_day)
    habits = journey.habits(bought, moves)
    tell(_("Enrolling customers"), 0.1)
    _prepare(bought, habits, last_day)
    result = _import(bought, moves, at=at, tell=tell)
    tell(_("Telling what was mailed"), _IMPORT_TO)
    mailings.tell(bought, last_day)
    if not is_complete():
        tell(_("Telling what happened since"), _MAILED)
        _finish(habits, at)
    return result


def _begin(at: datetime) -> date:
    """Yesterday on the stores' clocks when the load began: one that goes on another day keeps its dates."""
    started = AuditEvent.objects.filter(action=STARTED).order_by("pk").first()
    if started is None:
        yesterday = at.astimezone(journey.ZONE).date() - timedelta(days=1)
        data = {"last_day": yesterday.isoformat()}
        started = audit.record(actor=actors.SYSTEM, action=STARTED, subject=SUBJECT, data=data, at=at)
    return date.fromisoformat(started.data["last_day"])


@transaction.atomic
def _prepare(bought: "pyarrow.Table", habits: Mapping[int, Habits], last_day: date) -> None:
    """Stores, rules, staff and customers: all that must be there before the purchases come in."""
    here = set(bought["store_id"].unique().to_pylist())
    stores = [store for store in journey.stores() if store in here]
    enrollment.make_stores(here)
    enrollment.make_categories()
    program.make(since=datetime.combine(last_day - timedelta(days=400), time(), tzinfo=journey.ZONE))
    staff.make(managed=sorted(stores, key=lambda store: store != habits[journey.DEMO_HOUSEHOLD].home_store)[:2])
    bands = journey.age_bands()
    enrollment.enroll(
        (people.person(household, age_band=bands.get(household), today=last_day) for household in habits), habits
    )
    past.welcome(enrollment.demo_customer())


def _import(bought: "pyarrow.Table", moves: Mapping[datetime, datetime], *, at: datetime, tell: Tell) -> ImportResult:
    """Through the door that is there for everybody's files."""

    def progress(phase: str, done: int, total: int) -> None:
        first, last = _PHASES[phase]
        share = first + (last - first) * (done / total if total else 1)
        tell(_("Importing purchases"), _IMPORT_FROM + (_IMPORT_TO - _IMPORT_FROM) * share)

    path = environment.VAR_DIR / "demo" / f"purchases-{connection.settings_dict['NAME']}.parquet"
    receipts.write(path, bought, moves)
    result = imports.run(path=path, by=actors.SYSTEM, at=at, progress=progress)
    if result.rejects:
        raise LinesRefused(
            _("%(lines)s lines were refused, see %(path)s") % {"lines": result.rejected, "path": result.rejects}
        )
    path.unlink()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # else the planner takes the new rows for few until autovacuum comes by
    return result


@transaction.atomic
def _finish(habits: Mapping[int, Habits], at: datetime) -> None:
    """All or nothing, because it is not told twice."""
    from customers.domain.recommendations import runs  # noqa: PLC0415 - numpy and scipy are heavy

    program.keep_from_recommendations(at=at)
    rhythms.refresh(at=at)
    forecasts.refresh(at=at)
    chances.refresh(at=at)
    members = _members(habits)
    past.tell(members, at=at)
    asking.tell(members, at=at)
    offering.tell(members, at=at)
    cases.tell(at=at)
    runs.refresh(at=at)
    program.make_segments(at=at)
    audit.record(actor=actors.SYSTEM, action=SEEDED, subject=SUBJECT, at=at)


def _members(habits: Mapping[int, Habits]) -> list[past.Member]:
    households = {people.card(household): household for household in habits}
    cards = Card.objects.filter(number__in=households).select_related("customer").order_by("pk")
    return [
        past.Member(household, card.customer, habits[household].last_at)
        for card in cards
        for household in [households[card.number]]
    ]
