"""Short steps for stories about two who are one person."""

from loyalty_site.lib import actors
from rewards.domain import merges
from rewards.models import PointsLot

STAFF = actors.user(7)


def merge(source, target, at):
    return merges.merge(source=source, target=target, reason="lost card", by=STAFF, at=at)


def undo(record, at):
    merges.undo(merge=record, by=STAFF, at=at)


def lots(customer):
    """(points, remaining, available_at, expires_at) of what holds any, in spending order."""
    rows = PointsLot.objects.filter(customer=customer.pk, remaining__gt=0).order_by("expires_at", "pk")
    return list(rows.values_list("points", "remaining", "available_at", "expires_at"))
