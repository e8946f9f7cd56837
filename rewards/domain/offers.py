"""Offers go live, give, and are withdrawn."""

from datetime import datetime
from fractions import Fraction

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib import statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import eligibility
from rewards.models import Offer


class OfferNotLive(DomainError):
    code = "offer_not_live"
    message = _("This offer is not open at this moment.")


class OfferWithdrawn(DomainError):
    code = "offer_withdrawn"
    message = _("This offer was withdrawn.")


class OfferLimitReached(DomainError):
    code = "offer_limit_reached"
    message = _("This offer was used as often as it can be.")


class OfferBudgetSpent(DomainError):
    code = "offer_budget_spent"
    message = _("This offer's budget does not cover this discount.")


@transaction.atomic
def publish(*, offer: Offer, by: Actor, at: datetime) -> None:
    """Live from now on; doing it again changes nothing. A withdrawn offer stays withdrawn: raises OfferWithdrawn."""
    if Offer.objects.filter(pk=offer.pk, published_at__isnull=True).update(published_at=at):
        audit.record(actor=by, action="offer.published", subject=f"offer:{offer.pk}", at=at)
    offer.refresh_from_db()
    if offer.withdrawn_at:
        raise OfferWithdrawn


@transaction.atomic
def withdraw(*, offer: Offer, by: Actor, at: datetime) -> None:
    """No coupon of it is issued or redeemed from now on; doing it again changes nothing.

    Raises OfferNotLive when it was never published.
    """
    live = Offer.objects.filter(pk=offer.pk, published_at__isnull=False, withdrawn_at__isnull=True)
    if live.update(withdrawn_at=at):
        audit.record(actor=by, action="offer.withdrawn", subject=f"offer:{offer.pk}", at=at)
    offer.refresh_from_db()
    if offer.published_at is None:
        raise OfferNotLive


def refuse_unless_live(*, offer: Offer, at: datetime) -> None:
    """Raises OfferWithdrawn or OfferNotLive."""
    if offer.withdrawn_at and offer.withdrawn_at <= at:
        raise OfferWithdrawn
    opened = max(offer.published_at, offer.valid_from) if offer.published_at else None
    if opened is None or at < opened or (offer.valid_to and offer.valid_to <= at):
        raise OfferNotLive


def count_redemptions(*, offer_id: int, redemptions: int, discount_minor: int) -> None:
    """Moves the offer's counters by one conditional update, so that limit and budget hold however many try at once.

    Raises OfferLimitReached or OfferBudgetSpent. The row stays locked until the transaction ends.
    """
    values = (offer_id, redemptions, discount_minor)
    ((moved,),) = statements.rows("SELECT offers_count_redemptions(%s, %s, %s)", values)
    if not moved:
        raise why_not_counted(offer_id=offer_id, redemptions=redemptions)


def why_not_counted(*, offer_id: int, redemptions: int) -> DomainError:
    """OfferLimitReached, or OfferBudgetSpent where the limit leaves room."""
    room = Q(redemptions_max__isnull=True) | Q(redemptions_max__gte=F("redeemed_count") + redemptions)
    return OfferBudgetSpent() if Offer.objects.filter(room, pk=offer_id).exists() else OfferLimitReached()


def uncount_redemptions(*, offer_id: int, redemptions: int, discount_minor: int) -> None:
    """The way back of `count_redemptions`: limit and budget have room again. The row stays locked likewise."""
    Offer.objects.filter(pk=offer_id).update(
        redeemed_count=F("redeemed_count") - redemptions, redeemed_minor=F("redeemed_minor") - discount_minor
    )


def terms_of(offer: Offer) -> eligibility.Terms:
    """The offer as the calculator reads it."""
    return eligibility.Terms(
        kind=offer.kind,
        currency=offer.currency,
        valid_from=offer.valid_from,
        valid_to=offer.valid_to,
        published_at=offer.published_at,
        withdrawn_at=offer.withdrawn_at,
        percent=Fraction(offer.percent or 0),
        amount_minor=offer.amount_minor or 0,
        discount_max_minor=offer.discount_max_minor,
        min_spend_minor=offer.min_spend_minor,
        is_stackable=offer.is_stackable,
        redemptions_left=_left(offer.redemptions_max, offer.redeemed_count),
        budget_left_minor=_left(offer.budget_minor, offer.redeemed_minor),
    )


def _left(most: int | None, used: int) -> int | None:
    return None if most is None else most - used
