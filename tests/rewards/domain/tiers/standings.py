"""Where customers stand, and what moves them."""

from datetime import UTC, datetime

from customers.domain.purchases import ReturnLineIn
from loyalty_site.lib import actors
from rewards.domain import checkout, tiers
from rewards.models import Program, TierChange, TierMembership


def noon(*day):
    return datetime(*day, 12, tzinfo=UTC)


def bring_back(settled, amount_minor, at):
    lines = [ReturnLineIn(1, 0, amount_minor)]
    told = checkout.ReturnIn(return_number=f"B-{at}", returned_at=at, lines=lines)
    purchase = settled.purchase
    return checkout.take_back(purchase=purchase, told=told, store=purchase.store, till=None, by=actors.SYSTEM, at=at)


def review(at):
    return tiers.review(at=at, limit=1000, by=actors.SYSTEM)


def code(customer):
    membership = TierMembership.objects.select_related("tier").filter(customer=customer).first()
    return membership.tier.code if membership and membership.tier else None


def history(customer):
    changes = TierChange.objects.filter(customer=customer).order_by("pk").select_related("from_tier", "to_tier")
    return [(one.from_tier and one.from_tier.code, one.to_tier and one.to_tier.code, one.why) for one in changes]


def dates(customer):
    return TierMembership.objects.values_list("counts_from", "keep_until").get(customer=customer)


def configure(**values):
    Program.objects.update(**values)
