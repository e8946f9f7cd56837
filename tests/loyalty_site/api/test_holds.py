"""Holds over HTTP."""

from datetime import timedelta
from functools import partial

import pytest

from customers.models import Customer
from loyalty_site.lib import actors
from rewards.domain import points
from rewards.models import PointsHold
from tests.loyalty_site.api.calling import caller, told
from tests.races import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
HOLDS = "customers/C7K2-94QX/holds"


@pytest.fixture(autouse=True)
def rich(mia, now):
    """Mia has 300 points."""
    points.award(customer=mia, points=300, reference="gift", by=actors.SYSTEM, at=now)


def standing(till):
    told = till.get("customers/C7K2-94QX").json()["points"]
    return told["balance"], told["available"], told["held"]


def test_hold_sets_points_aside(till):
    response = till.post(HOLDS, {"points": 200, "seconds": 90})

    kept = PointsHold.objects.get()
    assert (response.status_code, response.json()) == (
        201,
        {
            "id": str(kept.pk),
            "customer": "C7K2-94QX",
            "points": 200,
            "state": "open",
            "held_at": "2026-05-20T10:30:00Z",
            "expires_at": "2026-05-20T10:31:30Z",
            "closed_at": None,
        },
    )
    assert standing(till) == (300, 100, 200)
    assert told(till.post(HOLDS, {"points": 101, "seconds": 90})) == (409, "insufficient_points")


def test_capture_spends_the_points_once(till):
    kept = till.post(HOLDS, {"points": 200, "seconds": 90}).json()

    answers = [till.post(f"holds/{kept['id']}/capture") for _ in range(2)]

    captured = kept | {"state": "captured", "closed_at": "2026-05-20T10:30:00Z"}
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, captured)] * 2
    assert standing(till) == (100, 100, 0)
    assert told(till.post(f"holds/{kept['id']}/release")) == (409, "hold_captured")


def test_release_frees_the_points(till):
    kept = till.post(HOLDS, {"points": 200, "seconds": 90}).json()

    answers = [till.post(f"holds/{kept['id']}/release", {}) for _ in range(2)]

    released = kept | {"state": "released", "closed_at": "2026-05-20T10:30:00Z"}
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, released)] * 2
    assert standing(till) == (300, 300, 0)
    assert told(till.post(f"holds/{kept['id']}/capture")) == (409, "hold_released")


def test_hold_expires_by_itself(till, clock):
    kept = till.post(HOLDS, {"points": 200, "seconds": 90}).json()
    clock.shift(timedelta(seconds=90))

    assert standing(till) == (300, 300, 0)
    assert told(till.post(f"holds/{kept['id']}/capture")) == (409, "hold_expired")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"points": 301, "seconds": 1}, 409, "insufficient_points"),
        ({"points": 10**12, "seconds": 1}, 409, "insufficient_points"),
        ({"points": 10**12 + 1, "seconds": 1}, 422, "invalid"),
        ({"points": 0, "seconds": 1}, 422, "invalid"),
        ({"points": -1, "seconds": 1}, 422, "invalid"),
        ({"points": 1.0, "seconds": 1}, 422, "invalid"),
        ({"points": 1, "seconds": 0}, 422, "invalid"),
        ({"points": 1, "seconds": 604_801}, 422, "invalid"),
        ({"points": 1}, 422, "invalid"),
    ],
)
def test_refused_hold_keeps_nothing(till, asked, status, code):
    assert told(till.post(HOLDS, asked)) == (status, code)
    assert PointsHold.objects.count() == 0


def test_hold_of_a_customer_who_left_is_refused(till, now):
    Customer.objects.update(closed_at=now)

    assert told(till.post(HOLDS, {"points": 1, "seconds": 1})) == (404, "customer_unknown")


@pytest.mark.parametrize("act", ["capture", "release"])
@pytest.mark.parametrize("id_", ["0", "999999", "abc"])
def test_unknown_hold_is_not_found(till, act, id_):
    assert told(till.post(f"holds/{id_}/{act}")) == (404, "hold_unknown")


@pytest.mark.parametrize("act", ["capture", "release"])
def test_hold_is_ended_by_tills_of_its_store_only(store, till, act):
    kept = till.post(HOLDS, {"points": 200, "seconds": 90}).json()

    assert told(caller().post(f"holds/{kept['id']}/{act}")) == (404, "hold_unknown")
    assert standing(till) == (300, 100, 200)
    assert caller(store=store, name="Till 2").post(f"holds/{kept['id']}/{act}").status_code == 200


def test_hold_that_no_till_made_is_unknown(till, mia, now):
    kept = points.hold(
        customer=mia, points=5, ttl=timedelta(hours=1), reference="by hand", by=actors.user(till.till.pk), at=now
    )

    assert told(till.post(f"holds/{kept.pk}/release")) == (404, "hold_unknown")


@pytest.mark.django_db(transaction=True)
def test_as_many_hold_at_once_as_the_points_allow(store, till):
    tills = [till, *[caller(store=store, name=f"Till {number}") for number in range(2, 9)]]

    responses = at_once(*[partial(one.post, HOLDS, {"points": 100, "seconds": 60}) for one in tills])

    assert sorted(response.status_code for response in responses) == [201] * 3 + [409] * 5
    assert standing(till) == (300, 0, 300)
