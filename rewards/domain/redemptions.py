"""Rewards taken for points, to be picked up."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, tills
from customers.models import Customer, Store
from loyalty_site.lib import codes, ids
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import alerts, catalogue, points
from rewards.models import AlertKind, PointsEntry, Program, RedemptionState, Reward, RewardRedemption


class RewardUnknown(DomainError):
    code = "reward_unknown"
    message = _("There is no reward %(reward)s.")


class RedemptionUnknown(DomainError):
    code = "redemption_unknown"
    message = _("There is no redemption %(redemption)s.")


class RewardOutOfStock(DomainError):
    code = "reward_out_of_stock"
    message = _("There are not that many left of this reward.")


class RedemptionFulfilled(DomainError):
    code = "redemption_already_fulfilled"
    message = _("This reward was handed over already.")


class RedemptionCancelled(DomainError):
    code = "redemption_cancelled"
    message = _("This redemption was cancelled.")


class CancellationTooLate(DomainError):
    code = "cancellation_too_late"
    message = _("It is too late to cancel this yourself. Please ask in the store.")


def reward_by_id(*, text: str) -> Reward:
    """Raises RewardUnknown."""
    reward = Reward.objects.filter(pk=ids.parse(text)).first()
    if reward is None:
        raise RewardUnknown(reward=text)
    return reward


def by_id(*, text: str) -> RewardRedemption:
    """With its reward, customer and entry. Raises RedemptionUnknown."""
    found = RewardRedemption.objects.select_related("reward", "customer", "entry").filter(pk=ids.parse(text)).first()
    if found is None:
        raise RedemptionUnknown(redemption=text)
    return found


def made_at(*, store: Store, text: str) -> RewardRedemption:
    """The same, made by a till of the store. Raises RedemptionUnknown for any other: ids are easily guessed."""
    found = by_id(text=text)
    if found.entry.actor not in tills.of_store(store=store):
        raise RedemptionUnknown(redemption=text)
    return found


@transaction.atomic
def request(
    *,
    customer: Customer,
    reward: Reward,
    quantity: int,
    reference: str,
    by: Actor,
    at: datetime,
    cost_points: int | None = None,
) -> RewardRedemption:
    """Takes points and stock and gives a pick-up code; told again with the same reference, the first one.

    `cost_points` is what one piece cost when the customer said yes; without it today's price counts. Raises
    InsufficientPoints, RewardNotOffered, RewardCostChanged, RewardLimitReached, RewardOutOfStock or ReferenceReused;
    then nothing is taken. Locks the account, then the reward.
    """
    points.lock(customer=customer)
    known = RewardRedemption.objects.filter(reference=reference).first()
    if known:
        if (known.customer_id, known.reward_id, known.quantity) != (customer.pk, reward.pk, quantity):
            raise points.ReferenceReused(reference=reference)
        return known
    reward = Reward.objects.get(pk=reward.pk)
    catalogue.refuse_unless_offered(reward=reward, cost_points=cost_points, at=at)
    catalogue.refuse_beyond_limit(customer=customer, reward=reward, quantity=quantity, at=at)
    total = reward.cost_points * quantity
    entry = points.redeem(customer=customer, points=total, reference=f"redemption:{reference}", by=by, at=at)
    _take_from_stock(reward, quantity)
    return _insert(customer, reward, quantity, entry, reference, at)


@transaction.atomic
def fulfil(*, redemption: RewardRedemption, by: Actor, at: datetime) -> None:
    """Handed over, once. Raises RedemptionFulfilled or RedemptionCancelled."""
    if not _close(redemption, RedemptionState.FULFILLED, by, at):
        raise RedemptionFulfilled if redemption.state == RedemptionState.FULFILLED else RedemptionCancelled
    fact = f"redemption:{redemption.pk}"
    alerts.note_own(kind=AlertKind.OWN_REWARD, fact=fact, customer=redemption.customer, by=by, at=at)


@transaction.atomic
def cancel(*, redemption: RewardRedemption, by: Actor, at: datetime) -> None:
    """Gives points and stock back, once; cancelling again changes nothing. Raises RedemptionFulfilled.

    Locks the account, then the redemption, as everybody does who takes both.
    """
    points.lock_owner(customer=redemption.customer)
    if _close(redemption, RedemptionState.CANCELLED, by, at):
        points.reimburse(entry=redemption.entry, by=by, at=at)
        stocked = Reward.objects.filter(pk=redemption.reward_id, stock__isnull=False)
        stocked.update(stock=F("stock") + redemption.quantity)
    elif redemption.state == RedemptionState.FULFILLED:
        raise RedemptionFulfilled


@transaction.atomic
def undo_hand_over(*, redemption: RewardRedemption, by: Actor, at: datetime) -> None:
    """It was handed over by mistake, or came back: it waits again. Raises RedemptionCancelled."""
    handed = RewardRedemption.objects.filter(pk=redemption.pk, state=RedemptionState.FULFILLED)
    if handed.update(state=RedemptionState.REQUESTED, closed_at=None, closed_by=""):
        audit.record(actor=by, action="redemption.hand_over_undone", subject=f"redemption:{redemption.pk}", at=at)
    redemption.refresh_from_db(fields=["state", "closed_at", "closed_by"])
    if redemption.state == RedemptionState.CANCELLED:
        raise RedemptionCancelled


@transaction.atomic
def cancel_own(*, redemption: RewardRedemption, by: Actor, at: datetime) -> None:
    """As `cancel`, for the customer who took it. Raises CancellationTooLate, RedemptionFulfilled."""
    if redemption.state == RedemptionState.REQUESTED and at >= own_until(redemption=redemption):
        raise CancellationTooLate
    cancel(redemption=redemption, by=by, at=at)


def own_until(*, redemption: RewardRedemption) -> datetime:
    """Until when the customer may cancel it without asking anybody."""
    return redemption.requested_at + timedelta(hours=Program.objects.current().customer_cancel_hours)


def _close(redemption: RewardRedemption, state: RedemptionState, by: Actor, at: datetime) -> bool:
    """Whether this call closed it; `redemption` then says how it stands either way."""
    waiting = RewardRedemption.objects.filter(pk=redemption.pk, state=RedemptionState.REQUESTED)
    closed = waiting.update(state=state, closed_at=at, closed_by=str(by))
    redemption.refresh_from_db(fields=["state", "closed_at", "closed_by"])
    return bool(closed)


def _take_from_stock(reward: Reward, quantity: int) -> None:
    if reward.stock is None:
        return
    if not Reward.objects.filter(pk=reward.pk, stock__gte=quantity).update(stock=F("stock") - quantity):
        raise RewardOutOfStock


def _insert(
    customer: Customer, reward: Reward, quantity: int, entry: PointsEntry, reference: str, at: datetime
) -> RewardRedemption:
    """Tries another pick-up code when one is in use already."""
    while True:
        code = codes.generate(length=RewardRedemption.CODE_LENGTH)
        try:
            with transaction.atomic():
                return RewardRedemption.objects.create(
                    customer=customer,
                    reward=reward,
                    quantity=quantity,
                    points=-entry.points,
                    entry=entry,
                    reference=reference,
                    pickup_code=code,
                    requested_at=at,
                )
        except IntegrityError as error:
            if not RewardRedemption.objects.filter(pickup_code=code).exists():
                raise points.ReferenceReused(reference=reference) from error
