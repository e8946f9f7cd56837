"""Mails that customers write: kept with their case, or a case of their own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.domain import customers
from loyalty_site.lib import actors
from loyalty_site.lib.errors import DomainError
from surveys.domain import case_mails, cases
from surveys.domain.incoming_mail import IncomingMail
from surveys.models import Case, CaseChannel, CaseEvent, CaseEventKind, CaseState

MAILS_PER_DAY = 50
CASES_PER_DAY = 10
AUTOMATIC_MAX = 20


class TooManyMails(DomainError):
    code = "too_many_case_mails"
    message = _("This sender has written too often today.")


class Fate(StrEnum):
    """What became of a mail that came in."""

    KEPT = "KEPT"
    OPENED = "OPENED"
    KNOWN = "KNOWN"
    DROPPED = "DROPPED"


@dataclass(frozen=True, slots=True)
class Taken:
    fate: Fate
    case: Case | None = None


@transaction.atomic
def take(*, mail: IncomingMail, recipient: str = "", at: datetime) -> Taken:
    """Keeps what came in with its case, which waits for an answer again; what belongs to none opens one.

    `recipient` is the address that the mail server says it was for. Told again it changes nothing. What nobody wrote
    never opens a case and never begins one anew; what comes back or is automatic is kept with the case that it answers,
    a few times, so that two machines do not write to each other for ever. Raises TooManyMails.
    """
    if CaseEvent.objects.filter(message_id=mail.message_id).exists():
        return Taken(Fate.KNOWN)
    if _is_own(mail):
        return Taken(Fate.DROPPED)
    case = _case_of(mail, recipient)
    if case is None:
        return Taken(Fate.DROPPED) if mail.is_automatic or not mail.sender else _opened(mail, at)
    case = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    if CaseEvent.objects.filter(message_id=mail.message_id).exists():
        return Taken(Fate.KNOWN)
    if mail.is_automatic:
        return _noted(case, mail, at)
    _refuse_flood(CaseEvent.objects.filter(case=case, kind=CaseEventKind.MAIL_IN), MAILS_PER_DAY, at)
    _keep(case, mail, at)
    _wake(case, at)
    return Taken(Fate.KEPT, case)


def _is_own(mail: IncomingMail) -> bool:
    """What we sent ourselves, come around."""
    own = {settings.CASE_ADDRESS.lower(), settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">").strip().lower()}
    return mail.sender in own - {""} or case_mails.read_address(mail.sender) is not None


def _case_of(mail: IncomingMail, recipient: str) -> Case | None:
    """By the signed address, else by what it answers. A case whose customer was forgotten takes nothing more."""
    addressed = (case_mails.read_address(address) for address in (recipient, *mail.recipients))
    number = next((found for found in addressed if found is not None), None)
    known = Case.objects.filter(customer__erased_at__isnull=True)
    if number is not None and (case := known.filter(pk=number).first()):
        return case
    events = CaseEvent.objects.filter(message_id__in=mail.references, case__in=known).select_related("case")
    by_id = {event.message_id: event.case for event in events}
    return next((by_id[reference] for reference in mail.references if reference in by_id), None)


def _opened(mail: IncomingMail, at: datetime) -> Taken:
    """A case for what belongs to none. Who the sender says they are is believed only to find their page."""
    opened = CaseEvent.objects.filter(kind=CaseEventKind.OPENED, address=mail.sender)
    _refuse_flood(opened, CASES_PER_DAY, at)
    found = customers.find(text=mail.sender)
    customer = found[0] if len(found) == 1 else None
    words = "\n\n".join(text for text in (mail.subject, mail.text) if text) or gettext("(an empty mail)")
    case = cases.begin(
        channel=CaseChannel.EMAIL,
        words=words,
        store=customer.home_store if customer else None,
        customer=customer,
        address=mail.sender,
        message_id=mail.message_id,
        attachments=list(mail.attachments),
        by=actors.customer(customer.pk) if customer else actors.SYSTEM,
        at=at,
    )
    Case.objects.filter(pk=case.pk).update(wrote_at=at)
    return Taken(Fate.OPENED, case)


def _noted(case: Case, mail: IncomingMail, at: datetime) -> Taken:
    automatic = case.events.filter(data__automatic=True)
    if automatic.count() >= AUTOMATIC_MAX:
        return Taken(Fate.DROPPED)
    _keep(case, mail, at)
    if mail.is_bounce:
        Case.objects.filter(pk=case.pk).update(wrote_at=Coalesce(F("wrote_at"), at))
    return Taken(Fate.KEPT, case)


def _keep(case: Case, mail: IncomingMail, at: datetime) -> CaseEvent:
    return cases.note_event(
        case=case,
        kind=CaseEventKind.BOUNCE if mail.is_bounce else CaseEventKind.MAIL_IN,
        text=mail.text or mail.subject,
        address=mail.sender,
        message_id=mail.message_id,
        attachments=list(mail.attachments),
        data={"automatic": True} if mail.is_automatic else {},
        by=actors.customer(case.customer_id) if case.customer_id and not mail.is_bounce else actors.SYSTEM,
        at=at,
    )


def _wake(case: Case, at: datetime) -> None:
    """The customer waits for an answer; a case that was over is its owner's again."""
    if case.state in (CaseState.RESOLVED, CaseState.CLOSED):
        cases.reopen(case=case, reason=gettext("The customer wrote again."), by=actors.SYSTEM, at=at)
    Case.objects.filter(pk=case.pk).update(wrote_at=Coalesce(F("wrote_at"), at))


def _refuse_flood(events: QuerySet[CaseEvent], limit: int, at: datetime) -> None:
    lately = events.filter(happened_at__gt=at - timedelta(days=1))
    if lately.count() >= limit:
        raise TooManyMails
