"""An offer's way to its audience: when, to whom, and how far it is.

States change by conditional updates, so two workers at once, or a click on a page that is an hour old, do no harm.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib import codes
from loyalty_site.lib.actors import SYSTEM, Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import (
    coupon_mails,
    experiments,
    gesture_mails,
    mail_queue,
    mail_texts,
    mailing_audience,
    offers,
    told_mails,
)
from rewards.domain.mail_texts import Text
from rewards.models import Arm, Coupon, MailBarrier, Mailing, MailingMail, MailingState, MailState, Program

CANCELLABLE = (MailingState.SCHEDULED, MailingState.MATERIALIZING, MailingState.SENDING, MailingState.PAUSED)
COUPONS_AT_ONCE = 5000


class WrongMailingState(DomainError):
    code = "mailing_state"
    message = _("That is not possible now: the mailing is in the state “%(state)s”.")


class MailingInThePast(DomainError):
    code = "mailing_in_the_past"
    message = _("The start is in the past.")


@transaction.atomic
def schedule(*, mailing: Mailing, starts_at: datetime, by: Actor, at: datetime) -> Mailing:
    """Sets or moves the start; this very minute is still allowed.

    Raises WrongMailingState, MailingInThePast, OfferNotLive or OfferWithdrawn (at the start), PlaceholderUnknown.
    """
    if starts_at < at.replace(second=0, microsecond=0):
        raise MailingInThePast
    offers.refuse_unless_live(offer=mailing.offer, at=starts_at)
    told_mails.check(text=Text(mailing.subject, mailing.body), points=False)
    from_states = (MailingState.DRAFT, MailingState.SCHEDULED)
    told = {"starts_at": starts_at, "scheduled_by": str(by)}
    return _move(mailing, from_states, MailingState.SCHEDULED, by, at, **told)


@transaction.atomic
def pause(*, mailing: Mailing, by: Actor, at: datetime) -> Mailing:
    """No further mail leaves; one that is being handed over does. Raises WrongMailingState."""
    return _move(mailing, (MailingState.SENDING,), MailingState.PAUSED, by, at)


@transaction.atomic
def resume(*, mailing: Mailing, by: Actor, at: datetime) -> Mailing:
    """Raises WrongMailingState."""
    return _move(mailing, (MailingState.PAUSED,), MailingState.SENDING, by, at)


@transaction.atomic
def cancel(*, mailing: Mailing, by: Actor, at: datetime) -> Mailing:
    """For good: who has not got the mail will not. Coupons that were issued stay good. Raises WrongMailingState."""
    cancelled = _move(mailing, CANCELLABLE, MailingState.CANCELLED, by, at, finished_at=at)
    _suppress_cancelled(at)
    return cancelled


def materialize_due(*, at: datetime) -> int:
    """Freezes the audience of each mailing whose time has come and starts its sending; returns how many.

    One that a killed worker left is found again by its state.
    """
    due = Mailing.objects.filter(state=MailingState.SCHEDULED, starts_at__lte=at)
    due.update(state=MailingState.MATERIALIZING, materialized_at=at)
    frozen = Mailing.objects.filter(state=MailingState.MATERIALIZING).order_by("starts_at", "pk")
    return sum(_materialize(pk) for pk in list(frozen.values_list("pk", flat=True)))


def settle_states(*, at: datetime) -> int:
    """COMPLETED are those none of whose mails is on its way; returns how many. What waits for a second try when its
    mailing was cancelled is not tried again."""
    _suppress_cancelled(at)
    under_way = MailingMail.objects.filter(mailing=OuterRef("pk"), state__in=[MailState.PENDING, MailState.SENDING])
    sent = Mailing.objects.filter(~Exists(under_way), state__in=[MailingState.SENDING, MailingState.PAUSED])
    return sent.update(state=MailingState.COMPLETED, finished_at=at)


def _move(
    mailing: Mailing, from_states: Collection[MailingState], to: MailingState, by: Actor, at: datetime, **also: object
) -> Mailing:
    moved = Mailing.objects.filter(pk=mailing.pk, state__in=from_states).update(state=to, **also)
    current = Mailing.objects.get(pk=mailing.pk)
    if not moved:
        raise WrongMailingState(state=current.get_state_display())
    audit.record(actor=by, action=f"mailing.{to.lower()}", subject=f"mailing:{mailing.pk}", at=at)
    return current


def _suppress_cancelled(at: datetime) -> None:
    cancelled = Mailing.objects.filter(pk=OuterRef("mailing_id"), state=MailingState.CANCELLED)
    waiting = MailingMail.objects.filter(Exists(cancelled), state=MailState.PENDING)
    waiting.update(state=MailState.SUPPRESSED, reason=MailBarrier.CANCELLED, settled_at=at)


@transaction.atomic
def _materialize(pk: int) -> bool:
    """All or nothing: arms, then mails, then coupons. False when another worker has it in hand or has done it, or when
    its offer is not live any more: then it is cancelled."""
    free = Mailing.objects.select_for_update(skip_locked=True, of=("self",)).select_related("offer", "experiment")
    mailing = free.filter(pk=pk, state=MailingState.MATERIALIZING).first()
    if mailing is None:
        return False
    at = mailing.materialized_at
    assert at is not None
    try:
        offers.refuse_unless_live(offer=mailing.offer, at=at)
    except (offers.OfferNotLive, offers.OfferWithdrawn):
        _move(mailing, (MailingState.MATERIALIZING,), MailingState.CANCELLED, SYSTEM, at, finished_at=at)
        return False
    chosen = mailing_audience.of(mailing=mailing, at=at).annotate(barrier=mailing_audience.barrier())
    experiments.assign_all(
        experiment=mailing.experiment, customers=chosen.filter(barrier=""), occasion=f"mailing:{pk}", at=at
    )
    _insert_mails(mailing, at)
    while _issue_some(mailing, at):
        pass
    Mailing.objects.filter(pk=pk).update(state=MailingState.SENDING)
    return True


def _insert_mails(mailing: Mailing, at: datetime) -> None:
    """A row for everybody in the audience, in one statement."""
    chosen = mailing_audience.of(mailing=mailing, at=at).annotate(barrier=mailing_audience.barrier())
    people, parameters = chosen.values_list("pk", "barrier").order_by("pk").query.sql_with_params()
    not_before = gesture_mails.by_day(at=at, program=Program.objects.current())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO rewards_mailingmail (mailing_id, customer_id, state, reason, attempts, not_before, settled_at,
                                             smtp_reply)
            SELECT %s, chosen.id, CASE why WHEN '' THEN 'PENDING' ELSE 'SUPPRESSED' END, why, 0, %s,
                   CASE why WHEN '' THEN NULL ELSE %s END, ''
            FROM (SELECT customer.id, CASE WHEN barrier <> '' THEN barrier
                                           WHEN arm = %s THEN '' ELSE %s END AS why
                  FROM ({people}) AS customer (id, barrier)
                  LEFT JOIN rewards_assignment assignment
                         ON assignment.customer_id = customer.id AND assignment.experiment_id = %s) AS chosen
            """,  # noqa: S608 - the query of the ORM, with its parameters apart
            [
                mailing.pk,
                not_before,
                at,
                Arm.TREATED.value,
                MailBarrier.HELD_OUT.value,
                *parameters,
                mailing.experiment_id,
            ],
        )


