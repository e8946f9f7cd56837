"""Rewards over HTTP."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty_site.lib import actors
from rewards.domain import points, redemptions
from rewards.models import Reward, RewardRedemption
from tests.factories.rewards import RewardFactory
from tests.loyalty_site.api.calling import caller, told
from tests.races import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


@pytest.fixture
def cup(mia, now):
    """What Mia can afford five times."""
    points.award(customer=mia, points=500, reference="gift", by=actors.SYSTEM, at=now)
    return RewardFactory(name={"en": "Cup", "zh-hans": "杯子"}, cost_points=100, stock=2)


def balance(customer, at):
    return points.summary(customer=customer, at=at).balance


# --- the catalogue


def test_catalogue_is_told_page_by_page_the_cheapest_first(till, now):
    cup, _over = RewardFactory(name={"en": "Cup"}, cost_points=200, stock=3), RewardFactory(offered_to=now)
    pen, ink = RewardFactory(cost_points=100), RewardFactory(cost_points=100)

    first = till.get("rewards", limit=2).json()
    second = till.get("rewards", limit=2, cursor=first["next_cursor"]).json()

    assert [reward["id"] for reward in first["items"]] == [str(pen.pk), str(ink.pk)]
    assert second == {
        "items": [
            {
                "id": str(cup.pk),
                "name": "Cup",
                "description": "",
                "kind": "goods",
                "cost_points": 200,
                "stock": 3,
                "picture": None,
            }
        ],
        "next_cursor": None,
    }
    assert first["items"][0]["stock"] is None


def test_catalogue_takes_as_many_queries_for_three_as_for_one(till):
    def queries():
        with CaptureQueriesContext(connection) as done:
            till.get("rewards")
        return len(done)

    RewardFactory()
    queries()
    one = queries()
    RewardFactory.create_batch(2)
    assert (queries(), one) == (2, 2)


# --- taking one


def test_redeem_takes_points_and_stock_and_gives_a_code(till, mia, cup, now):
    response = till.post("customers/C7K2-94QX/redemptions", {"reward": str(cup.pk), "quantity": 2})

    taken = RewardRedemption.objects.get()
    assert (response.status_code, response.json()) == (
        201,
        {
            "id": str(taken.pk),
            "customer": "C7K2-94QX",
            "reward": {"id": str(cup.pk), "name": "Cup"},
            "quantity": 2,
            "points": 200,
            "pickup_code": str(taken),
            "state": "requested",
            "requested_at": "2026-05-20T10:30:00Z",
            "closed_at": None,
        },
    )
    assert (balance(mia, now), Reward.objects.get().stock) == (300, 0)


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"reward": "0"}, 404, "reward_unknown"),
        ({"reward": "cup"}, 404, "reward_unknown"),
        ({"reward": 1}, 422, "invalid"),
        ({"quantity": 3}, 409, "reward_out_of_stock"),
        ({"quantity": 6}, 409, "insufficient_points"),
        ({"quantity": 0}, 422, "invalid"),
        ({"quantity": 1001}, 422, "invalid"),
        ({"quantity": True}, 422, "invalid"),
    ],
)
def test_refused_redemption_takes_nothing(till, mia, cup, now, asked, status, code):
    response = till.post("customers/C7K2-94QX/redemptions", {"reward": str(cup.pk)} | asked)

    assert told(response) == (status, code)
    assert (balance(mia, now), Reward.objects.get().stock, RewardRedemption.objects.count()) == (500, 2, 0)


def test_reward_that_is_not_offered_is_refused(till, mia, cup, now):
    Reward.objects.update(offered_from=now + DAY)

    response = till.post("customers/C7K2-94QX/redemptions", {"reward": str(cup.pk)})

    assert told(response) == (409, "reward_not_offered")


def test_redemption_is_fulfilled_once_at_any_store(till, mia, cup):
    taken = till.post("customers/C7K2-94QX/redemptions", {"reward": str(cup.pk)}).json()
    elsewhere = caller()

    response = elsewhere.post(f"redemptions/{taken['id']}/fulfil")

    fulfilled = taken | {"state": "fulfilled", "closed_at": "2026-05-20T10:30:00Z"}
    assert (response.status_code, response.json()) == (200, fulfilled)
    assert told(till.post(f"redemptions/{taken['id']}/fulfil")) == (409, "redemption_already_fulfilled")
    assert told(till.post(f"redemptions/{taken['id']}/cancel")) == (409, "redemption_already_fulfilled")


def test_cancelled_redemption_gives_all_back_once(till, mia, cup, now):
    taken = till.post("customers/C7K2-94QX/redemptions", {"reward": str(cup.pk)}).json()

    answers = [till.post(f"redemptions/{taken['id']}/cancel", {}) for _ in range(2)]

    assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [(200, "cancelled")] * 2
    assert (balance(mia, now), Reward.objects.get().stock) == (500, 2)
    assert told(till.post(f"redemptions/{taken['id']}/fulfil")) == (409, "redemption_cancelled")


def test_redemption_is_cancelled_by_tills_of_its_store_only(store, till, mia, cup, now):
    taken = till.post("customers/C7K2-94QX/redemptions", {"reward": str(cup.pk)}).json()

    assert told(caller().post(f"redemptions/{taken['id']}/cancel")) == (404, "redemption_unknown")
    assert (balance(mia, now), Reward.objects.get().stock) == (400, 1)
    assert caller(store=store, name="Till 2").post(f"redemptions/{taken['id']}/cancel").status_code == 200
    assert balance(mia, now) == 500


def test_till_cancels_nothing_that_a_customer_redeemed(till, mia, cup, now):
    taken = redemptions.request(
        customer=mia, reward=cup, quantity=1, reference="own", by=actors.customer(mia.pk), at=now
    )

    assert told(till.post(f"redemptions/{taken.pk}/cancel")) == (404, "redemption_unknown")
    assert balance(mia, now) == 400
    assert till.post(f"redemptions/{taken.pk}/fulfil").status_code == 200


@pytest.mark.parametrize("act", ["fulfil", "cancel"])
@pytest.mark.parametrize("id_", ["0", "7", "abc", "9" * 40])
def test_unknown_redemption_is_not_found(till, act, id_):
    assert told(till.post(f"redemptions/{id_}/{act}")) == (404, "redemption_unknown")


def test_call_that_needs_no_body_takes_none_but_an_empty_one(till):
    assert told(till.post("redemptions/1/fulfil", {"really": True})) == (422, "invalid")


@pytest.mark.django_db(transaction=True)
def test_as_many_redeem_at_once_as_the_points_allow(store, mia, cup, now):
    Reward.objects.update(stock=None)
    tills = [caller(store=store, name=f"Till {number}") for number in range(8)]

    asked = {"reward": str(cup.pk)}
    responses = at_once(*[partial(one.post, "customers/C7K2-94QX/redemptions", asked) for one in tills])

    assert sorted(response.status_code for response in responses) == [201] * 5 + [409] * 3
    assert balance(mia, now) == 0
