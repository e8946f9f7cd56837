"""Trying codes."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.db.models import F

from customers.domain import attempts, tills
from customers.domain.attempts import Limit, TooManyAttempts
from customers.models import AttemptCount, TillScope
from loyalty_site.lib import actors
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from tests.factories.customers import CustomerFactory, StoreFactory, UserFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def fail(limits, now):
    with attempts.judged(limits=limits, at=now):
        raise DomainError


def told(limits, now):
    with pytest.raises(DomainError) as refused:
        fail(limits, now)
    return refused.value.code


def counts():
    return dict(AttemptCount.objects.values_list("key", "failures"))


def test_failures_are_counted_and_then_nothing_is_judged(now):
    limits = [Limit("customer:1", 2, HOUR)]
    assert [told(limits, now) for _ in range(4)] == ["refused", "refused", "too_many_attempts", "too_many_attempts"]
    row = AttemptCount.objects.get()
    assert (row.key, row.failures, row.turned_away) == ("customer:1/3600", 2, 2)


def test_it_says_how_long_until_the_next(now):
    limits = [Limit("customer:1", 1, HOUR), Limit("address:::", 1, timedelta(seconds=5))]
    attempts.take(limits=limits, at=now)
    with pytest.raises(TooManyAttempts) as refused:
        attempts.take(limits=limits, at=now + timedelta(seconds=1))
    assert refused.value.details == {"seconds": 30 * 60 - 1}
    attempts.take(limits=limits, at=now + timedelta(minutes=30))


def test_good_codes_cost_nothing(now):
    limits = [Limit("customer:1", 1, HOUR)]
    for _ in range(3):
        with attempts.judged(limits=limits, at=now) as attempt:
            attempt.succeed()
    assert counts() == {"customer:1/3600": 0}


def test_what_breaks_costs_nothing(now):
    limits = [Limit("customer:1", 1, HOUR)]
    with pytest.raises(ZeroDivisionError), attempts.judged(limits=limits, at=now):
        1 / 0  # noqa: B018
    assert counts() == {"customer:1/3600": 0}


def test_who_is_turned_away_uses_up_nobody_elses(now):
    """Else one customer could close the pages of all."""
    mine = [Limit("customer:1", 1, HOUR), Limit("strangers", 5, HOUR)]
    for _ in range(20):
        told(mine, now)
    assert counts() == {"customer:1/3600": 1, "strangers/3600": 1}
    assert told([Limit("customer:2", 1, HOUR), Limit("strangers", 5, HOUR)], now) == "refused"


def test_all_strangers_together_and_the_tills_go_on(now):
    for number in range(attempts.STRANGERS_PER_HOUR // attempts.CUSTOMER_PER_HOUR):
        limits = attempts.of_stranger(customer_id=number, address=f"10.0.{number // 200}.{number % 200}")
        key = Limit("strangers", attempts.STRANGERS_PER_HOUR, HOUR)
        assert key in limits
    AttemptCount.objects.create(
        key=key.key,
        window_start=key.start(now),
        window_end=key.start(now) + HOUR,
        failures=attempts.STRANGERS_PER_HOUR,
        failures_max=attempts.STRANGERS_PER_HOUR,
    )
    assert told(attempts.of_stranger(customer_id=7, address="10.1.1.1"), now) == "too_many_attempts"
    assert told(attempts.of_counter(by=Actor("till", 3)), now) == "refused"


def test_an_ipv4_address_is_the_same_however_the_server_writes_it():
    one, other = (attempts.of_answers(address=text)[0].key for text in ("192.0.2.1", "::ffff:192.0.2.1"))
    assert one == other == "answers:192.0.2.1/3600"


def test_an_ipv6_network_is_one_address():
    one, other = (attempts.of_stranger(customer_id=1, address=f"2001:db8::{n}")[1].key for n in (1, 2))
    assert one == other == "address:2001:db8::/64/5"


def test_counters_look_first_and_count_failures(now):
    limits = [Limit("till:1", 2, HOUR)]
    for _ in range(2):
        attempts.refuse_when_used_up(limits=limits, at=now)
        attempts.take(limits=limits, at=now)
    with pytest.raises(TooManyAttempts):
        attempts.refuse_when_used_up(limits=limits, at=now)
    attempts.refuse_when_used_up(limits=limits, at=now + HOUR)


def test_old_ones_are_forgotten(now):
    attempts.take(limits=[Limit("till:1", 2, HOUR)], at=now)
    assert attempts.forget(at=now + timedelta(days=7)) == 0
    assert attempts.forget(at=now + timedelta(days=7, hours=2)) == 1


@pytest.mark.django_db(transaction=True)
def test_sixty_four_at_once_and_twenty_are_judged(now):
    limits = [Limit("strangers", 20, HOUR), Limit("address:10.0.0.1", 50, HOUR)]
    answers = at_once(*[partial(fail, limits, now)] * 64)
    assert sorted(answer.code for answer in answers) == ["refused"] * 20 + ["too_many_attempts"] * 44
    assert counts() == {"address:10.0.0.1/3600": 20, "strangers/3600": 20}


@pytest.mark.django_db(transaction=True)
def test_reading_before_writing_lets_more_through(now):
    """What the one statement is for: the same storm against a limit that is read first."""
    AttemptCount.objects.create(key="read", window_start=now, window_end=now + HOUR, failures=0, failures_max=1000)

    def read_then_write():
        row = AttemptCount.objects.get(key="read")
        if row.failures >= 20:
            return "turned away"
        AttemptCount.objects.filter(key="read").update(failures=F("failures") + 1)
        return "judged"

    assert at_once(*[read_then_write] * 64).count("judged") > 20


def test_one_statement_a_take(now, django_assert_num_queries):
    connection.ensure_connection()
    limits = attempts.of_stranger(customer_id=1, address="10.0.0.1")
    with django_assert_num_queries(3):  # a savepoint around it in a test
        attempts.take(limits=limits, at=now)


def test_many_are_named_at_once_as_each_is_by_itself(now):
    mei = CustomerFactory()
    till, _ = tills.create(store=StoreFactory(), name="Till 1", scopes=[TillScope.SELL], by=actors.SYSTEM, at=now)
    whose = [f"till:{till.pk}", f"user:{UserFactory().pk}", f"customer:{mei.pk}", "address:2001:db8::/64", "strangers"]
    for one in [*whose, "till:999999"]:
        attempts.take(limits=[Limit(one, 1, HOUR)], at=now)
    rows = AttemptCount.objects.annotate(named=attempts.named())
    together = {row.key: attempts.words(key=row.key, name=row.named) for row in rows}
    assert together == {row.key: attempts.words(key=row.key) for row in rows}
    assert together[f"till:{till.pk}/3600"] == f"till {till.name} ({till.store.name})"
    assert together[f"customer:{mei.pk}/3600"] == f"customer {mei.display_number}"
