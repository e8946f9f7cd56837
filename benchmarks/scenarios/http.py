"""The same purchases told by tills over HTTP, to the web server as it runs in production on the same machine."""

import http.client
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks import rows as make
from benchmarks.clients import Calls, Clients
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.scenarios import settle
from benchmarks.site import FEW, HOST, Site

TARGET = 0.35
CLIENTS = (1, 4, 16)


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    numbers = scale.clients(*CLIENTS)
    each = {clients: FEW + round(settle.MOST_PER_SECOND[clients] * scale.seconds) for clients in numbers}
    with site.database() as database:
        settle.fill(database, 2 * scale.rounds * sum(clients * each[clients] for clients in numbers) + 1)
        keys = _keys(max(numbers))
        with _web(site) as port:
            start = 0
            for number in numbers:
                with Clients(number) as clients:
                    yield _row(site, scale, clients, number, each[number], start, keys, port)
                start += 2 * scale.rounds * number * each[number]


def _row(
    site: Site, scale: Scale, clients: Clients, number: int, each: int, start: int, keys: list[str], port: int
) -> Row:
    def ours(turn: int) -> float:
        first = start + (2 * turn + 1) * number * each
        slices = [(first + client * each, each, keys[client], port) for client in range(number)]
        return clients.rate(calls, slices, seconds=scale.seconds)

    return side_by_side(
        work=f"POST /api/v1/purchases, {number} till{'s' * (number > 1)}",
        beside=settle.BESIDE,
        limit=lambda turn: settle.limit(site, scale, number, each, start + 2 * turn * number * each),
        ours=ours,
        unit="/s",
        target=TARGET,
        scale=scale,
    )


def calls(after: int, number: int, key: str, port: int) -> Calls:
    """One connection that is kept, one body for each of the `number` customers with ids above `after`."""
    from customers.models import Customer
    from rewards.models import Coupon

    codes = dict(Coupon.objects.filter(pk__gt=after, pk__lte=after + number).values_list("customer", "code"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Host": HOST, "X-Forwarded-Proto": "https", "Content-Type": "application/json"}
    headers["Authorization"] = f"Bearer {key}"
    for customer in Customer.objects.filter(pk__gt=after, pk__lte=after + number).order_by("pk"):
        body = {
            "receipt_number": f"H-{customer.pk}",
            "customer": customer.number,
            "purchased_at": "2026-05-20T10:30:00+00:00",
            "currency": "CNY",
            "coupons": [codes[customer.pk]],
            "lines": [
                {
                    "sku": f"{(customer.pk * 7 + n) % make.SKUS}",
                    "name": "Article",
                    "category": "",
                    "quantity": "1",
                    "amount_minor": 1000 + n,
                }
                for n in range(4)
            ],
        }
        own = headers | {"Idempotency-Key": f"bench-{customer.pk}"}
        yield partial(_post, connection, json.dumps(body), own)


def _post(connection: http.client.HTTPConnection, body: str, headers: dict[str, str]) -> None:
    connection.request("POST", "/api/v1/purchases", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 201:
        raise RuntimeError(f"{answer.status} {said.decode()[:500]}")


def _keys(number: int) -> list[str]:
    """Of a till for each client."""
    from customers.domain import tills
    from customers.models import Store, TillScope
    from loyalty_site.lib.actors import SYSTEM

    store = Store.objects.get()
    made = [
        tills.create(store=store, name=f"Till {n}", scopes=list(TillScope), by=SYSTEM, at=make.AT)
        for n in range(number)
    ]
    return [key for _, key in made]


@contextmanager
def _web(site: Site) -> Iterator[int]:
    """The web server with production's settings; gives its port."""
    from loyalty_site.management.commands.start import PROGRAMS

    port = 20_000 + secrets.randbelow(20_000)
    words = [sys.executable, "-m", *PROGRAMS["web"].split(), "--host", "127.0.0.1", "--port", str(port)]
    with (
        (site.var / "log" / "web.log").open("w") as log,
        subprocess.Popen(words, stdout=log, stderr=log, process_group=0) as server,
    ):
        try:
            _wait(port)
            yield port
        finally:
            server.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz", headers={"Host": HOST})
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError("The web server does not answer; its log is in var/log/web.log.")
        time.sleep(0.1)
