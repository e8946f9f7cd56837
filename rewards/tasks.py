"""Wake-ups: what is due stands in the rows."""

from celery import shared_task
from django.utils import timezone

from rewards.domain import points

LOTS_AT_ONCE = 5000


@shared_task(name="rewards.expire_points")
def expire_points(**kwargs: object) -> None:
    """Books what has lapsed, in short transactions, so that no till waits for it."""
    now = timezone.now()
    while points.expire(at=now, limit=LOTS_AT_ONCE):
        pass
