"""Sending: the rows are the queue, and each step is committed before the next one touches the network.

PENDING or DEFERRED → CLAIMED (a lease, no network yet) → TRANSMITTING (the mail is being handed over) → ACCEPTED,
DEFERRED, REJECTED or UNCERTAIN. Each step asks for the claim's token, so a worker whose lease has ended cannot
overwrite what was found out since. Nobody gets a mail twice by itself, and nobody is forgotten.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When

from customers.domain import contacts
from loyalty_site.lib import mail_replies
from loyalty_site.lib.mail_replies import Fate, Outcome, ServerUnavailable
from rewards.models import Program
from surveys.domain import audience, invitations
from surveys.models import Campaign, CampaignState, Delivery, DeliveryState, SuppressionReason

LEASE = timedelta(minutes=5)
BATCH = 20
SERVER_PAUSE = timedelta(minutes=1)
NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_expires_at": None}

Clock = Callable[[], datetime]

logger = logging.getLogger(__name__)


def send_due(*, mailer: BaseEmailBackend, clock: Clock, until: datetime) -> int:
    """Sends what is due until nothing is, `until` has come or the server is unavailable; returns how many left.

    Any number of workers may run it at once. `mailer` is opened once, and again after it failed.
    """
    program = Program.objects.current()
    accepted = 0
    try:
        while clock() < until and (batch := claim(limit=BATCH, at=clock())):
            accepted += _send(batch, mailer=mailer, program=program, clock=clock, until=until)
    except ServerUnavailable as error:
        logger.error("the mail server takes nothing: %s", error)
    finally:
        mail_replies.hang_up(mailer)
    return accepted


@transaction.atomic(durable=True)
def claim(*, limit: int, at: datetime) -> list[Delivery]:
    """Up to `limit` deliveries that are due, leased to the caller under one token; empty when nothing is due.

    Who lost the consent, the address or the membership since the audience was frozen, or got as many mails lately as a
    customer may, is suppressed instead.
    """
    pks: list[int] = []
    while not pks and (reasons := _due(limit=limit, at=at)):
        for barrier in set(reasons.values()) - {""}:
            barred = Delivery.objects.filter(pk__in=[pk for pk, reason in reasons.items() if reason == barrier])
            barred.update(state=DeliveryState.SUPPRESSED, reason=barrier, settled_at=at)
        pks = [pk for pk, reason in reasons.items() if not reason]
    claimed = Delivery.objects.filter(pk__in=pks)
    claimed.update(state=DeliveryState.CLAIMED, lease_token=uuid4(), lease_expires_at=at + LEASE)
    whole = claimed.select_related("campaign__survey", "customer").prefetch_related("campaign__survey__questions")
    return list(whole.order_by("not_before", "pk"))


def transmit(*, delivery: Delivery, mailer: BaseEmailBackend, program: Program, clock: Clock) -> DeliveryState | None:
    """One claimed mail, from its writing to its outcome. None when it may not leave any more.

    Raises ServerUnavailable.
    """
    try:
        message = invitations.compose(delivery=delivery, program=program)
    except Exception as error:
        logger.error("delivery %s cannot be written: %s", delivery.pk, type(error).__name__)
        delivery.attempts += 1
        return _settle(delivery, Outcome(Fate.DEFERRED, mail_replies.in_words(error)), at=clock())
    mail_replies.connect(mailer)
    if not _begin(delivery, at=clock()):
        return None
    outcome = mail_replies.hand_over(message, mailer)
    if not outcome.connection_is_good:
        mail_replies.hang_up(mailer)
    return _settle(delivery, outcome, at=clock())


@transaction.atomic(durable=True)
def reconcile(*, at: datetime) -> int:
    """Takes back the leases of workers that are gone; returns how many.

    A mail that had not begun to leave is sent anew. Where it had, nobody knows: UNCERTAIN, for a person to decide.
    """
    in_hand = Delivery.objects.filter(state__in=[DeliveryState.CLAIMED, DeliveryState.TRANSMITTING])
    ended = _free(in_hand.filter(lease_expires_at__lte=at))
    again = ended.filter(state=DeliveryState.CLAIMED).update(state=DeliveryState.PENDING, **NO_LEASE)
    begun = ended.filter(state=DeliveryState.TRANSMITTING)
    return again + begun.update(state=DeliveryState.UNCERTAIN, settled_at=at, **NO_LEASE)


def _due(*, limit: int, at: datetime) -> dict[int, str]:
    """Deliveries to send that nobody else has in hand, with the reason why one must not be sent."""
    sending = Delivery.objects.filter(campaign__state=CampaignState.SENDING, not_before__lte=at)
    waiting = sending.filter(~audience.is_answered(), state__in=[DeliveryState.PENDING, DeliveryState.DEFERRED])
    due = waiting.order_by("not_before", "pk")
    free = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
    customers = dict(free.values_list("pk", "customer_id")[:limit])
    # Asked apart: beside the join PostgreSQL would read all consents for these few.
    barriers = audience.barriers(customers.values())
    reasons = {pk: barriers[customer] for pk, customer in customers.items()}
    return reasons | _without_a_place({pk: customers[pk] for pk, reason in reasons.items() if not reason}, at)


def _without_a_place(customers: dict[int, int], at: datetime) -> dict[int, str]:
    """Deliveries to customers who got as many mails lately as the programme allows; the others have a place now. What
    is not sent then is not sent later either: an answer is wanted while the visit is fresh."""
    program = Program.objects.current()
    wanted = {_reference(pk): customer for pk, customer in customers.items()}
    got = contacts.reserve_each(references=wanted, limit=program.mail_max, days=program.mail_days, at=at)
    return {pk: SuppressionReason.TOO_MANY for pk in customers if _reference(pk) not in got}


def _reference(pk: int) -> str:
    return f"survey-delivery:{pk}"


def _send(batch: list[Delivery], *, mailer: BaseEmailBackend, program: Program, clock: Clock, until: datetime) -> int:
    """Goes through one claim and puts back what is left of it."""
    accepted = 0
    try:
        for delivery in batch:
            if clock() >= until:
                break
            state = transmit(delivery=delivery, mailer=mailer, program=program, clock=clock)
            accepted += state == DeliveryState.ACCEPTED
    except ServerUnavailable as error:
        _put_back(batch, smtp_reply=str(error), not_before=clock() + SERVER_PAUSE)
        raise
    _put_back(batch)
    return accepted


# The guards below look at the delivery's own row and at subqueries, never at joined tables: for those Django would
# wrap all conditions into one subquery, which PostgreSQL does not look at again after it has waited for a lock.


@transaction.atomic(durable=True)
def _begin(delivery: Delivery, *, at: datetime) -> bool:
    """The last look before the network: still ours, the campaign still sends, the customer still agrees.

    `durable` refuses a transaction around it; so what follows is committed one statement at a time, too.
    """
    sending = Campaign.objects.filter(pk=OuterRef("campaign_id"), state=CampaignState.SENDING)
    ours = _held([delivery], DeliveryState.CLAIMED).filter(lease_expires_at__gt=at)
    willing = Exists(audience.mailable().filter(pk=OuterRef("customer_id")))
    begun = ours.filter(Exists(sending), willing, ~audience.is_answered()).update(
        state=DeliveryState.TRANSMITTING, attempts=F("attempts") + 1, lease_expires_at=at + LEASE
    )
    delivery.attempts += begun
    return bool(begun)


def _settle(delivery: Delivery, outcome: Outcome, *, at: datetime) -> DeliveryState | None:
    """None when the lease has ended meanwhile: what was found out since stays."""
    state = DeliveryState(outcome.fate)
    changes: dict[str, Any] = {"settled_at": at, "smtp_reply": outcome.reply}
    if state == DeliveryState.DEFERRED and delivery.attempts >= mail_replies.MAX_ATTEMPTS:
        state = DeliveryState.REJECTED
    elif state == DeliveryState.DEFERRED:
        changes |= {
            "settled_at": None,
            "not_before": at + mail_replies.pause_before_retry(attempts=delivery.attempts, seed=delivery.pk),
        }
    if state == DeliveryState.REJECTED:
        contacts.give_back(reference=_reference(delivery.pk))
    held = _held([delivery], DeliveryState.CLAIMED, DeliveryState.TRANSMITTING)
    return state if held.update(state=state, attempts=delivery.attempts, **changes, **NO_LEASE) else None


@transaction.atomic(durable=True)
def _put_back(batch: list[Delivery], **changes: object) -> None:
    """What of a claim was not sent. An attempt that the server cut off for all is not counted."""
    held = _free(_held(batch, DeliveryState.CLAIMED, DeliveryState.TRANSMITTING))
    begun = Case(When(state=DeliveryState.TRANSMITTING, then=Value(1)), default=Value(0))
    held.update(state=DeliveryState.PENDING, attempts=F("attempts") - begun, **changes, **NO_LEASE)


def _held(batch: list[Delivery], *states: DeliveryState) -> QuerySet[Delivery]:
    """Those deliveries of a claim that are still under its lease."""
    pks = [delivery.pk for delivery in batch]
    return Delivery.objects.filter(pk__in=pks, lease_token=batch[0].lease_token, state__in=states)


def _free(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Those that nobody else is changing just now, locked. It never waits, so it never waits in a circle."""
    free = rows.select_for_update(skip_locked=True, no_key=True)
    return Delivery.objects.filter(pk__in=list(free.values_list("pk", flat=True)))
