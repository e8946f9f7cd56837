"""Offers go live, give, and are withdrawn."""

from datetime import datetime, time, timedelta
from typing import TypedDict, Unpack
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib import numbers, statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.money import format_money
from rewards.models import Offer, OfferKind, Program


class OfferNotLive(DomainError):
    code = "offer_not_live"
    message = _("This offer is not open at this moment.")


class OfferWithdrawn(DomainError):
    code = "offer_withdrawn"
    message = _("This offer was withdrawn.")


class OfferLimitReached(DomainError):
    code = "offer_limit_reached"
    message = _("This offer was used as often as it can be.")


class CustomerLimitReached(DomainError):
    code = "customer_limit_reached"
    message = _("This customer used this offer as often as they can.")


class PeriodLimitReached(DomainError):
    code = "period_limit_reached"
    message = _("This offer was used as often as it can be for now.")


class CustomerPeriodLimitReached(DomainError):
    code = "customer_period_limit_reached"
    message = _("This customer used this offer as often as they can for now.")


class OfferBudgetSpent(DomainError):
    code = "offer_budget_spent"
    message = _("This offer's budget does not cover this discount.")


class OfferOtherSegment(DomainError):
    code = "offer_other_segment"
    message = _("Coupon %(coupon)s is not meant for this customer.")


class OfferOtherStore(DomainError):
    code = "offer_other_store"
    message = _("Coupon %(coupon)s is not good in this store.")


class OfferOtherHours(DomainError):
    code = "offer_other_hours"
    message = _("Coupon %(coupon)s is good on other days or at other hours.")


class OfferBlackout(DomainError):
    code = "offer_blackout"
    message = _("Coupon %(coupon)s is not good today.")


class NoEligibleItems(DomainError):
    code = "no_eligible_items"
    message = _("Nothing in this purchase is what coupon %(coupon)s is for.")


class FreeProductMissing(DomainError):
    code = "free_product_missing"
    message = _("What coupon %(coupon)s gives for free is not in this purchase.")


class MinSpendNotReached(DomainError):
    code = "min_spend_not_reached"
    message = _("This purchase is too small for coupon %(coupon)s.")


class OfferNotPublished(DomainError):
    code = "offer_not_published"
    message = _("A draft is changed as a whole.")


class OfferCostMissing(DomainError):
    code = "offer_cost_missing"
    message = _("Say first what one of these gifts costs you: budget and reports count it.")


class OfferPublishedMeanwhile(DomainError):
    code = "offer_published_meanwhile"
    message = _("Somebody published this offer meanwhile, so nothing was saved. Look at it again.")


class LimitBelowUsed(DomainError):
    """`limit` in the details is the field's name, `used` what was used by now, in words."""

    code = "limit_below_used"
    message = _("The limit cannot be lower than what was used: %(used)s.")


class Limits(TypedDict, total=False):
    """What may still change once an offer is published, the money in minor units; None is no limit."""

    redemptions_max: int | None
    customer_max: int | None
    code_max: int | None
    period_max: int | None
    customer_period_max: int | None
    budget_minor: int | None


REFUSALS: tuple[type[DomainError], ...] = (
    OfferNotLive,
    OfferWithdrawn,
    OfferLimitReached,
    CustomerLimitReached,
    PeriodLimitReached,
    CustomerPeriodLimitReached,
    OfferBudgetSpent,
    OfferOtherSegment,
    OfferOtherStore,
    OfferOtherHours,
    OfferBlackout,
    NoEligibleItems,
    FreeProductMissing,
    MinSpendNotReached,
)


@transaction.atomic
def publish(*, offer: Offer, by: Actor, at: datetime) -> None:
    """Live from now on; doing it again changes nothing. A withdrawn offer stays withdrawn: raises OfferWithdrawn, or
    OfferCostMissing for a gift of which nobody said what it costs."""
    drafts = Offer.objects.filter(pk=offer.pk, published_at__isnull=True)
    if drafts.exclude(kind=OfferKind.GIFT, cost_minor__isnull=True).update(published_at=at):
        audit.record(actor=by, action="offer.published", subject=f"offer:{offer.pk}", at=at)
    offer.refresh_from_db()
    if offer.withdrawn_at:
        raise OfferWithdrawn
    if offer.published_at is None:
        raise OfferCostMissing


def keep_draft(*, offer: Offer) -> None:
    """Nobody publishes the offer until the caller's transaction ends. Raises OfferPublishedMeanwhile."""
    drafts = Offer.objects.select_for_update(no_key=True).filter(pk=offer.pk, published_at__isnull=True)
    if not drafts:
        raise OfferPublishedMeanwhile


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


