"""How often something happened within the present minute, counted in Redis."""

import logging
from datetime import datetime
from functools import cache

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

WINDOW = 60


def seconds_to_wait(*, what: str, limit: int, at: datetime) -> int:
    """0 when this is one of the first `limit` in its minute, else how long until the next minute.

    While Redis is away everything passes: a till that cannot sell costs more than one that asks too often.
    """
    now = int(at.timestamp())
    # Held while it is used: threads that make the first one at once keep only one of theirs, and a client that nobody
    # holds closes its connections, also those in use.
    client = _client(settings.REDIS_CACHE_URL)
    try:
        with client.pipeline(transaction=False) as steps:  # sent together; each is whole by itself
            key = f"rate:{what}:{now // WINDOW}"
            steps.incr(key)
            steps.expire(key, 2 * WINDOW)
            happened = steps.execute()[0]
    except (redis.RedisError, OSError):
        logger.warning("Calls are not counted: Redis does not answer.")
        return 0
    return WINDOW - now % WINDOW if happened > limit else 0


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
