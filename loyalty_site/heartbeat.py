"""A sign of life that travels the whole way: timetable, broker, worker."""

from datetime import datetime, timedelta

from django.core.cache import cache

STALE_AFTER = timedelta(seconds=120)

_KEY = "worker-heartbeat"


def note(*, at: datetime) -> None:
    cache.set(_KEY, at, timeout=None)


def is_fresh(*, at: datetime) -> bool:
    noted: datetime | None = cache.get(_KEY)
    return noted is not None and at - noted < STALE_AFTER
