"""What every call of the till API has in common: keys, scopes, rates, and how refusals look."""

import json

import pytest
from django.db import OperationalError

from customers.domain import tills
from customers.models import IdempotentCall, Till, TillScope
from loyalty_site.api import api
from loyalty_site.lib import actors, rates
from tests.loyalty_site.api.calling import basket, caller, told

pytestmark = pytest.mark.django_db

OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in api.get_openapi_schema()["paths"].items()
    for method, operation in methods.items()
]
NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]
SCOPES = {"book_purchase": "sell", "enroll_customer": "enroll", "quote_basket": "read", "check_coupon": "read"}


def concrete(path):
    return path.replace("{number}", "C7K2-94QX").replace("{id}", "1").replace("{code}", "ABCD")


# --- who may call


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer till_nonsense", "Basic dGlsbDp4", "Bearer \xff"])
def test_call_without_a_good_key_is_refused(client, method, path, operation, authorization):
    headers = {"Authorization": authorization} if authorization else {}

    response = client.generic(method, concrete(path), "{}", content_type="application/json", headers=headers)

    assert told(response) == (401, "key_invalid")
    assert response["WWW-Authenticate"] == "Bearer"


def test_revoked_key_opens_nothing(till, now):
    tills.revoke(till=till.till, by=actors.SYSTEM, at=now)

    assert told(till.get("rewards")) == (401, "key_invalid")


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_call_needs_its_scope(client, method, path, operation):
    needed = SCOPES.get(operation["operationId"], "read" if method == "GET" else "sell")
    others = caller(scopes=[scope for scope in TillScope if scope != needed])
    headers = {"Authorization": f"Bearer {others.secret}"}

    response = client.generic(method, concrete(path), "{}", content_type="application/json", headers=headers)

    assert told(response) == (403, "scope_missing")
    assert response.json()["detail"] == f"This till may not do that; it needs “{needed}”."


def test_till_is_seen_at_most_once_a_minute(till, clock, now):
    seen = []
    for seconds in (0, 59, 1, 61):
        clock.shift(seconds)
        till.get("rewards")
        seen.append((Till.objects.get().last_seen_at - now).seconds)

    assert seen == [0, 0, 60, 121]


# --- how often


def test_too_many_calls_wait_for_the_next_minute(till, settings, clock):
    settings.TILL_RATE_PER_MINUTE = 2
    clock.shift(20)
    answers = [till.get("rewards") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert told(answers[2]) == (429, "too_many_calls")
    assert answers[2]["Retry-After"] == "40"
    assert caller().get("rewards").status_code == 200
    clock.shift(40)
    assert till.get("rewards").status_code == 200


def test_calls_pass_while_redis_is_away(till, settings):
    settings.TILL_RATE_PER_MINUTE = 1
    settings.REDIS_CACHE_URL = "redis://127.0.0.1:1/0"
    rates._client.cache_clear()

    assert [till.get("rewards").status_code for _ in range(3)] == [200] * 3


# --- what cannot be read


def test_unreadable_body_is_refused(till):
    unreadable = ["{", "", "nonsense", '{"a": NaN}', b"\xff\xfe", "[" * 100_000, '{"a": 1e999', "1" * 5000]
    answers = [told(till.post("purchases", body)) for body in unreadable if body]

    assert answers == [(400, "unreadable")] * 7


def test_body_over_a_mebibyte_is_refused(till):
    assert told(till.post("purchases", " " * 1024 * 1024 + "{}")) == (413, "body_too_large")


def test_body_without_its_length_is_refused(till):
    headers = {"Authorization": f"Bearer {till.secret}", "Transfer-Encoding": "chunked"}
    response = till.client.generic("POST", "/api/v1/purchases", headers=headers)

    assert told(response) == (411, "length_required")


@pytest.mark.parametrize("path", ["", "nothing", "customers/", "purchases/1/lines", "../v2/purchases"])
def test_unknown_address_is_told_as_a_problem(till, path):
    assert told(till.get(path)) == (404, "not_found")


def test_other_method_is_told_as_a_problem(till):
    response = till.client.put("/api/v1/purchases", headers={"Authorization": f"Bearer {till.secret}"})

    assert told(response) == (405, "method_not_allowed")
    assert response["Allow"] == "POST"


def test_places_of_errors_are_named(till):
    bad = basket(customer=5, currency="yuan", extra=1)
    bad["lines"][0] |= {"quantity": 1.25, "amount_minor": "1250"}
    del bad["receipt_number"]

    response = till.post("purchases", bad)

    assert told(response) == (422, "invalid")
    assert response.json()["errors"] == [
        {"at": "receipt_number", "message": "Field required"},
        {"at": "customer", "message": "Input should be a valid string"},
        {"at": "currency", "message": "String should match pattern '^[A-Z]{3}$'"},
        {
            "at": "lines.0.quantity",
            "message": "Write a quantity as a text with at most three decimals, for example “1.250”.",
        },
        {"at": "lines.0.amount_minor", "message": "Input should be a valid integer"},
        {"at": "extra", "message": "Extra inputs are not permitted"},
    ]


def test_places_of_errors_in_addresses_are_named(till):
    response = till.get("rewards", limit="101")

    assert told(response) == (422, "invalid")
    assert response.json()["errors"] == [{"at": "limit", "message": "Input should be less than or equal to 100"}]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.0", "１２", "1_0", "9" * 5000, "", "x"])
def test_limit_is_from_1_to_100(till, limit):
    assert told(till.get("rewards", limit=limit)) == (422, "invalid")


@pytest.mark.parametrize(
    "cursor", ["x", "MA", "AAAA", "LTEuMQ", "ÿ", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5Lj", "MS4y.", "MQ=="]
)
def test_cursor_that_was_not_given_out_is_refused(till, cursor):
    assert told(till.get("rewards", cursor=cursor)) == (422, "invalid")


@pytest.mark.parametrize("body", [[], 5, "text", None, True])
def test_body_that_is_no_object_is_refused(till, body):
    response = till.post("purchases", json.dumps(body))

    assert told(response) == (422, "invalid")
    assert response.json()["errors"][0]["at"] == ""


def test_problems_speak_the_language_that_is_asked_for(till):
    till.headers = {"Accept-Language": "zh-CN"}

    assert till.get("customers/AAAA-AAAA")["Content-Language"] == "zh-hans"


def test_failure_of_ours_is_told_as_a_problem_and_keeps_no_key(till, monkeypatch):
    till.client.raise_request_exception = False
    monkeypatch.setattr("rewards.domain.checkout.settle", lambda **told: 1 / 0)

    response = till.post("purchases", basket(), key="k")

    assert told(response) == (500, "internal_error")
    assert IdempotentCall.objects.count() == 0


def test_database_that_is_away_is_told_as_a_problem(till, monkeypatch):
    monkeypatch.setattr("customers.domain.tills.authenticate", raising_operational_error)

    response = till.get("rewards")

    assert told(response) == (503, "unavailable")
    assert response["Retry-After"] == "2"


def raising_operational_error(**told):
    raise OperationalError("gone")
