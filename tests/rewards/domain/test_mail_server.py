"""One rate and one circuit breaker for all workers."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from customers.models import AuditEvent
from loyalty_site.lib import actors
from loyalty_site.lib.mail_causes import Cause
from loyalty_site.lib.mail_replies import ServerUnavailable
from rewards.domain import mail_server
from rewards.models import MailServer
from tests.races import at_once

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def admit(at, wanted=20, per_minute=None):
    return mail_server.admit(wanted=wanted, per_minute=per_minute, at=at)


def refuse(admission, at, cause=Cause.SERVER):
    mail_server.refused(error=ServerUnavailable("451 away", cause), admission=admission, at=at)


def test_without_a_rate_and_a_refusal_one_look_is_all_it_takes(now, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert admit(now) == mail_server.Admission(20)
    assert not MailServer.objects.exists()


def test_bucket_holds_one_seconds_worth(now):
    assert admit(now, per_minute=600).places == 10
    empty = admit(now, per_minute=600)
    assert (empty.places, empty.wait) == (0, timedelta(seconds=0.1))
    assert admit(now + empty.wait, per_minute=600).places == 1
    assert admit(now + SECOND * 3600, per_minute=600).places == 10


def test_slow_rate_lets_one_leave_at_a_time(now):
    assert admit(now, per_minute=2).places == 1
    assert admit(now + SECOND, per_minute=2).wait == 29 * SECOND
    assert admit(now + 30 * SECOND, per_minute=2).places == 1


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_get_no_more_than_the_rate_together(now):
    def take():
        places = 0
        for number in range(50):
            places += admit(now + number * SECOND / 10, wanted=3, per_minute=600).places
        connection.close()
        return places

    # Five seconds at ten a second, and what the bucket held.
    assert 50 <= sum(at_once(take, take, take, take)) <= 60


def test_pause_doubles_with_each_refusal_and_ends_with_an_answer(now):
    at = now
    for minutes in (1, 2, 4, 8, 16, 30, 30):
        refuse(admit(at), at)
        server = MailServer.objects.get()
        assert (server.paused_until - at, server.paused_since) == (minutes * MINUTE, now)
        assert admit(server.paused_until - SECOND).places == 0
        at = server.paused_until
    admission = admit(at)
    assert admission.places == 1
    mail_server.answered(admission=admission)
    assert admit(at).places == 20


def test_one_tries_after_the_pause_and_another_when_the_first_one_is_gone(now):
    refuse(admit(now), now)
    after = now + MINUTE
    assert [admit(after).places for _ in range(3)] == [1, 0, 0]
    assert admit(after + mail_server.PROBE).places == 1


def test_refusal_that_several_hear_at_once_counts_once(now):
    first, second = admit(now), admit(now)
    refuse(first, now)
    refuse(second, now + SECOND)
    server = MailServer.objects.get()
    assert (server.failures, server.paused_until) == (1, now + MINUTE)


def test_answer_to_who_asked_before_the_refusal_ends_no_pause(now):
    earlier = admit(now)
    refuse(admit(now), now)
    mail_server.answered(admission=earlier)
    assert admit(now).places == 0


@pytest.mark.parametrize(
    ("cause", "minutes"), [("RATE", 1), ("SERVER", 1), ("SENDER", 5), ("QUOTA", 30), ("CONTENT", 1)]
)
def test_pause_is_as_long_as_its_cause(now, cause, minutes):
    refuse(admit(now), now, Cause(cause))
    server = MailServer.objects.get()
    assert server.paused_until == now + minutes * MINUTE
    assert server.cause == ("SERVER" if cause == "CONTENT" else cause)


def test_who_has_mended_it_need_not_wait(now):
    refuse(admit(now), now, Cause.QUOTA)
    mail_server.try_now(by=actors.user(1), at=now + SECOND)
    assert admit(now + SECOND).places == 1
    assert AuditEvent.objects.get().action == "mail_server.tried"


def test_log_says_why_and_names_nobody(now, caplog):
    error = ServerUnavailable("554 5.7.1 <mei@example.org>: Relay access denied", Cause.SENDER)
    mail_server.refused(error=error, admission=admit(now), at=now)
    assert "SENDER" in caplog.text
    assert "mei" not in caplog.text
    assert "mei@example.org" in MailServer.objects.get().reply


@pytest.mark.parametrize("values", [{"failures": 1}, {"reply": "x"}, {"only": False}])
def test_row_that_says_half_is_refused(values):
    with pytest.raises(IntegrityError), transaction.atomic():
        MailServer.objects.create(**values)
