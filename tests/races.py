"""Calls made at the same moment, each in a thread with a database connection of its own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, BrokenBarrierError
from time import monotonic, sleep
from typing import Any

from django.db import OperationalError, connection, connections, transaction


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returned or raised, in their order. Needs `django_db(transaction=True)`."""
    with crowd(len(calls)) as people:
        return people.at_once(calls)


def forget_connections() -> None:
    """Comes first in a forked process: the connection it inherited stays its parent's, who may have one more than it
    sees and closes, since the event loop of a browser gives its thread another.
    """
    connections["default"] = connection.copy()


def behind(first: Callable[[], Any], *others: Callable[[], Any]) -> list[Any]:
    """`first` is done, and not yet committed, when the others begin on connections of their own; it is committed when
    each of them waits for it or is over. What each returned or raised, in their order: no chance is left in it.

    Needs `django_db(transaction=True)`.
    """
    with ThreadPoolExecutor(len(others)) as pool:
        with transaction.atomic():
            result = first()
            begun = [pool.submit(alone, call) for call in others]
            until_waiting(begun)
        return [result, *[one.result(timeout=60) for one in begun]]


def until_waiting(begun: Sequence[Future[Any]]) -> None:
    """Comes back when each of them waits for a lock that this connection holds, or is over."""
    latest = monotonic() + 60
    while _waiting() < sum(not one.done() for one in begun):
        assert monotonic() < latest, "neither waiting nor over"
        sleep(0.01)


class Crowd:
    """Threads that keep their connections from one round to the next."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size)

    def at_once(self, calls: Iterable[Callable[[], Any]]) -> list[Any]:
        """One call for each, all together."""
        calls = list(calls)
        assert len(calls) <= self.size
        barrier = Barrier(len(calls))

        def run(call: Callable[[], Any]) -> Any:
            try:
                connection.ensure_connection()
            except OperationalError:
                barrier.abort()  # else the others would wait for this one, and say only that
                raise
            barrier.wait(timeout=60)
            return _outcome(call)

        begun = [self._pool.submit(run, call) for call in calls]
        failed = [error for one in begun if (error := one.exception())]
        if failed:
            raise next((error for error in failed if not isinstance(error, BrokenBarrierError)), failed[0])
        return [one.result() for one in begun]

    def in_turn(self, calls: Iterable[Callable[[], Any]]) -> list[Any]:
        """Any number of calls, whoever is free takes the next."""
        return list(self._pool.map(_outcome, calls))

    def leave(self) -> None:
        barrier = Barrier(self.size)

        def go() -> None:
            barrier.wait(timeout=60)
            connection.close()

        for gone in [self._pool.submit(go) for _ in range(self.size)]:
            gone.result()
        self._pool.shutdown()


@contextmanager
def crowd(size: int) -> Iterator[Crowd]:
    people = Crowd(size)
    try:
        yield people
    finally:
        people.leave()


def alone(call: Callable[[], Any]) -> Any:
    """What it returned or raised, in a thread of its own; its connection is closed."""
    try:
        return _outcome(call)
    finally:
        connection.close()


def _waiting() -> int:
    """How many connections wait for this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return int(cursor.fetchone()[0])


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # a refusal is a result here
        return error