def _issue_some(mailing: Mailing, at: datetime) -> int:
    """Coupons for the next treated customers, in one statement with codes made before; returns how many were issued.

    Their rows are locked by id against merges, so that no coupon stays with who is gone: who is, gets none, and the
    mail finds that out. A code that happens to exist is left out, and another one made the next time.
    """
    starts_at, expires_at = offers.good_between(offer=mailing.offer, at=at)
    made = [
        mailing.offer.code_prefix + codes.generate(length=Coupon.BODY_LENGTH)
        for _n in range(min(COUPONS_AT_ONCE, _without_coupon(mailing)))
    ]
    values: dict[str, Any] = {
        "codes": made,
        "number": len(made),
        "mailing": mailing.pk,
        "offer": mailing.offer_id,
        "uses_max": mailing.offer.code_max,
        "reference": f"mailing:{mailing.pk}:",
        "at": at,
        "starts_at": starts_at,
        "expires_at": expires_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ISSUE, values)
        issued = int(cursor.rowcount)
        cursor.execute(_HAND_OUT, values)
    return issued


def _without_coupon(mailing: Mailing) -> int:
    waiting = MailingMail.objects.filter(mailing=mailing, state=MailState.PENDING, coupon__isnull=True)
    return waiting.filter(customer__closed_at__isnull=True).count()


def _barrier(mail: MailingMail, program: Program, at: datetime) -> MailBarrier | None:
    if mail.coupon is None or not coupon_mails.is_good(coupon=mail.coupon, at=at):
        return MailBarrier.GONE
    return None


def _compose(mail: MailingMail, program: Program) -> EmailMultiAlternatives:
    return told_mails.compose(
        reference=f"mailing-{mail.pk}",
        customer=mail.customer,
        program=program,
        text=Text(mail.mailing.subject, mail.mailing.body),
        default=mail_texts.OFFER,
        coupon=mail.coupon,
    )


QUEUE = mail_queue.Queue(
    "mailing",
    MailingMail,
    _barrier,
    _compose,
    related=("mailing", "coupon__offer"),
    open=Q(mailing__state=MailingState.SENDING),
)

_ISSUE = """
    WITH locked AS MATERIALIZED (
        SELECT customer.id
        FROM customers_customer customer
        WHERE customer.closed_at IS NULL
          AND customer.id IN (SELECT mail.customer_id
                              FROM rewards_mailingmail mail
                              JOIN customers_customer present
                                ON present.id = mail.customer_id AND present.closed_at IS NULL
                              WHERE mail.mailing_id = %(mailing)s AND mail.state = 'PENDING' AND mail.coupon_id IS NULL
                              ORDER BY mail.customer_id LIMIT %(number)s)
        ORDER BY customer.id
        FOR SHARE
    ), numbered AS (
        SELECT id, row_number() OVER (ORDER BY id) AS number FROM locked
    ), made AS (
        SELECT code, number FROM unnest(%(codes)s::text[]) WITH ORDINALITY AS told (code, number)
    )
    INSERT INTO rewards_coupon (code, offer_id, customer_id, is_public, state, uses_max, uses_count, reference,
                                issued_at, starts_at, expires_at)
    SELECT made.code, %(offer)s, numbered.id, false, 'ISSUED', %(uses_max)s, 0, %(reference)s || numbered.id, %(at)s,
           %(starts_at)s, %(expires_at)s
    FROM numbered JOIN made USING (number)
    ON CONFLICT DO NOTHING
"""

_HAND_OUT = """
    UPDATE rewards_mailingmail mail SET coupon_id = coupon.id
    FROM rewards_coupon coupon
    WHERE mail.mailing_id = %(mailing)s AND mail.state = 'PENDING' AND mail.coupon_id IS NULL
      AND coupon.offer_id = %(offer)s AND coupon.reference = %(reference)s || mail.customer_id
"""
