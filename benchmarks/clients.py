"""Processes that do work as fast as they can, as the tills of a chain and the workers of a site would."""

import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from loyalty_site.processes import end_with_parent

WARM_UP = 5

Calls = Iterable[Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class _Done:
    number: int
    began: float
    ended: float


class Clients:
    """`number` processes that live for all rounds: what is measured is the work, not the start of Python."""

    def __init__(self, number: int) -> None:
        from django.db import connections

        connections.close_all()
        context = multiprocessing.get_context("fork")
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(number):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        for pipe in self._pipes:
            pipe.send(None)
        for process in self._processes:
            process.join(10)

    def rate(self, prepare: Callable[..., Calls], arguments: Iterable[tuple[Any, ...]], *, seconds: float) -> float:
        """Calls per second of all clients together. `prepare(*arguments)` makes a client's calls, before the start."""
        for pipe, values in zip(self._pipes, arguments, strict=True):
            pipe.send((prepare, values, seconds))
        self._receive()
        for pipe in self._pipes:
            pipe.send("go")
        done = self._receive()
        return sum(one.number for one in done) / (max(one.ended for one in done) - min(one.began for one in done))

    def _receive(self) -> list[Any]:
        received = [pipe.recv() for pipe in self._pipes]
        for answer in received:
            if isinstance(answer, str) and answer != "ready":
                raise RuntimeError(f"A client failed:\n{answer}")
        return received


def _serve(pipe: Connection) -> None:
    from django.db import connections

    end_with_parent()
    while task := pipe.recv():
        prepare, values, seconds = task
        try:
            calls = iter(list(prepare(*values)))
            for _, call in zip(range(WARM_UP), calls, strict=False):
                call()
            pipe.send("ready")
            pipe.recv()
            done = _work(calls, seconds)
            connections.close_all()  # their place is the limit's in its turn: the server has a hundred
            pipe.send(done)
        except Exception:
            pipe.send(traceback.format_exc())


def _work(calls: Iterable[Callable[[], Any]], seconds: float) -> _Done:
    number, began = 0, time.monotonic()
    ended = began
    for call in calls:
        call()
        number += 1
        ended = time.monotonic()
        if ended - began > seconds:
            break
    else:
        if ended - began < seconds / 2:  # nothing was left to do for most of the time
            raise RuntimeError(f"only {number} calls were prepared: they took {ended - began:.2f} s")
    return _Done(number, began, ended)
