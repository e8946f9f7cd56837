"""Who is in which tier: up at once, down only after the time it is kept for and the grace days, never by the balance.

The arithmetic is in rewards/sql/tiers.sql, the same for one customer at a till as for all of them at night. A tier
changes while the customer's points account is locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from customers.models import Customer
from loyalty_site.lib import numbers
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.money import format_money
from rewards.models import PointsAccount, Tier, TierBasis, TierChange, TierChangeReason, TierMembership


@dataclass(frozen=True, slots=True)
class Standing:
    """`qualifying` is what counts towards reaching a tier today: points, or minor units of the programme's currency, as
    `Program.tier_basis` says. `to_next` is missing to reach `next_tier`, `to_keep` to keep `tier` beyond `keep_until`,
    the last day it is kept for (grace days follow).
    """

    tier: Tier | None
    qualifying: int
    next_tier: Tier | None = None
    to_next: int = 0
    to_keep: int = 0
    keep_until: date | None = None


def standing(*, customer: Customer, at: datetime) -> Standing | None:
    """Where the customer stands at `at`; None while the programme has no tiers."""
    ladder = _ladder()
    return _standing(customer, ladder, at) if ladder else None


def reassess(*, customer: Customer, by: Actor, at: datetime) -> Standing | None:
    """Moves the customer up to what they have reached, at once, and says where they stand then.

    After a return too: it lowers what counts, but nobody goes down before the time is over (see `review`). The
    account must be locked, as it is within a booking.
    """
    ladder = _ladder()
    if not ladder:
        return None
    reach(customers=[customer.pk], by=by, at=at)
    return _standing(customer, ladder, at)


def reach(*, customers: Sequence[int], by: Actor, at: datetime) -> int:
    """Moves those of these customers (ids), whose accounts are locked, up who reached more. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tiers_reach(%s, %s, %s)", [list(customers), at, str(by)])
        return int(cursor.fetchone()[0])


@transaction.atomic
def reach_page(*, after: int, limit: int, by: Actor, at: datetime) -> int | None:
    """`reach` for the next `limit` customers with an account whose id is above `after`; the id of the last one, None
    when there are no more. For tiers that are new or have got cheaper, and points that no purchase brought here."""
    if not Tier.objects.filter(is_active=True).exists():
        return None
    page = PointsAccount.objects.filter(pk__gt=after).order_by("pk")[:limit]
    ids = list(page.select_for_update(no_key=True).values_list("pk", flat=True))
    reach(customers=ids, by=by, at=at)
    return ids[-1] if ids else None


def review(*, at: datetime, limit: int, by: Actor) -> int:
    """Decides who keeps a tier whose time and grace days are over, for up to `limit` customers; call it until it
    returns 0. Returns how many it decided.

    What counts is what was earned or paid until the grace days were over, however late this is called. Who has not
    enough goes down as `Program.tier_downgrade` says.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT tiers_review(%s, %s, %s)", [at, limit, str(by)])
        return int(cursor.fetchone()[0])


@transaction.atomic
def carry_over(*, source: Customer, target: Customer, by: Actor, at: datetime) -> TierChange | None:
    """The higher of both tiers survives on `target`, with its dates; of equal ones the one that is kept longer.

    `source` stays as it is. Both accounts must be locked. Returns the change of the target's tier, if there was one.
    """
    theirs = TierMembership.objects.select_related("tier").filter(customer=source, tier__isnull=False).first()
    own = TierMembership.objects.select_related("tier").filter(customer=target).first()
    if theirs is None or _worth(own) >= _worth(theirs):
        return None
    dates = {"since": theirs.since, "counts_from": theirs.counts_from, "keep_until": theirs.keep_until}
    TierMembership.objects.update_or_create(customer=target, defaults={"tier": theirs.tier, **dates})
    before = own.tier if own else None
    if before == theirs.tier:
        return None
    return TierChange.objects.create(
        customer=target,
        from_tier=before,
        to_tier=theirs.tier,
        happened_at=at,
        why=TierChangeReason.CARRIED_OVER,
        actor=str(by),
    )


def remembered(*, customer: Customer) -> dict[str, Any] | None:
    """The customer's tier with its dates, ready for JSON; None when they never had one."""
    kept = TierMembership.objects.filter(customer=customer).values(*_DATED).first()
    return kept and {name: value.isoformat() if isinstance(value, date) else value for name, value in kept.items()}


def separate(
    *, customer: Customer, before: dict[str, Any] | None, after: dict[str, Any], by: Actor, at: datetime
) -> TierChange | None:
    """Gives back what was `remembered` before a merge, unless the tier or its dates have changed `after` it.

    The account must be locked. Returns the change of the tier, if there was one.
    """
    if remembered(customer=customer) != after:
        return None
    membership = TierMembership.objects.filter(customer=customer)
    if before is None:
        membership.delete()
    else:
        membership.update(**before)
    former = before["tier"] if before else None
    if former == after["tier"]:
        return None
    return TierChange.objects.create(
        customer=customer,
        from_tier_id=after["tier"],
        to_tier_id=former,
        happened_at=at,
        why=TierChangeReason.SEPARATED,
        actor=str(by),
    )


def tier_at(*, customer: Customer, at: datetime) -> int | None:
    """The id of the tier the customer was in at `at`, as far as the history goes back."""
    changes = TierChange.objects.filter(customer=customer, happened_at__lte=at).order_by("-happened_at", "-id")
    return changes.values_list("to_tier", flat=True).first()


def amount(number: int, *, basis: str, currency: str) -> str:
    """What counts for tiers, as people read it: points or, with TierBasis.SPEND, money."""
    return format_money(number, currency) if basis == TierBasis.SPEND else numbers.points(number)


_DATED = ("tier", "since", "counts_from", "keep_until")


def _ladder() -> list[Tier]:
    """The tiers in use, the lowest first."""
    return list(Tier.objects.filter(is_active=True).order_by("rank"))


def _worth(membership: TierMembership | None) -> tuple[int, date]:
    if membership is None or membership.tier is None or membership.keep_until is None:
        return -1, date.min
    return membership.tier.rank, membership.keep_until


def _standing(customer: Customer, ladder: Sequence[Tier], at: datetime) -> Standing:
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"customer": customer.pk, "at": at})
        tier_id, keep_until, qualifying, keeping = cursor.fetchone()
    tier = next((one for one in ladder if one.pk == tier_id), None)
    if tier is None and tier_id is not None:  # no longer in use, but kept
        tier = Tier.objects.get(pk=tier_id)
    above = next((one for one in ladder if tier is None or one.rank > tier.rank), None)
    return Standing(
        tier=tier,
        qualifying=qualifying,
        next_tier=above,
        to_next=max(0, above.threshold - qualifying) if above else 0,
        to_keep=max(0, tier.threshold - keeping) if tier else 0,
        keep_until=keep_until,
    )


_STANDING = """
    SELECT membership.tier_id, membership.keep_until,
           tier_qualifying(%(customer)s, tier_reach_from(today), today),
           CASE WHEN membership.tier_id IS NULL THEN 0
                ELSE tier_qualifying(%(customer)s, membership.counts_from, today) END
    FROM tier_day(%(at)s) AS today LEFT JOIN rewards_tiermembership membership ON membership.customer_id = %(customer)s
"""
