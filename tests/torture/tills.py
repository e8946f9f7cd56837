"""Tills that talk to the running server as real ones do: they retry with their key until they have an answer."""

import http.client
import json
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier, local
from typing import Any

# What a till tries again, with the same key: the server is not there, restarts, is busy with this very call.
_AGAIN = {429, 502, 503, 504}


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    attempts: int

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))


class Till:
    """One key at one server; every thread has a connection of its own."""

    def __init__(self, port: int, key: str):
        self.port = port
        self.key = key
        self._of_thread = local()
        self._opened: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        for connection in self._opened:
            connection.close()

    def get(self, path: str) -> Answer:
        return self._until_answered("GET", path, None, "")

    def post(self, path: str, body: Any = None, *, key: str = "", seconds: float = 120) -> Answer:
        return self._until_answered("POST", path, body or {}, key or str(uuid.uuid4()), seconds)

    def _until_answered(self, method: str, path: str, body: Any, key: str, seconds: float = 120) -> Answer:
        deadline, attempts = time.monotonic() + seconds, 0
        while True:
            attempts += 1
            try:
                status, told = self._once(method, path, body, key)
            except (OSError, http.client.HTTPException):
                self._of_thread.connection = None
            else:
                if status not in _AGAIN and told.get("code") != "still_running":
                    return Answer(status, told, attempts)
            assert time.monotonic() < deadline, f"no answer to {method} {path} in {seconds} s"
            time.sleep(0.05)

    def _once(self, method: str, path: str, body: Any, key: str) -> tuple[int, dict[str, Any]]:
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self._opened.append(connection)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = key
        connection.request(method, f"/api/v1/{path}", json.dumps(body) if method == "POST" else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Each in a thread of its own, started at the same moment."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Answer]) -> Answer:
        barrier.wait(60)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def purchase(number: str, customer: str | None, amount_minor: int = 1000, **more: Any) -> dict[str, Any]:
    """One line of bananas, now."""
    line = {"sku": "4011", "name": "Bananas", "category": "FRUIT", "quantity": "1", "amount_minor": amount_minor}
    now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    told = {"receipt_number": number, "customer": customer, "purchased_at": now, "currency": "CNY", "lines": [line]}
    return told | more
