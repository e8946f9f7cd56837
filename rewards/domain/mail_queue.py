"""Mails whose rows are the queue: lapse notices, gesture mails, mails of mailings.

PENDING → SENDING (committed before the network) → ACCEPTED, REJECTED, UNCERTAIN, or PENDING again when the server
refused for now. Of what is UNCERTAIN a person decides. At most one mail leaves for each row, whoever is killed when.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import sleep
from typing import Generic, TypeVar

from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, consents, contacts, suppressions
from customers.models import Customer, Purpose
from loyalty_site.lib import mail_replies
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.mail_replies import Fate, Outcome, ServerUnavailable
from rewards.domain import mail_server, quiet_hours
from rewards.models import MailBarrier, MailState, Program
from rewards.models.mail import QueuedMail

LEASE = timedelta(minutes=10)
SERVER_PAUSE = timedelta(minutes=1)

Clock = Callable[[], datetime]
Wait = Callable[[float], None]
Mail = TypeVar("Mail", bound=QueuedMail)

logger = logging.getLogger(__name__)


class MailNotUncertain(DomainError):
    code = "mail_not_uncertain"
    message = _("It is known by now what became of this mail.")


@dataclass(frozen=True, slots=True)
class Queue(Generic[Mail]):
    """One kind of mail. `name` (`points-notice`) is what logs, the audit and Message-IDs call its rows.

    `barrier` says at the claim why a mail must not leave, beside what holds for all; it may fill the row. `compose`
    writes it. `related` is read with each row; only rows for which `open` holds are sent. Mails that answer somebody
    (`answers`) ask for no consent and take no place among those that a customer may get; they may name no customer.
    """

    name: str
    model: type[Mail]
    barrier: Callable[[Mail, Program, datetime], MailBarrier | None]
    compose: Callable[[Mail, Program], EmailMultiAlternatives]
    related: tuple[str, ...] = ()
    open: Q = field(default_factory=Q)
    answers: bool = False


def send_due(*, queue: Queue[Mail], mailer: BaseEmailBackend, clock: Clock, until: datetime, wait: Wait = sleep) -> int:
    """Sends what is due until nothing is, `until` has come or the server takes nothing; returns how many left.

    Any number of workers may run it at once; together they keep to the programme's rate. `mailer` is opened when
    something is due, and again after it failed.
    """
    program = Program.objects.current()
    accepted = 0
    try:
        while (at := clock()) < until and _due(queue, at).exists():
            admission = mail_server.admit(wanted=1, per_minute=program.mails_per_minute, at=at)
            if admission.wait and at + admission.wait < until:
                wait(admission.wait.total_seconds())
                continue
            if not admission.places:
                break
            mail = _next(queue, program, mailer, clock, until)
            if mail:
                fate = _send(queue, mail, mailer, program, clock)
                accepted += fate == Fate.ACCEPTED
                if fate in (Fate.ACCEPTED, Fate.REJECTED):
                    mail_server.answered(admission=admission)
    except ServerUnavailable as error:
        mail_server.refused(error=error, admission=admission, at=clock())
    finally:
        mail_replies.hang_up(mailer)
    return accepted


def _next(queue: Queue[Mail], program: Program, mailer: BaseEmailBackend, clock: Clock, until: datetime) -> Mail | None:
    """The next mail to hand over. Those that must not leave, or not yet, are passed over: they need no place. Raises
    ServerUnavailable."""
    while (at := clock()) < until:
        mail_replies.connect(mailer)
        mail = claim(queue=queue, program=program, at=at)
        if mail is None or mail.state == MailState.SENDING:
            return mail
    return None


@transaction.atomic(durable=True)
def claim(*, queue: Queue[Mail], program: Program, at: datetime) -> Mail | None:
    """The next mail that is due and that nobody else has in hand: SENDING, or SUPPRESSED where it must not be sent.

    Consent, address, and what it tells of are read now. Where it is night, or the customer got as many mails lately as
    the programme allows, it waits for the morning or for a place, and is returned PENDING.
    """
    free = _due(queue, at).select_for_update(skip_locked=True, of=("self",), no_key=True)
    mail = free.select_related("customer__home_store", *queue.related).order_by("not_before", "pk").first()
    if mail is None:
        return None
    barrier = None if queue.answers else _barrier_of(mail.customer)
    if barrier := barrier or queue.barrier(mail, program, at):
        mail.state, mail.reason, mail.settled_at = MailState.SUPPRESSED, barrier, at
    elif not queue.answers and (end := _end_of_night(mail, program, at)):
        mail.not_before = end
    elif not queue.answers and not _reserve(queue, mail, program, at):
        _wait_for_a_place(mail, program, at)
    else:
        mail.state, mail.claimed_at = MailState.SENDING, at
        mail.attempts += 1
    mail.save()
    return mail


@transaction.atomic(durable=True)
def reconcile(*, queue: Queue[Mail], at: datetime) -> int:
    """What workers that are gone had claimed is UNCERTAIN, for a person to look at; returns how many."""
    left = _rows(queue).filter(state=MailState.SENDING, claimed_at__lte=at - LEASE)
    return left.update(state=MailState.UNCERTAIN, claimed_at=None, settled_at=at)


@transaction.atomic
def send_again(*, queue: Queue[Mail], mail: Mail, by: Actor, at: datetime) -> None:
    """Whoever looked into it says that the mail did not arrive: it waits again, and is sent if it still may be. Raises
    MailNotUncertain."""
    _decide(queue, mail, "mail.sent_again", by, at, state=MailState.PENDING, not_before=at, settled_at=None)


@transaction.atomic
def assume_delivered(*, queue: Queue[Mail], mail: Mail, by: Actor, at: datetime) -> None:
    """Whoever looked into it says that the mail arrived. Raises MailNotUncertain."""
    _decide(queue, mail, "mail.assumed_delivered", by, at, state=MailState.ACCEPTED, settled_at=at)


def settle(*, queue: Queue[Mail], mail: Mail, outcome: Outcome, at: datetime) -> Fate | None:
    """Writes down what became of a claimed mail. None when the lease has ended meanwhile: what was found out since
    stays."""
    fate = outcome.fate
    if fate == Fate.DEFERRED and mail.attempts < mail_replies.MAX_ATTEMPTS:
        pause = mail_replies.pause_before_retry(attempts=mail.attempts, seed=mail.pk)
        changed = _change(queue, mail, state=MailState.PENDING, not_before=at + pause, smtp_reply=outcome.reply)
    else:
        fate = Fate.REJECTED if fate == Fate.DEFERRED else fate
        changed = _change(queue, mail, state=MailState(fate), settled_at=at, smtp_reply=outcome.reply)
    return fate if changed else None


def _decide(queue: Queue[Mail], mail: Mail, action: str, by: Actor, at: datetime, **values: object) -> None:
    """Once: the second of two who decide is refused."""
    if not _rows(queue).filter(pk=mail.pk, state=MailState.UNCERTAIN).update(**values):
        raise MailNotUncertain
    audit.record(actor=by, action=action, subject=f"{queue.name}:{mail.pk}", at=at)


def _rows(queue: Queue[Mail]) -> QuerySet[Mail]:
    return queue.model._default_manager.all()


def _due(queue: Queue[Mail], at: datetime) -> QuerySet[Mail]:
    return _rows(queue).filter(queue.open, state=MailState.PENDING, not_before__lte=at)


def _barrier_of(customer: Customer) -> MailBarrier | None:
    if customer.closed_at is not None:
        return MailBarrier.CLOSED
    if not customer.email:
        return MailBarrier.NO_EMAIL
    if suppressions.is_held_back(address=customer.email):
        return MailBarrier.SUPPRESSED_ADDRESS
    allowed = consents.allows(customer=customer, purpose=Purpose.MARKETING_EMAIL)
    return None if allowed else MailBarrier.NO_CONSENT


def _send(queue: Queue[Mail], mail: Mail, mailer: BaseEmailBackend, program: Program, clock: Clock) -> Fate | None:
    """Raises ServerUnavailable, after the mail waits again."""
    try:
        message = queue.compose(mail, program)
    except Exception as error:
        logger.error("%s %s cannot be written: %s", queue.name, mail.pk, type(error).__name__)
        outcome = Outcome(Fate.DEFERRED, mail_replies.in_words(error))
        return settle(queue=queue, mail=mail, outcome=outcome, at=clock())
    try:
        outcome = mail_replies.hand_over(message, mailer)
    except ServerUnavailable as error:
        pause = clock() + SERVER_PAUSE
        _change(
            queue, mail, state=MailState.PENDING, not_before=pause, attempts=mail.attempts - 1, smtp_reply=error.reply
        )
        raise
    if not outcome.connection_is_good:
        mail_replies.hang_up(mailer)
    return settle(queue=queue, mail=mail, outcome=outcome, at=clock())


def _change(queue: Queue[Mail], mail: Mail, **values: object) -> bool:
    """Committed at once, and only while the claim is still ours."""
    ours = _rows(queue).filter(pk=mail.pk, state=MailState.SENDING, claimed_at=mail.claimed_at)
    with transaction.atomic():
        changed = bool(ours.update(claimed_at=None, **values))
        if changed and values["state"] in (MailState.PENDING, MailState.REJECTED):
            contacts.give_back(reference=f"{queue.name}:{mail.pk}")
    return changed


def _reserve(queue: Queue[Mail], mail: Mail, program: Program, at: datetime) -> bool:
    reference = f"{queue.name}:{mail.pk}"
    limit, days = program.mail_max, program.mail_days
    return contacts.reserve(customer=mail.customer, reference=reference, limit=limit, days=days, at=at)


def _end_of_night(mail: QueuedMail, program: Program, at: datetime) -> datetime | None:
    store = mail.customer.home_store
    return quiet_hours.end(program=program, timezone=store.timezone if store else program.timezone, at=at)


def _wait_for_a_place(mail: QueuedMail, program: Program, at: datetime) -> None:
    assert program.mail_max is not None
    limit, days = program.mail_max, program.mail_days
    free = contacts.free_from(customer=mail.customer, limit=limit, days=days, at=at)
    mail.not_before = max(free, at + SERVER_PAUSE)
