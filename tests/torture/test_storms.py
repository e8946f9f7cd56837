"""64 tills at the same moment, over HTTP, at the server as production runs it."""

from collections import Counter

import pytest
from django.db import connection
from django.utils import timezone

from customers.models import Purchase
from loyalty_site.lib.actors import SYSTEM
from loyalty_site.lib.errors import DomainError
from rewards.domain import merges, points
from rewards.models import EntryKind, PointsAccount, PointsEntry, PointsLot, RewardRedemption
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import RewardFactory
from tests.torture.tills import at_once, purchase

pytestmark = pytest.mark.usefixtures("books_balance")

CLIENTS = 64


def award(customer, number, reference="opening"):
    return points.award(customer=customer, points=number, reference=reference, by=SYSTEM, at=timezone.now())


def statuses(answers):
    return Counter((answer.status, answer.code) for answer in answers)


def test_as_many_redemptions_succeed_as_points_allow(till):
    customer, reward = CustomerFactory(), RewardFactory(cost_points=100)
    award(customer, 2350)
    told = {"reward": str(reward.pk)}
    answers = at_once([lambda: till.post(f"customers/{customer.number}/redemptions", told)] * CLIENTS)
    assert statuses(answers) == {(201, ""): 23, (409, "insufficient_points"): 41}
    assert RewardRedemption.objects.count() == 23
    assert PointsAccount.objects.get(pk=customer.pk).balance == 50


def test_the_same_redemption_told_by_all_is_one(till):
    customer, reward = CustomerFactory(), RewardFactory(cost_points=100)
    award(customer, 2350)
    path, told = f"customers/{customer.number}/redemptions", {"reward": str(reward.pk)}
    answers = at_once([lambda: till.post(path, told, key="the-same")] * CLIENTS)
    assert statuses(answers) == {(201, ""): CLIENTS}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert PointsAccount.objects.get(pk=customer.pk).balance == 2250


def test_holds_never_promise_more_than_there_is(till):
    customer = CustomerFactory()
    award(customer, 1000)
    told = {"points": 30, "seconds": 600}
    answers = at_once([lambda: till.post(f"customers/{customer.number}/holds", told)] * CLIENTS)
    assert statuses(answers) == {(201, ""): 33, (409, "insufficient_points"): 31}
    held = [answer.body["id"] for answer in answers if answer.status == 201]
    calls = [
        lambda hold=hold, act=act: till.post(f"holds/{hold}/{act}") for hold in held for act in ("capture", "release")
    ]
    ended = at_once(calls[:CLIENTS])
    assert {answer.status for answer in ended} <= {200, 201, 409}
    captured = PointsEntry.objects.filter(customer=customer.pk, kind=EntryKind.REDEEM)
    assert PointsAccount.objects.get(pk=customer.pk).balance == 1000 - 30 * captured.count()


@pytest.mark.parametrize("keys", ["one-key", "a-key-each"])
def test_one_receipt_told_by_all_is_booked_once(till, keys):
    customer = CustomerFactory()
    told = purchase("R-1", customer.number, 4200)
    answers = at_once(
        [lambda n=n: till.post("purchases", told, key="K" if keys == "one-key" else f"K-{n}") for n in range(CLIENTS)]
    )
    assert statuses(answers) == {(201, ""): CLIENTS}
    assert {answer.body["id"] for answer in answers} == {str(Purchase.objects.get().pk)}
    assert {answer.body["points"]["earned"] for answer in answers} == {42}
    assert PointsAccount.objects.get(pk=customer.pk).balance == 42


def test_redeem_against_return_against_expiry_on_one_customer(till):
    """Purchases that are returned, points that are spent and lots that lapse, all of one customer, all at once."""
    customer, reward = CustomerFactory(), RewardFactory(cost_points=100)
    bought = [till.post("purchases", purchase(f"R-{n}", customer.number, 10_000)) for n in range(20)]
    assert {answer.body["points"]["earned"] for answer in bought} == {100}
    lapsed = list(PointsLot.objects.filter(customer=customer.pk).order_by("pk")[:5].values_list("pk", flat=True))
    PointsLot.objects.filter(pk__in=lapsed).update(
        available_at=timezone.now() - timezone.timedelta(days=2), expires_at=timezone.now()
    )

    def take_back(answer, number):
        lines = [{"line": 1, "quantity": "1", "amount_minor": 10_000}]
        told = {"return_number": number, "returned_at": timezone.now().isoformat(), "lines": lines}
        return till.post(f"purchases/{answer.body['id']}/returns", told)

    def redeem():
        return till.post(f"customers/{customer.number}/redemptions", {"reward": str(reward.pk)})

    def expire():
        try:
            points.expire(at=timezone.now(), limit=1000)
        finally:
            connection.close()  # of this thread
        return till.get(f"customers/{customer.number}")

    calls = [lambda n=n, answer=answer: take_back(answer, f"B-{n}") for n, answer in enumerate(bought[:10])]
    calls += [redeem] * 44 + [expire] * 10
    answers = at_once(calls)
    assert {answer.status for answer in answers} <= {200, 201, 409}
    assert {answer.status for answer in answers[:10]} == {201}
    account = PointsAccount.objects.get(pk=customer.pk)
    assert account.balance == sum(PointsEntry.objects.filter(customer=customer.pk).values_list("points", flat=True))
    while points.expire(at=timezone.now(), limit=1000):
        pass
    shown = till.get(f"customers/{customer.number}").body["points"]
    assert (shown["available"], shown["debt"]) == (max(0, shown["balance"]), max(0, -shown["balance"]))


def test_merges_against_sales(till):
    """Two cards of one person, sold to at every till while staff merge them both ways and undo it, again and again."""
    first, second = CustomerFactory.create_batch(2)
    award(first, 500)
    award(second, 300)
    refused = []

    def merge_and_undo(source, target):
        try:
            for _ in range(4):
                try:
                    record = merges.merge(
                        source=source, target=target, reason="two cards", by=SYSTEM, at=timezone.now()
                    )
                    merges.undo(merge=record, by=SYSTEM, at=timezone.now())
                except DomainError as refusal:
                    refused.append(refusal.code)
        finally:
            connection.close()  # of this thread
        return till.get(f"customers/{source.number}")

    def sell(number):
        customer = (first, second)[number % 2]
        return till.post("purchases", purchase(f"R-{number}", customer.number, 1000, points_to_redeem=number % 3))

    calls = [lambda n=n: sell(n) for n in range(CLIENTS - 4)]
    calls += [lambda: merge_and_undo(first, second), lambda: merge_and_undo(second, first)] * 2
    answers = at_once(calls)
    assert {answer.status for answer in answers[: CLIENTS - 4]} <= {201, 409}
    assert {answer.code for answer in answers} <= {"", "customer_merged"}
    assert set(refused) <= {"customer_merged", "merge_not_latest"}
    booked = [answer.body["points"] for answer in answers[: CLIENTS - 4] if answer.status == 201]
    balances = PointsAccount.objects.filter(pk__in=[first.pk, second.pk]).values_list("balance", flat=True)
    assert sum(balances) == 800 + sum(one["earned"] - one["redeemed"] for one in booked)
    assert len(booked) == Purchase.objects.count() > 0
