"""Points moved by hand: small ones at once, large ones when a second person says yes.

What one member of staff asked for one customer within SPAN counts together, so that cutting a large one into small ones
does not help; taking away counts as giving does.
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.db.models.functions import Abs
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from customers.models import Customer
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import alerts, points
from rewards.models import AdjustmentState, AlertKind, PointsAdjustment, PointsEntry, Program

SPAN = timedelta(hours=24)


class AdjustmentOwn(DomainError):
    code = "adjustment_own"
    message = _("You asked for this yourself: somebody else must decide.")


class AdjustmentRefused(DomainError):
    code = "adjustment_refused"
    message = _("This adjustment was refused already.")


class AdjustmentBooked(DomainError):
    code = "adjustment_booked"
    message = _("This adjustment is booked already.")


class AdjustmentCustomerLeft(DomainError):
    code = "adjustment_customer_left"
    message = _("This customer has left the programme.")


@transaction.atomic
def ask(
    *, customer: Customer, points_wanted: int, reason: str, reference: str, by: Actor, at: datetime
) -> PointsAdjustment:
    """Books it, or has it wait for a second person; asked again under the same reference, the first one.

    Raises InsufficientPoints when more would be taken away than can be spent now, ReferenceReused. Locks the account.
    """
    points.lock(customer=customer)
    known = PointsAdjustment.objects.filter(reference=reference).first()
    if known:
        if (known.customer_id, known.points) != (customer.pk, points_wanted):
            raise points.ReferenceReused(reference=reference)
        return known
    waits = needs_second(customer=customer, points_wanted=points_wanted, by=by, at=at)
    adjustment = _insert(customer, points_wanted, reason, reference, waits, by, at)
    _note_own(adjustment, by, at)
    if not waits:
        _book(adjustment, by, at)
        return adjustment
    available = points.summary(customer=customer, at=at).available
    if -points_wanted > available:
        raise points.InsufficientPoints(points=-points_wanted, available=available)
    _record(adjustment, "points.adjustment_asked", by, at, reason=reason)
    return adjustment


@transaction.atomic
def approve(*, adjustment: PointsAdjustment, by: Actor, at: datetime) -> PointsEntry:
    """Books it, once; a second yes finds it booked. Locks the account, then the adjustment.

    Raises AdjustmentOwn, AdjustmentRefused, AdjustmentCustomerLeft, InsufficientPoints (then it keeps waiting).
    """
    points.lock_owner(customer=adjustment.customer)
    _lock(adjustment)
    if adjustment.state == AdjustmentState.REFUSED:
        raise AdjustmentRefused
    if adjustment.entry is not None:
        return adjustment.entry
    if str(by) == adjustment.asked_by:
        raise AdjustmentOwn
    if Customer.objects.filter(pk=adjustment.customer_id, closed_at__isnull=False).exists():
        raise AdjustmentCustomerLeft
    adjustment.decided_by, adjustment.decided_at = str(by), at
    _note_own(adjustment, by, at)
    return _book(adjustment, by, at)


@transaction.atomic
def refuse(*, adjustment: PointsAdjustment, note: str, by: Actor, at: datetime) -> None:
    """Never booked; a second no changes nothing. Raises AdjustmentOwn, AdjustmentBooked."""
    _lock(adjustment)
    if adjustment.state == AdjustmentState.BOOKED:
        raise AdjustmentBooked
    if adjustment.state == AdjustmentState.REFUSED:
        return
    if str(by) == adjustment.asked_by:
        raise AdjustmentOwn
    adjustment.state, adjustment.note = AdjustmentState.REFUSED, note
    adjustment.decided_by, adjustment.decided_at = str(by), at
    adjustment.save(update_fields=["state", "note", "decided_by", "decided_at"])
    _record(adjustment, "points.adjustment_refused", by, at, reason=note)


def needs_second(*, customer: Customer, points_wanted: int, by: Actor, at: datetime) -> bool:
    """Whether this, with what `by` asked for the customer within SPAN before, is above the programme's threshold."""
    threshold = Program.objects.current().adjustment_threshold
    if threshold is None:
        return False
    own = PointsAdjustment.objects.filter(customer=customer, asked_by=str(by), asked_at__gt=at - SPAN)
    before = own.exclude(state=AdjustmentState.REFUSED).aggregate(moved=Sum(Abs("points"), default=0))["moved"]
    return abs(points_wanted) + int(before) > threshold


def _insert(
    customer: Customer, points_wanted: int, reason: str, reference: str, waits: bool, by: Actor, at: datetime
) -> PointsAdjustment:
    try:
        with transaction.atomic():
            return PointsAdjustment.objects.create(
                customer=customer,
                points=points_wanted,
                reason=reason,
                reference=reference,
                state=AdjustmentState.WAITING,
                needs_second=waits,
                asked_by=str(by),
                asked_at=at,
            )
    except IntegrityError as error:
        if PointsAdjustment.objects.filter(reference=reference).exists():  # asked for another customer meanwhile
            raise points.ReferenceReused(reference=reference) from error
        raise


def _book(adjustment: PointsAdjustment, by: Actor, at: datetime) -> PointsEntry:
    entry = points.adjust(
        customer=adjustment.customer,
        points=adjustment.points,
        reference=f"adjustment:{adjustment.pk}",
        reason=adjustment.reason,
        by=by,
        at=at,
    )
    adjustment.state, adjustment.entry = AdjustmentState.BOOKED, entry
    adjustment.save(update_fields=["state", "entry", "decided_by", "decided_at"])
    _record(adjustment, "points.adjusted", by, at, reason=adjustment.reason)
    return entry


def _note_own(adjustment: PointsAdjustment, by: Actor, at: datetime) -> None:
    alerts.note_own(
        kind=AlertKind.OWN_ADJUSTMENT, fact=f"adjustment:{adjustment.pk}", customer=adjustment.customer, by=by, at=at
    )


def _lock(adjustment: PointsAdjustment) -> None:
    """Locked until the transaction ends, and as it stands now."""
    PointsAdjustment.objects.select_for_update(no_key=True).get(pk=adjustment.pk)
    adjustment.refresh_from_db()


def _record(adjustment: PointsAdjustment, action: str, by: Actor, at: datetime, *, reason: str) -> None:
    data: dict[str, object] = {"points": adjustment.points, "adjustment": adjustment.pk}
    if adjustment.entry_id:
        data["entry"] = adjustment.entry_id
    audit.record(actor=by, action=action, subject=f"customer:{adjustment.customer_id}", reason=reason, data=data, at=at)
