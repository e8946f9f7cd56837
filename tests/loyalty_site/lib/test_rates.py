import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

from loyalty_site.lib import rates

AT = datetime(2026, 3, 2, 12, 0, 40, tzinfo=UTC)
CLIENTS = 16


def test_first_calls_of_a_process_are_counted_however_many_come_at_once(caplog):
    """Each makes a client of its own then, of which one is kept: nobody may lose theirs while they count."""
    caplog.set_level(logging.WARNING)
    for number in range(40):
        rates._client.cache_clear()
        barrier = Barrier(CLIENTS)

        def count(_, what=f"crowd:{number}", barrier=barrier):
            barrier.wait(30)
            return rates.seconds_to_wait(what=what, limit=10, at=AT)

        with ThreadPoolExecutor(CLIENTS) as pool:
            waits = sorted(pool.map(count, range(CLIENTS)))
        assert waits == [0] * 10 + [20] * 6
    assert caplog.messages == []