@transaction.atomic
def copy(*, offer: Offer, by: Actor, at: datetime) -> Offer:
    """A new draft that says the same and was never used. What would be over already begins now, without an end."""
    draft = Offer(**{name: getattr(offer, name) for name in _said(offer)})
    if draft.valid_to and draft.valid_to <= at:
        draft.valid_to = None
    draft.valid_from = max(draft.valid_from, at)
    if draft.valid_to and draft.valid_to <= draft.valid_from:
        draft.valid_to = None
    draft.save(force_insert=True)
    for field in Offer._meta.many_to_many:
        getattr(draft, field.name).set(getattr(offer, field.name).all())
    audit.record(actor=by, action="offer.copied", subject=f"offer:{draft.pk}", data={"from": offer.pk}, at=at)
    return draft


@transaction.atomic
def change_limits(*, offer: Offer, by: Actor, at: datetime, **limits: Unpack[Limits]) -> None:
    """New limits for a published offer: higher or lower, but none below what was used. Codes that were issued keep how
    often they are good.

    Raises OfferNotPublished, LimitBelowUsed. Locks the offer, as everybody does who redeems.
    """
    locked = Offer.objects.select_for_update(no_key=True).get(pk=offer.pk)
    if locked.published_at is None:
        raise OfferNotPublished
    refuse_below_used(offer=locked, limits=limits, at=at)
    changed = {name: value for name, value in limits.items() if getattr(locked, name) != value}
    if changed:
        Offer.objects.filter(pk=offer.pk).update(**changed)
        audit.record(actor=by, action="offer.limits_changed", subject=f"offer:{offer.pk}", data=changed, at=at)
    offer.refresh_from_db()


def refuse_below_used(*, offer: Offer, limits: Limits, at: datetime) -> None:
    """As the row was read; of periods the present one counts. Raises LimitBelowUsed."""
    by_customer, in_period, by_customer_in_period = _most_used(offer, at)
    used = {
        "redemptions_max": offer.redeemed_count,
        "customer_max": by_customer,
        "period_max": in_period,
        "customer_period_max": by_customer_in_period,
        "budget_minor": offer.redeemed_minor,
    }
    for name, number in used.items():
        most = limits.get(name)
        if isinstance(most, int) and most < number:
            is_money = name == "budget_minor"
            words = format_money(number, offer.currency) if is_money else numbers.grouped(number)
            raise LimitBelowUsed(limit=name, used=words)


def _most_used(offer: Offer, at: datetime) -> tuple[int, int, int]:
    """By one customer, in the present period, by one customer in it."""
    (found,) = statements.rows(_MOST_USED, (offer.period or "DAY", at, offer.pk))
    return found


_MOST_USED = """
    SELECT coalesce(max(used) FILTER (WHERE customer_id IS NOT NULL AND period_start IS NULL), 0),
           coalesce(max(used) FILTER (WHERE customer_id IS NULL AND period_start >= since), 0),
           coalesce(max(used) FILTER (WHERE customer_id IS NOT NULL AND period_start >= since), 0)
    FROM rewards_offertally, offers_period_start(%s, %s) AS since WHERE offer_id = %s
"""


def refuse_unless_live(*, offer: Offer, at: datetime) -> None:
    """Raises OfferWithdrawn or OfferNotLive, also when the offer ends before a coupon that is issued now is good."""
    if offer.withdrawn_at and offer.withdrawn_at <= at:
        raise OfferWithdrawn
    opened = max(offer.published_at, offer.valid_from) if offer.published_at else None
    if opened is None or at < opened or (offer.valid_to and offer.valid_to <= at):
        raise OfferNotLive
    starts_at, ends_at = good_between(offer=offer, at=at)
    if starts_at and ends_at <= starts_at:
        raise OfferNotLive


def good_between(*, offer: Offer, at: datetime) -> tuple[datetime | None, datetime]:
    """From when and until when a coupon issued at `at` is good, by days of the programme's zone.

    From the midnight with which the `starts_after_days`-th day after this one begins (None: at once) until
    `coupon_days` full days have passed, or with the offer when that ends first.
    """
    zone = ZoneInfo(Program.objects.current().timezone)
    first_day = at.astimezone(zone).date() + timedelta(days=offer.starts_after_days)
    starts_at = datetime.combine(first_day, time.min, tzinfo=zone) if offer.starts_after_days else None
    ends_at = datetime.combine(first_day + timedelta(days=offer.coupon_days + 1), time.min, tzinfo=zone)
    return starts_at, min(ends_at, offer.valid_to) if offer.valid_to else ends_at


def _said(offer: Offer) -> list[str]:
    """The names of the fields that say what the offer is, not what became of it."""
    became = {"id", "redeemed_count", "redeemed_minor", "published_at", "withdrawn_at"}
    return [field.attname for field in offer._meta.concrete_fields if field.name not in became]
