"""Cases: opened, given to somebody, worked step by step, closed.

Each change of a case is a conditional update of the row as the caller read it (`version`): of two people who change it
at the same moment the second one is told. Notes and mails change nothing that could be lost, and need no such care.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Store, User
from loyalty_site.lib import actors
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import points
from surveys.models import (
    WAITING,
    Case,
    CaseChannel,
    CaseEvent,
    CaseEventKind,
    CaseOutcome,
    CaseSeverity,
    CaseState,
    SurveyResponse,
)

# Where nobody says otherwise.
DUE_WITHIN = timedelta(hours=48)
TEXT_LENGTH = 4000
SUBJECT_LENGTH = 80
STEPS = {CaseState.CONTACTED: (CaseState.NEW, CaseState.ASSIGNED), CaseState.RESOLVED: WAITING}


class CaseMoved(DomainError):
    code = "case_moved"
    message = _("Somebody else changed this case meanwhile. Please look at it again.")


class CaseStepRefused(DomainError):
    code = "case_step_refused"
    message = _("This is not possible any more: the case is %(state)s.")


class CaseWordsMissing(DomainError):
    code = "case_words_missing"
    message = _("Please write a few words.")


class CaseOwnerUnfit(DomainError):
    code = "case_owner_unfit"
    message = _("%(owner)s does not work on cases of this store.")


class CaseDueInPast(DomainError):
    code = "case_due_in_past"
    message = _("The due time must be in the future.")


class CaseOpenedAlready(DomainError):
    code = "case_opened_already"
    message = _("This form opened case %(case)s already. Open it anew for another one.")


@transaction.atomic
def begin(
    *,
    channel: CaseChannel,
    words: str,
    store: Store | None,
    by: Actor,
    at: datetime,
    customer: Customer | None = None,
    response: SurveyResponse | None = None,
    severity: CaseSeverity = CaseSeverity.NORMAL,
    address: str = "",
    message_id: str = "",
    attachments: list[str] | None = None,
    due_at: datetime | None = None,
    token: UUID | None = None,
) -> Case:
    """Opens a case with what the customer said. The store's only manager owns it, if it has just one.

    `customer` may have left; of one who was merged it is whom they were merged into. Their points account is locked, so
    that nobody forgets or merges them meanwhile. `address`, `message_id` and the names of `attachments` are those of
    the mail that it began with. `token` names one showing of a form: a double click on it finds the first case, other
    words, customer, store, channel, severity, address or time until it is due in it are refused. Raises
    CaseWordsMissing, CaseDueInPast, CaseOpenedAlready.
    """
    said = told(words)
    due_at = due_at or at + DUE_WITHIN
    if due_at < at:
        raise CaseDueInPast
    if customer:
        customer = points.lock_owner(customer=customer)
    owner = default_owner(store=store)
    values = {
        "customer": customer,
        "response": response,
        "channel": channel,
        "store": store,
        "owner": owner,
        "state": CaseState.ASSIGNED if owner else CaseState.NEW,
        "severity": severity,
        "subject": first_words(said),
        "address": address,
        "opened_at": at,
        "opened_by": str(by),
        "due_at": due_at,
    }
    is_new = True
    if token is None:
        case = Case.objects.create(**values)
    else:
        case, is_new = Case.objects.get_or_create(token=token, defaults=values)
    if not is_new:
        begun = (case.customer, case.store, case.channel, case.severity, case.address, case.due_at - case.opened_at)
        is_same = begun == (customer, store, channel, severity, address, due_at - at)
        if not is_same or not case.events.filter(kind=CaseEventKind.OPENED, text=said).exists():
            raise CaseOpenedAlready(case=case)
        return case
    mail = {"address": address, "message_id": message_id, "attachments": attachments or []}
    note_event(case=case, kind=CaseEventKind.OPENED, text=said, by=by, at=at, **mail)
    if owner:
        _assigned(case, actors.SYSTEM, at)
    return case


@transaction.atomic
def assign(*, case: Case, owner: User, by: Actor, at: datetime) -> None:
    """Raises CaseOwnerUnfit, CaseStepRefused when it is closed, CaseMoved."""
    _refuse_unless(case, (*WAITING, CaseState.RESOLVED))
    if not candidates(store=case.store).filter(pk=owner.pk).exists():
        raise CaseOwnerUnfit(owner=owner)
    state = CaseState.ASSIGNED if case.state == CaseState.NEW else case.state
    _change(case, owner=owner, state=state)
    _assigned(case, by, at)


@transaction.atomic
def pass_on(*, case: Case, store: Store, by: Actor, at: datetime) -> None:
    """Another store answers for it from now on. Raises CaseStepRefused, CaseMoved."""
    _refuse_unless(case, (*WAITING, CaseState.RESOLVED))
    owner = default_owner(store=store)
    _change(case, store=store, owner=owner, state=CaseState.ASSIGNED if owner else CaseState.NEW)
    _assigned(case, by, at)


@transaction.atomic
def step(*, case: Case, to: CaseState, text: str, by: Actor, at: datetime) -> None:
    """On to CONTACTED or RESOLVED; who does it owns it, if nobody did. Raises CaseStepRefused, CaseMoved."""
    _refuse_unless(case, STEPS[to])
    before = case.state
    _change(case, state=to, owner_id=case.owner_id or by.id, wrote_at=None)
    _stepped(case, before, text, by, at)


@transaction.atomic
def close(*, case: Case, outcome: CaseOutcome, text: str, by: Actor, at: datetime) -> None:
    """Raises CaseStepRefused when it is closed already, CaseMoved."""
    _refuse_unless(case, (*WAITING, CaseState.RESOLVED))
    before = case.state
    owner_id = case.owner_id or by.id
    _change(case, state=CaseState.CLOSED, outcome=outcome, closed_at=at, owner_id=owner_id, wrote_at=None)
    _stepped(case, before, text, by, at)


@transaction.atomic
def reopen(*, case: Case, reason: str, by: Actor, at: datetime) -> None:
    """Its owner has it again, due anew. Raises CaseWordsMissing, CaseStepRefused, CaseMoved."""
    reason = told(reason)
    _refuse_unless(case, (CaseState.RESOLVED, CaseState.CLOSED))
    before = case.state
    due_at = max(case.due_at, at + DUE_WITHIN)
    _change(case, state=CaseState.ASSIGNED, outcome="", closed_at=None, due_at=due_at)
    _stepped(case, before, reason, by, at)


@transaction.atomic
def put_off(*, case: Case, due_at: datetime, reason: str, by: Actor, at: datetime) -> None:
    """Raises CaseWordsMissing, CaseDueInPast, CaseStepRefused, CaseMoved."""
    reason = told(reason)
    _refuse_unless(case, WAITING)
    if due_at < at:
        raise CaseDueInPast
    _change(case, due_at=due_at)
    note_event(case=case, kind=CaseEventKind.DUE, text=reason, data={"due_at": due_at.isoformat()}, by=by, at=at)


@transaction.atomic
def note(*, case: Case, text: str, by: Actor, at: datetime) -> CaseEvent:
    """Raises CaseWordsMissing. The row is locked, so that nobody is forgotten by half."""
    Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    return note_event(case=case, kind=CaseEventKind.NOTE, text=told(text), by=by, at=at)


def note_event(*, case: Case, kind: CaseEventKind, by: Actor, at: datetime, text: str = "", **more: Any) -> CaseEvent:
    """One more line of the story."""
    return CaseEvent.objects.create(case=case, kind=kind, text=text, actor=str(by), happened_at=at, **more)


def candidates(*, store: Store | None) -> QuerySet[User]:
    """Who may own a case of the store: staff who may change cases, and work there or everywhere."""
    anywhere = Q(stores__isnull=True)
    here = anywhere | Q(stores=store) if store else anywhere
    may = Q(groups__permissions__codename="change_case", groups__permissions__content_type__app_label="surveys")
    return User.objects.filter(may | Q(is_superuser=True), here, is_active=True, is_staff=True).distinct()


def default_owner(*, store: Store | None) -> User | None:
    """The one person who works on cases in just this store or a few, if there is exactly one."""
    here = list(candidates(store=store).filter(stores=store).order_by("pk")[:2]) if store else []
    return here[0] if len(here) == 1 else None


def seen_by(*, stores: list[int]) -> QuerySet[Case]:
    """The cases of these stores (ids); of all, and of none, where it is empty."""
    return Case.objects.filter(store__in=stores) if stores else Case.objects.all()


def is_waiting() -> Q:
    return Q(state__in=WAITING)


def is_overdue(*, at: datetime) -> Q:
    return is_waiting() & Q(due_at__lt=at)


def first_words(text: str) -> str:
    """Of the first line, as a list shows them."""
    line = next(iter(text.strip().splitlines()), "").strip()
    return line if len(line) <= SUBJECT_LENGTH else f"{line[: SUBJECT_LENGTH - 1].rstrip()}…"


def told(text: str) -> str:
    """What somebody wrote, as it is kept: PostgreSQL's texts cannot hold NUL. Raises CaseWordsMissing."""
    text = text.replace("\0", "").strip()[:TEXT_LENGTH]
    if not text:
        raise CaseWordsMissing
    return text


def _refuse_unless(case: Case, states: tuple[CaseState, ...]) -> None:
    if case.state not in states:
        raise CaseStepRefused(state=case.get_state_display())


def _change(case: Case, **values: Any) -> None:
    """Only where the row is still what the caller read."""
    as_read = Case.objects.filter(pk=case.pk, version=case.version)
    if not as_read.update(version=F("version") + 1, **values):
        raise CaseMoved
    case.refresh_from_db()


def _assigned(case: Case, by: Actor, at: datetime) -> None:
    data = {"owner": case.owner_id, "store": case.store_id}
    note_event(case=case, kind=CaseEventKind.ASSIGNMENT, data=data, by=by, at=at)


def _stepped(case: Case, before: str, text: str, by: Actor, at: datetime) -> None:
    data = {"from": before, "to": case.state, **({"outcome": case.outcome} if case.outcome else {})}
    text = text.replace("\0", "").strip()[:TEXT_LENGTH]
    note_event(case=case, kind=CaseEventKind.STATE, text=text, data=data, by=by, at=at)
