"""A call told again under its key."""

import os
import signal
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction

from customers.domain import idempotency
from customers.models import Customer, IdempotentCall, Purchase
from loyalty_site.lib import statements
from tests.loyalty_site.api.calling import basket, caller, told
from tests.races import at_once, forget_connections

pytestmark = pytest.mark.django_db

RETURNED = {"line": 1, "quantity": "1", "amount_minor": 1}
POSTS = [
    ("customers", {"name": "Li Wei", "email": "li@example.org"}),
    ("quotes", basket()),
    ("purchases", basket()),
    ("purchases/1/returns", {"return_number": "B", "returned_at": "2026-05-20T10:00:00Z", "lines": [RETURNED]}),
    ("customers/C7K2-94QX/holds", {"points": 1, "seconds": 60}),
    ("holds/1/capture", None),
    ("holds/1/release", None),
    ("coupons/ABCD/check", {}),
    ("coupons/ABCD/redeem", {}),
    ("customers/C7K2-94QX/redemptions", {"reward": "1"}),
    ("redemptions/1/fulfil", None),
    ("redemptions/1/cancel", None),
]


@pytest.mark.parametrize(("path", "body"), POSTS, ids=[path for path, _ in POSTS])
def test_every_post_needs_a_key(till, path, body):
    assert told(till.post(path, body, key=None)) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["two words", "x" * 256, "ключ", "tab\t", "\x7f"])
def test_key_is_visible_and_short(till, key):
    assert told(till.post("purchases", basket(), key=key)) == (422, "idempotency_key_invalid")
    assert IdempotentCall.objects.count() == 0


@pytest.mark.parametrize("key", ["x", "~" * 255, '!"#/€'[:4]])
def test_key_may_be_anything_visible(till, key):
    assert till.post("purchases", basket(), key=key).status_code == 201


@pytest.mark.parametrize(("path", "body"), POSTS, ids=[path for path, _ in POSTS])
def test_same_call_under_its_key_is_answered_the_same(till, path, body):
    first = till.post(path, body, key="k")
    again = till.post(path, body, key="k")

    assert (again.status_code, again.content, again["Content-Type"]) == (
        first.status_code,
        first.content,
        first["Content-Type"],
    )
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")


def test_spaces_and_order_of_a_body_do_not_matter(till):
    till.post("customers", '{"name":"Li Wei","phone":"+8613812345678"}', key="k")

    again = till.post("customers", '{ "phone": "+8613812345678",\n "name": "Li Wei" }', key="k")

    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert Customer.objects.count() == 1


def test_another_body_or_address_under_a_used_key_is_refused(till):
    till.post("purchases", basket(), key="k")

    assert told(till.post("purchases", basket(receipt_number="R-2"), key="k")) == (422, "idempotency_key_reused")
    assert told(till.post("quotes", basket(), key="k")) == (422, "idempotency_key_reused")
    assert Purchase.objects.count() == 1


def test_keys_of_two_tills_are_apart(till, store):
    till.post("purchases", basket(), key="k")

    other = caller(store=store, name="Till 2").post("purchases", basket(receipt_number="R-2"), key="k")

    assert (other.status_code, Purchase.objects.count()) == (201, 2)


def test_refusal_is_an_answer_like_any_other(till, mia):
    asked = basket(customer=mia.number, points_to_redeem=5)
    first = till.post("purchases", asked, key="k")
    again = till.post("purchases", asked, key="k")

    assert told(first) == told(again) == (409, "insufficient_points")
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")


@pytest.mark.parametrize(
    ("body", "status"),
    [("{", 400), (basket(lines=[]), 422), (" " * 1024 * 1024 + "{}", 413)],
    ids=["400", "422", "413"],
)
def test_what_does_not_fit_uses_up_no_key(till, body, status):
    assert till.post("purchases", body, key="k").status_code == status
    assert till.post("purchases", basket(), key="k").status_code == 201


def test_answers_are_kept_for_days_and_then_forgotten(till, now):
    till.post("purchases", basket(), key="k")

    assert idempotency.forget(at=now + timedelta(days=3)) == 0
    assert idempotency.forget(at=now + timedelta(days=3, seconds=1)) == 1
    assert till.post("purchases", basket(), key="k").status_code == 201
    assert Purchase.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_call_that_still_runs_is_a_conflict(till):
    with transaction.atomic():
        statements.rows("SELECT pg_advisory_xact_lock(%s)", (idempotency._number(till.till, "k"),))
        (response,) = at_once(partial(till.post, "purchases", basket(), key="k"))

    assert told(response) == (409, "still_running")
    assert response["Retry-After"] == "1"
    assert till.post("purchases", basket(), key="k").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_same_call_at_once_is_done_once(till):
    joins = {"name": "Li Wei", "email": "li@example.org"}

    responses = at_once(*[partial(till.post, "customers", joins, key="k")] * 16)

    done = [response for response in responses if response.status_code == 201]
    assert {told(response) for response in responses if response.status_code != 201} <= {(409, "still_running")}
    assert len({response.content for response in done}) == 1
    assert len([response for response in done if "Idempotent-Replayed" not in response]) == 1
    assert Customer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_call_of_a_killed_process_can_be_told_again(till):
    """Killed after everything was written, before the commit: neither purchase nor key is there."""
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            forget_connections()
            send = statements.rows

            def rows(sql, values):
                found = send(sql, values)
                if sql.startswith("INSERT INTO customers_idempotentcall"):
                    os.kill(os.getpid(), signal.SIGKILL)
                return found

            statements.rows = rows
            till.post("purchases", basket(), key="k")
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert (Purchase.objects.count(), IdempotentCall.objects.count()) == (0, 0)

    assert till.post("purchases", basket(), key="k").status_code == 201
    assert (Purchase.objects.count(), IdempotentCall.objects.count()) == (1, 1)
