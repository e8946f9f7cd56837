"""Sending: the rows are the queue, and each step is committed before the next one touches the network.

PENDING or DEFERRED → CLAIMED (a lease, no network yet) → TRANSMITTING (the mail is being handed over) → ACCEPTED,
DEFERRED, REJECTED or UNCERTAIN. Each step asks for the claim's token, so a worker whose lease has ended cannot
overwrite what was found out since. Nobody gets a mail twice by itself, and nobody is forgotten.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from time import sleep
from typing import Any
from uuid import uuid4

from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, contacts
from loyalty_site.lib import mail_replies, statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.mail_causes import Cause, cause_of
from loyalty_site.lib.mail_replies import Fate, Outcome, ServerUnavailable
from rewards.domain import mail_server, quiet_hours
from rewards.domain.mail_server import Admission
from rewards.models import Program
from surveys.domain import audience, campaigns, invitations
from surveys.domain.invitations import Alike
from surveys.models import TO_SEND, Campaign, CampaignState, Delivery, DeliveryState, SuppressionReason

LEASE = timedelta(minutes=5)
BATCH = 50
SERVER_PAUSE = timedelta(minutes=1)
NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_expires_at": None}

# So many mails of a campaign in a row, refused for what they say, stop it: the next ones say the same.
REFUSED_IN_A_ROW = 3

Clock = Callable[[], datetime]
Wait = Callable[[float], None]

logger = logging.getLogger(__name__)


class DeliveryNotUncertain(DomainError):
    code = "delivery_not_uncertain"
    message = _("It is known by now what became of this mail.")


def send_due(*, mailer: BaseEmailBackend, clock: Clock, until: datetime, wait: Wait = sleep) -> int:
    """Sends what is due until nothing is, `until` has come or the server takes nothing; returns how many left.

    Any number of workers may run it at once; together they keep to the programme's rate. `mailer` is opened once, and
    again after it failed.
    """
    program = Program.objects.current()
    accepted = 0
    try:
        while (at := clock()) < until and _waiting(at=at).exists():
            admission = mail_server.admit(wanted=BATCH, per_minute=program.mails_per_minute, at=at)
            if admission.wait and at + admission.wait < until:
                wait(admission.wait.total_seconds())
                continue
            batch = claim(limit=admission.places, at=at) if admission.places else []
            if not batch:
                break
            accepted += _send(batch, admission, mailer=mailer, program=program, clock=clock, until=until)
    finally:
        mail_replies.hang_up(mailer)
    return accepted


@transaction.atomic(durable=True)
def claim(*, limit: int, at: datetime) -> list[Delivery]:
    """Up to `limit` deliveries that are due, leased to the caller under one token; empty when nothing is due.

    Who lost the consent, the address or the membership since the audience was frozen, or got as many mails lately as a
    customer may, is suppressed instead; where it is night, the mail is held back until the morning.
    """
    pks: list[int] = []
    while not pks and (due := _due(limit=limit, at=at)):
        pks = _sendable(due, at)
    claimed = Delivery.objects.filter(pk__in=pks)
    claimed.update(state=DeliveryState.CLAIMED, reason="", lease_token=uuid4(), lease_expires_at=at + LEASE)
    whole = claimed.select_related("customer").prefetch_related("campaign__survey__questions")
    return list(whole.order_by("not_before", "pk"))


def transmit(
    *, delivery: Delivery, mailer: BaseEmailBackend, program: Program, clock: Clock, alike: Alike | None = None
) -> DeliveryState | None:
    """One claimed mail, from its writing to its outcome. None when it may not leave any more. `alike` is for all of a
    claim.

    Raises ServerUnavailable.
    """
    try:
        message = invitations.compose(delivery=delivery, program=program, alike=alike)
    except Exception as error:
        logger.error("delivery %s cannot be written: %s", delivery.pk, type(error).__name__)
        delivery.attempts += 1
        return _settle(delivery, Outcome(Fate.DEFERRED, mail_replies.in_words(error)), at=clock())
    mail_replies.connect(mailer)
    if not _begin(delivery, at=clock()):
        if Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.SUPPRESSED).exists():
            contacts.give_back(reference=_reference(delivery.pk))
        return None
    outcome = mail_replies.hand_over(message, mailer)
    if not outcome.connection_is_good:
        mail_replies.hang_up(mailer)
    state = _settle(delivery, outcome, at=clock())
    if state == DeliveryState.REJECTED and outcome.cause == Cause.CONTENT:
        _stop_what_is_refused(delivery.campaign, outcome.reply, at=clock())
    return state


@transaction.atomic(durable=True)
def reconcile(*, at: datetime) -> int:
    """Takes back the leases of workers that are gone; returns how many.

    A mail that had not begun to leave is sent anew. Where it had, nobody knows: UNCERTAIN, for a person to decide.
    """
    in_hand = Delivery.objects.filter(state__in=[DeliveryState.CLAIMED, DeliveryState.TRANSMITTING])
    ended = _free(in_hand.filter(lease_expires_at__lte=at))
    again = ended.filter(state=DeliveryState.CLAIMED).update(state=DeliveryState.PENDING, **NO_LEASE)
    begun = ended.filter(state=DeliveryState.TRANSMITTING)
    lost = begun.update(state=DeliveryState.UNCERTAIN, settled_at=at, **NO_LEASE)
    opened = Delivery.objects.filter(state=DeliveryState.UNCERTAIN, opened_at__isnull=False)
    opened.update(state=DeliveryState.ACCEPTED)  # its link came from the mail, so the mail arrived
    return again + lost


@transaction.atomic
def send_again(*, delivery: Delivery, by: Actor, at: datetime) -> None:
    """Whoever looked into it says that the mail did not arrive: it waits again, and is sent if it still may be. Raises
    DeliveryNotUncertain."""
    _decide(delivery, "delivery.sent_again", by, at, state=DeliveryState.PENDING, not_before=at, settled_at=None)
    campaign = Campaign.objects.filter(pk=delivery.campaign_id, state=CampaignState.NEEDS_ATTENTION, attention="")
    campaign.update(state=CampaignState.SENDING)


@transaction.atomic
def assume_delivered(*, delivery: Delivery, by: Actor, at: datetime) -> None:
    """Whoever looked into it says that the mail arrived. Raises DeliveryNotUncertain."""
    _decide(delivery, "delivery.assumed_delivered", by, at, state=DeliveryState.ACCEPTED, settled_at=at)


def _decide(delivery: Delivery, action: str, by: Actor, at: datetime, **values: object) -> None:
    """Once: the second of two who decide is refused."""
    if not Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.UNCERTAIN).update(**values):
        raise DeliveryNotUncertain
    audit.record(actor=by, action=action, subject=f"delivery:{delivery.pk}", at=at)


def _waiting(*, at: datetime) -> QuerySet[Delivery]:
    sending = Delivery.objects.filter(campaign__state=CampaignState.SENDING, not_before__lte=at)
    return sending.filter(~audience.is_answered(), state__in=TO_SEND)


def _due(*, limit: int, at: datetime) -> dict[int, tuple[int, str | None]]:
    """Deliveries to send that nobody else has in hand, each with its customer and the zone of their store."""
    due = _waiting(at=at).order_by("not_before", "pk")
    free = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
    rows = free.values_list("pk", "customer_id", "customer__home_store__timezone")[:limit]
    return {pk: (customer, zone) for pk, customer, zone in rows}


def _sendable(due: Mapping[int, tuple[int, str | None]], at: datetime) -> list[int]:
    """Those of them that may be sent now, who have a place from then on. Whoever must not get the mail is suppressed,
    and where it is night, it is held back."""
    program = Program.objects.current()
    # Asked apart: beside the join PostgreSQL would read all consents for these few.
    barriers = audience.barriers(customer for customer, _zone in due.values())
    awake, aside = {}, defaultdict(list)
    for pk, (customer, zone) in due.items():
        end = quiet_hours.end(program=program, timezone=zone or program.timezone, at=at)
        if barriers[customer] or end:
            aside[barriers[customer], end].append(pk)
        else:
            awake[pk] = customer
    for (barrier, end), pks in aside.items():
        if barrier:
            _suppress(pks, barrier, at)
        else:
            night = {"state": DeliveryState.HELD, "reason": SuppressionReason.QUIET_HOURS, "not_before": end}
            Delivery.objects.filter(pk__in=pks).update(**night)
    without_a_place = _without_a_place(awake, program, at)
    _suppress(without_a_place, SuppressionReason.TOO_MANY, at)
    return [pk for pk in awake if pk not in without_a_place]


def _suppress(pks: Collection[int], reason: str, at: datetime) -> None:
    if pks:
        rows = Delivery.objects.filter(pk__in=pks)
        rows.update(state=DeliveryState.SUPPRESSED, reason=reason, settled_at=at)


def _without_a_place(customers: dict[int, int], program: Program, at: datetime) -> set[int]:
    """Deliveries to customers who got as many mails lately as the programme allows; the others have a place now. What
    is not sent then is not sent later either: an answer is wanted while the visit is fresh."""
    wanted = {_reference(pk): customer for pk, customer in customers.items()}
    got = contacts.reserve_each(references=wanted, limit=program.mail_max, days=program.mail_days, at=at)
    return {pk for pk in customers if _reference(pk) not in got}


def _reference(pk: int) -> str:
    return f"survey-delivery:{pk}"


def _send(
    batch: list[Delivery],
    admission: Admission,
    *,
    mailer: BaseEmailBackend,
    program: Program,
    clock: Clock,
    until: datetime,
) -> int:
    """Goes through one claim and puts back what is left of it; returns how many left."""
    accepted, in_hand = 0, list(batch)
    alike: Alike = {}
    try:
        for delivery in batch:
            if clock() >= until:
                break
            state = transmit(delivery=delivery, mailer=mailer, program=program, clock=clock, alike=alike)
            accepted += state == DeliveryState.ACCEPTED
            if state is not None:
                in_hand.remove(delivery)
            if state in (DeliveryState.ACCEPTED, DeliveryState.REJECTED):
                mail_server.answered(admission=admission)
    except ServerUnavailable as error:
        _put_back([delivery], smtp_reply=error.reply, not_before=clock() + SERVER_PAUSE)
        mail_server.refused(error=error, admission=admission, at=clock())
    if in_hand:
        _put_back(in_hand)
    return accepted


def _stop_what_is_refused(campaign: Campaign, reply: str, *, at: datetime) -> None:
    """A campaign whose last mails were all refused for what they say waits for a person, who sees the `reply`."""
    settled = Delivery.objects.filter(campaign=campaign, settled_at__isnull=False).order_by("-settled_at")
    refused = settled.filter(state=DeliveryState.REJECTED).values_list("settled_at", "smtp_reply")[:REFUSED_IN_A_ROW]
    last = [moment for moment, words in refused if cause_of(words) == Cause.CONTENT]
    if len(last) == REFUSED_IN_A_ROW and not settled.filter(state=DeliveryState.ACCEPTED, settled_at__gt=last[-1]):
        campaigns.stop(campaign=campaign, reply=reply, at=at)


# The guards below look at the delivery's own row and at subqueries, never at joined tables: for those Django would
# wrap all conditions into one subquery, which PostgreSQL does not look at again after it has waited for a lock.


def _begin(delivery: Delivery, *, at: datetime) -> bool:
    """The last look before the network: still ours, the campaign still sends, the customer still agrees.

    Committed by itself, as the outcome is: `claim` refused a transaction around all of them.
    """
    sql, conditions = _begin_statement()
    ours = [delivery.pk, delivery.lease_token, DeliveryState.CLAIMED, at]
    begun = statements.rows(sql, [DeliveryState.TRANSMITTING, at + LEASE, *ours, CampaignState.SENDING, *conditions])
    delivery.attempts += len(begun)
    return bool(begun)


@cache
def _begin_statement() -> tuple[str, Sequence[object]]:
    """Whom it may go to is said by the conditions that hold everywhere. Asking Django for them took most of a mail's
    time, so it is asked once."""
    willing, of_willing = audience.mailable().order_by().values("pk").query.sql_with_params()
    answered, of_answered = audience.answered().order_by().values("pk").query.sql_with_params()
    sql = f"""
        UPDATE surveys_delivery AS mail SET state = %s, attempts = attempts + 1, lease_expires_at = %s
        WHERE id = %s AND lease_token = %s AND state = %s AND lease_expires_at > %s
          AND EXISTS (SELECT FROM surveys_campaign WHERE id = mail.campaign_id AND state = %s)
          AND EXISTS (SELECT FROM ({willing}) AS willing (id) WHERE willing.id = mail.customer_id)
          AND NOT EXISTS (SELECT FROM ({answered}) AS answered (id) WHERE answered.id = mail.reminds_id)
        RETURNING id
    """  # noqa: S608 - the queries of the ORM, with their parameters apart
    return sql, (*of_willing, *of_answered)


def _settle(delivery: Delivery, outcome: Outcome, *, at: datetime) -> DeliveryState | None:
    """None when the lease has ended meanwhile: what was found out since stays."""
    state, not_before = DeliveryState(outcome.fate), delivery.not_before
    settled_at: datetime | None = at
    if state == DeliveryState.DEFERRED and delivery.attempts >= mail_replies.MAX_ATTEMPTS:
        state = DeliveryState.REJECTED
    elif state == DeliveryState.DEFERRED:
        pause = mail_replies.pause_before_retry(attempts=delivery.attempts, seed=delivery.pk)
        settled_at, not_before = None, at + pause
    values = (state, delivery.attempts, settled_at, not_before, outcome.reply, delivery.pk, delivery.lease_token)
    if state not in (DeliveryState.DEFERRED, DeliveryState.REJECTED):
        return state if statements.rows(_SETTLE, values) else None
    with transaction.atomic():
        if not statements.rows(_SETTLE, values):
            return None
        contacts.give_back(reference=_reference(delivery.pk))
    return state


# The disk is not waited for: an outcome that a crash of the database forgets leaves its mail in transmission, which
# ends as uncertain, never as a second mail. The worker's next `_begin` waits, and brings it along.
_SETTLE = """
    UPDATE surveys_delivery
    SET state = %s, attempts = %s, settled_at = %s, not_before = %s, smtp_reply = %s,
        lease_token = NULL, lease_expires_at = NULL
    WHERE id = %s AND lease_token = %s AND state IN ('CLAIMED', 'TRANSMITTING')
    RETURNING id, set_config('synchronous_commit', 'off', true)
"""


@transaction.atomic(durable=True)
def _put_back(batch: list[Delivery], **changes: object) -> None:
    """What of a claim was not sent takes no place. An attempt that the server cut off for all is not counted."""
    held = _free(_held(batch, DeliveryState.CLAIMED, DeliveryState.TRANSMITTING))
    for pk in held.values_list("pk", flat=True):
        contacts.give_back(reference=_reference(pk))
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
