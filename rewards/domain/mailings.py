"""An offer's way to its audience: when, to whom, and how far it is.

States change by conditional updates, so two workers at once, or a click on a page that is an hour old, do no harm.
"""

from collections.abc import Collection
from datetime import datetime

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib.actors import SYSTEM, Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import (
    coupon_mails,
    coupons,
    mail_queue,
    mail_texts,
    mailing_freezing,
    offers,
    told_mails,
)
from rewards.domain.mail_texts import Text
from rewards.models import Coupon, CouponState, MailBarrier, Mailing, MailingMail, MailingState, MailState, Program

CANCELLABLE = (MailingState.SCHEDULED, MailingState.MATERIALIZING, MailingState.SENDING, MailingState.PAUSED)


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
def cancel(*, mailing: Mailing, by: Actor, at: datetime, void_because: str = "") -> Mailing:
    """For good: who has not got the mail will not. Coupons that were issued stay good, unless `void_because` says why
    those that nobody has redeemed become void, also those that a mail has told of. Raises WrongMailingState."""
    cancelled = _move(mailing, CANCELLABLE, MailingState.CANCELLED, by, at, finished_at=at)
    _suppress_cancelled(at)
    if void_because:
        coupons.void_all(coupons=coupons_left(mailing=mailing), reason=void_because, by=by, at=at)
    return cancelled


def coupons_left(*, mailing: Mailing) -> QuerySet[Coupon]:
    """Those that it brought and that can still be redeemed."""
    return Coupon.objects.filter(mailing_mail__mailing=mailing, state=CouponState.ISSUED)


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
    mailing was cancelled is not tried again. One that was done goes on where staff send a mail of it again."""
    _suppress_cancelled(at)
    again = MailingMail.objects.filter(mailing=OuterRef("pk"), state=MailState.PENDING)
    done = Mailing.objects.filter(Exists(again), state=MailingState.COMPLETED)
    done.update(state=MailingState.SENDING, finished_at=None)
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


def _materialize(pk: int) -> bool:
    """Portion by portion, so that who cancels or merges meanwhile waits for one at most, and what a killed worker has
    done stays done. False when another worker has it in hand or has done it, or when it is cancelled."""
    reached = _materialize_some(pk, 0)
    while reached:
        reached = _materialize_some(pk, reached)
    return reached is not None


@transaction.atomic(durable=True)
def _materialize_some(pk: int, after: int) -> int | None:
    """The next customers of the audience, by id; returns the last one's, 0 when nobody was left and it is sent from now
    on, None when it is not this worker's to go on with. Cancelled where its offer is not live any more."""
    free = Mailing.objects.select_for_update(skip_locked=True, of=("self",)).select_related("offer", "experiment")
    mailing = free.filter(pk=pk, state=MailingState.MATERIALIZING).first()
    if mailing is None:
        return None
    at = mailing.materialized_at
    assert at is not None
    try:
        offers.refuse_unless_live(offer=mailing.offer, at=at)
    except (offers.OfferNotLive, offers.OfferWithdrawn):
        _move(mailing, (MailingState.MATERIALIZING,), MailingState.CANCELLED, SYSTEM, at, finished_at=at)
        _suppress_cancelled(at)
        return None
    if last := mailing_freezing.freeze(mailing=mailing, after=after, at=at):
        return last
    Mailing.objects.filter(pk=pk, state=MailingState.MATERIALIZING).update(state=MailingState.SENDING)
    return 0


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
        at=mail.claimed_at or mail.not_before,
    )


QUEUE = mail_queue.Queue(
    "mailing",
    MailingMail,
    _barrier,
    _compose,
    related=("mailing", "coupon__offer"),
    open=Q(mailing__state=MailingState.SENDING),
)
