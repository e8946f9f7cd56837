"""Calls made at the same moment, each in a thread with a database connection of its own."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

from django.db import connection


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returned or raised, in their order. Needs `django_db(transaction=True)`."""
    with crowd(len(calls)) as people:
        return people.at_once(calls)


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
            connection.ensure_connection()
            barrier.wait(timeout=60)
            return _outcome(call)

        return list(self._pool.map(run, calls))

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


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # a refusal is a result here
        return error
