"""The server is killed at random, under load: what it acknowledged is in the books exactly once, and nothing else is.

`TORTURE_KILLS=100` kills as often; without it a few times, so that the drill itself stays sound.
"""

import os
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
from django.utils import timezone

from customers.models import IdempotentCall, Purchase, PurchaseReturn
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import points
from rewards.models import EntryKind, PointsEntry, RewardRedemption
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import RewardFactory
from tests.torture.tills import Answer, purchase

pytestmark = pytest.mark.usefixtures("books_balance")

KILLS = int(os.environ.get("TORTURE_KILLS", "4"))
CLIENTS = 8


@dataclass
class Cashier:
    """Sells, takes back and hands out rewards until told to stop; remembers every answer."""

    number: int
    till: object
    customers: list
    reward: object
    acknowledged: list[tuple[str, str, Answer]] = field(default_factory=list)
    failure: BaseException | None = None

    def work(self, stop: threading.Event) -> None:
        chance = random.Random(self.number)
        count = 0
        try:
            while not stop.is_set():
                count += 1
                self.serve(chance, f"{self.number}-{count}")
        except BaseException as error:
            self.failure = error

    def serve(self, chance: random.Random, name: str) -> None:
        customer = chance.choice(self.customers).number
        sold = self.tell("purchases", f"R-{name}", purchase(f"R-{name}", customer, 5000))
        if chance.random() < 0.4:
            told = {"reward": str(self.reward.pk)}
            self.tell(f"customers/{customer}/redemptions", f"W-{name}", told)
        if chance.random() < 0.3:
            back = {
                "return_number": f"B-{name}",
                "returned_at": timezone.now().isoformat(),
                "lines": [{"line": 1, "quantity": "1", "amount_minor": 5000}],
            }
            self.tell(f"purchases/{sold.body['id']}/returns", f"B-{name}", back)

    def tell(self, path: str, key: str, body: object) -> Answer:
        answer = self.till.post(path, body, key=key)
        self.acknowledged.append((path.rsplit("/", 1)[-1], key, answer))
        return answer


def test_acknowledged_calls_are_in_the_books_exactly_once(server, till):
    customers = CustomerFactory.create_batch(5)
    for customer in customers:
        points.award(customer=customer, points=2000, reference="opening", by=SYSTEM, at=timezone.now())
    reward = RewardFactory(cost_points=30)
    cashiers = [Cashier(n, till, customers, reward) for n in range(CLIENTS)]
    stop = threading.Event()
    threads = [threading.Thread(target=cashier.work, args=[stop]) for cashier in cashiers]
    for thread in threads:
        thread.start()
    chance = random.Random(7)
    try:
        for _ in range(KILLS):
            wait_for_calls(server, cashiers, CLIENTS * 2)
            time.sleep(chance.uniform(0, 0.5))
            if chance.random() < 0.3:
                server.kill_a_worker(chance)
            else:
                server.kill()
                server.start()
        wait_for_calls(server, cashiers, CLIENTS * 2)
    finally:
        stop.set()
        for thread in threads:
            thread.join(180)
    assert [cashier.failure for cashier in cashiers if cashier.failure] == []
    told = [one for cashier in cashiers for one in cashier.acknowledged]
    report(told)
    assert_exactly_what_was_acknowledged(told)


def wait_for_calls(server, cashiers, number):
    """Until that many more were acknowledged: a kill before the server serves kills nothing."""
    acknowledged = sum(len(cashier.acknowledged) for cashier in cashiers)
    deadline = time.monotonic() + 60
    while sum(len(cashier.acknowledged) for cashier in cashiers) < acknowledged + number:
        server.start_again_if_gone()
        assert time.monotonic() < deadline
        assert not any(cashier.failure for cashier in cashiers)
        time.sleep(0.02)


def assert_exactly_what_was_acknowledged(told):
    """Every till went on until it had an answer, so what was acknowledged and what is booked are the same."""
    assert {answer.status for _, _, answer in told} <= {201, 409}
    booked = {kind: {key: answer.body for path, key, answer in told if path == kind and answer.status == 201}
              for kind in ("purchases", "redemptions", "returns")}  # fmt: skip
    sales = dict(Purchase.objects.values_list("receipt_number", "pk"))
    assert {key: str(sales[key]) for key in sales} == {key: body["id"] for key, body in booked["purchases"].items()}
    assert set(PurchaseReturn.objects.values_list("return_number", flat=True)) == booked["returns"].keys()
    taken = {str(pk) for pk in RewardRedemption.objects.values_list("pk", flat=True)}
    assert taken == {body["id"] for body in booked["redemptions"].values()}
    entries = Counter(PointsEntry.objects.values_list("kind", flat=True))
    assert entries[EntryKind.AWARD] == len(sales) + 5
    assert entries[EntryKind.REDEEM] == len(taken)
    assert entries[EntryKind.CLAW_BACK] == len(booked["returns"])
    assert IdempotentCall.objects.count() == len(told)


def report(told):
    """How many of what, for the notes of a long run: `pytest -s`."""
    again = sum(answer.attempts > 1 for _, _, answer in told)
    kinds = Counter(path for path, _, _ in told)
    sys.stderr.write(f"\n{KILLS} kills, {len(told)} calls acknowledged ({dict(kinds)}), {again} of them retried\n")


def test_a_lost_booking_is_noticed(server, till):
    """The control: the comparison above fails when one acknowledged purchase is missing."""
    answer = till.post("purchases", purchase("R-1", None), key="R-1")
    ghost = Answer(201, answer.body | {"id": "0"}, 1)
    with pytest.raises((AssertionError, KeyError)):
        assert_exactly_what_was_acknowledged([("purchases", "R-1", answer), ("purchases", "R-2", ghost)])
