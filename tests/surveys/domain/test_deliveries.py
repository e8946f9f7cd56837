"""Against a real SMTP server, whose own record says who got what."""

import threading
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from customers.domain import consents
from customers.models import Customer, Purpose
from loyalty_site.lib import actors, mail_replies
from loyalty_site.lib.mail_replies import ServerUnavailable
from loyalty_site.lib.smtp import EmailBackend
from rewards.models import Program
from surveys.domain import campaigns, deliveries, invitations
from surveys.models import Delivery, DeliveryState, SuppressionReason
from tests.plugins.smtp import DROP, HANG
from tests.races import at_once

pytestmark = pytest.mark.django_db
BY = actors.user(1)


@pytest.fixture
def send(now):
    def send_due(*, at=now, seconds=60):
        return deliveries.send_due(
            mailer=mail.get_connection(), clock=lambda: at, until=at + timedelta(seconds=seconds)
        )

    return send_due


def address(delivery):
    return delivery.customer.email


def outcome(delivery):
    delivery.refresh_from_db()
    return delivery.state, delivery.smtp_reply


def test_send_hands_each_mail_over_once_on_one_connection(due, send, mail_server, now):
    rows = [due() for _ in range(deliveries.BATCH + 5)]
    assert send() == len(rows)
    assert mail_server.recipients == [address(row) for row in rows]
    assert mail_server.sessions == 1
    assert outcome(rows[0]) == (DeliveryState.ACCEPTED, "250 OK queued as 1")
    assert (rows[0].attempts, rows[0].settled_at, rows[0].lease_token) == (1, now, None)
    assert send() == 0


def test_reply_of_the_server_is_kept_as_one_line_that_fits(due, send, mail_server):
    row = due()
    mail_server.at_text[address(row)] = "250 OK\0 " + "x" * 480
    assert send() == 1
    assert outcome(row) == (DeliveryState.ACCEPTED, "250 OK " + "x" * 480)


def test_send_waits_for_its_time_and_its_campaign(due, send, mail_server, sending, now):
    early = due()
    Delivery.objects.filter(pk=early.pk).update(not_before=now + timedelta(seconds=1))
    assert send() == 0
    assert send(at=now + timedelta(seconds=1)) == 1
    due()
    campaigns.pause(campaign=sending, by=BY, at=now)
    assert send() == 0
    campaigns.resume(campaign=sending, by=BY, at=now)
    assert send() == 1


def test_send_stops_when_its_time_is_over_and_puts_the_rest_back(due, send, mail_server, now):
    rows = [due() for _ in range(3)]
    ticks = iter([0] * 5 + [90, 90])  # until, claim, until, begin, settle; then the time is over
    deliveries.send_due(
        mailer=mail.get_connection(),
        clock=lambda: now + timedelta(seconds=next(ticks)),
        until=now + timedelta(seconds=60),
    )
    assert mail_server.recipients == [address(rows[0])]
    assert [outcome(row)[0] for row in rows] == [
        DeliveryState.ACCEPTED,
        DeliveryState.PENDING,
        DeliveryState.PENDING,
    ]
    assert send() == 2


@pytest.mark.parametrize("when", ["at_recipient", "at_text"])
def test_refusal_for_good_is_rejected(due, send, mail_server, when):
    rows = [due() for _ in range(3)]
    getattr(mail_server, when)[address(rows[1])] = "550 5.1.1 No such mailbox"
    assert send() == 2
    assert outcome(rows[1]) == (DeliveryState.REJECTED, "550 5.1.1 No such mailbox")
    assert mail_server.sessions == 1
    assert mail_server.recipients == [address(rows[0]), address(rows[2])]


@pytest.mark.parametrize("when", ["at_recipient", "at_text"])
def test_refusal_for_now_is_tried_again_later(due, send, mail_server, when, now):
    row = due()
    replies_of_server = getattr(mail_server, when)
    replies_of_server[address(row)] = "451 4.7.1 Greylisted"
    assert send() == 0
    assert outcome(row) == (DeliveryState.DEFERRED, "451 4.7.1 Greylisted")
    assert timedelta(seconds=45) <= row.not_before - now <= timedelta(seconds=60)
    assert send(at=row.not_before - timedelta(milliseconds=1)) == 0
    replies_of_server.clear()
    assert send(at=row.not_before) == 1
    assert outcome(row)[0] == DeliveryState.ACCEPTED
    assert row.attempts == 2


def test_refusal_for_now_ends_after_the_last_attempt(due, send, mail_server, now):
    row = due()
    mail_server.at_text[address(row)] = "452 4.2.2 Mailbox full"
    Delivery.objects.update(attempts=mail_replies.MAX_ATTEMPTS - 2)
    send()
    assert outcome(row)[0] == DeliveryState.DEFERRED
    send(at=row.not_before)
    assert outcome(row) == (DeliveryState.REJECTED, "452 4.2.2 Mailbox full")


def test_goodbye_of_the_server_renews_the_connection(due, send, mail_server):
    rows = [due() for _ in range(3)]
    mail_server.at_text[address(rows[0])] = "421 4.3.2 Too many messages in this session"
    assert send() == 2
    assert outcome(rows[0])[0] == DeliveryState.DEFERRED
    assert mail_server.sessions == 2


def test_connection_lost_before_the_text_is_tried_again(due, send, mail_server):
    rows = [due() for _ in range(2)]
    mail_server.at_recipient[address(rows[0])] = DROP
    assert send() == 1
    assert outcome(rows[0])[0] == DeliveryState.DEFERRED
    assert mail_server.sessions == 2


def test_connection_lost_after_the_text_is_uncertain_and_never_tried_again(due, send, mail_server, now):
    rows = [due() for _ in range(2)]
    mail_server.at_text[address(rows[0])] = DROP
    assert send() == 1
    assert outcome(rows[0])[0] == DeliveryState.UNCERTAIN
    assert send(at=now + timedelta(days=30)) == 0
    assert Counter(mail_server.recipients) == Counter(address(row) for row in rows)


def test_server_that_hangs_after_the_text_is_uncertain(due, send, mail_server, settings):
    settings.EMAIL_TIMEOUT = 0.3
    rows = [due() for _ in range(2)]
    mail_server.at_text[address(rows[0])] = HANG
    assert send() == 1
    assert [outcome(row)[0] for row in rows] == [DeliveryState.UNCERTAIN, DeliveryState.ACCEPTED]


def test_server_that_hangs_before_the_text_is_tried_again(due, send, mail_server, settings):
    settings.EMAIL_TIMEOUT = 0.3
    row = due()
    mail_server.at_recipient[address(row)] = HANG
    assert send() == 0
    assert outcome(row)[0] == DeliveryState.DEFERRED


def test_server_that_is_away_costs_nobody_an_attempt(due, send, settings, mail_server, now):
    rows = [due() for _ in range(2)]
    settings.EMAIL_PORT = 1
    assert send() == 0
    for row in rows:
        assert outcome(row) == (DeliveryState.PENDING, "ConnectionRefusedError: [Errno 111] Connection refused")
        assert (row.attempts, row.not_before) == (0, now + deliveries.SERVER_PAUSE)
    settings.EMAIL_PORT = mail_server.port
    assert send(at=now + deliveries.SERVER_PAUSE) == 2


def test_server_that_refuses_the_sender_costs_nobody_an_attempt(due, send, mail_server, now):
    rows = [due() for _ in range(2)]
    mail_server.sender_reply = "530 5.7.0 Authentication required"
    assert send() == 0
    for row in rows:
        assert outcome(row) == (DeliveryState.PENDING, "530 5.7.0 Authentication required")
        assert (row.attempts, row.lease_token) == (0, None)
    assert mail_server.taken == []


def test_mail_that_cannot_be_written_is_put_off_and_holds_nobody_up(due, send, mail_server, monkeypatch):
    rows = [due() for _ in range(2)]
    compose = invitations.compose

    def fail_once(*, delivery, program):
        if delivery == rows[0]:
            raise ValueError("no such\nplaceholder\0")
        return compose(delivery=delivery, program=program)

    monkeypatch.setattr(invitations, "compose", fail_once)
    assert send() == 1
    assert outcome(rows[0]) == (DeliveryState.DEFERRED, "ValueError: no such placeholder")
    assert (rows[0].attempts, rows[0].settled_at) == (1, None)


def test_claim_leases_and_nobody_else_gets_the_same(due, now):
    rows = [due() for _ in range(3)]
    first, second = deliveries.claim(limit=2, at=now), deliveries.claim(limit=2, at=now)
    assert (first, second) == (rows[:2], rows[2:])
    assert {row.state for row in first} == {DeliveryState.CLAIMED}
    assert {row.lease_expires_at for row in first} == {now + deliveries.LEASE}
    assert len({row.lease_token for row in first + second}) == 2


def test_claim_reads_the_audience_with_a_fixed_number_of_queries(due, now, django_assert_num_queries):
    for _ in range(3):
        due()
    with django_assert_num_queries(7):  # savepoint, due, customers, claim, rows, questions, savepoint
        batch = deliveries.claim(limit=3, at=now)
    with django_assert_num_queries(0):
        for delivery in batch:
            invitations.compose(delivery=delivery, program=Program())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"email": ""}, SuppressionReason.NO_EMAIL),
        ({"closed_at": "2026-01-01T00:00Z"}, SuppressionReason.CLOSED),
        ({}, SuppressionReason.NO_CONSENT),
    ],
)
def test_claim_reads_again_who_may_be_asked(due, send, mail_server, change, reason, now):
    barred, other = due(), due()
    if change:
        Customer.objects.filter(pk=barred.customer_id).update(**change)
    else:
        consents.withdraw(customer=barred.customer, purpose=Purpose.SURVEY_EMAIL, by=BY, at=now)
    assert send() == 1
    assert mail_server.recipients == [address(other)]
    assert outcome(barred)[0] == DeliveryState.SUPPRESSED
    assert (barred.reason, barred.settled_at, barred.lease_token) == (reason, now, None)


def test_claim_goes_on_when_a_whole_batch_is_suppressed(due, now):
    barred = [due() for _ in range(3)]
    Customer.objects.filter(deliveries__in=barred).update(email="")
    left = due()
    assert deliveries.claim(limit=2, at=now) == [left]
    assert deliveries.claim(limit=2, at=now) == []


@pytest.fixture
def claimed(due, now):
    due()
    return deliveries.claim(limit=1, at=now)[0]


def transmit(delivery, now):
    with mail.get_connection() as mailer:
        return deliveries.transmit(delivery=delivery, mailer=mailer, program=Program(), clock=lambda: now)


def test_unsubscribing_after_the_claim_still_stops_the_mail(claimed, mail_server, now):
    consents.withdraw(customer=claimed.customer, purpose=Purpose.SURVEY_EMAIL, by=BY, at=now)
    assert transmit(claimed, now) is None
    assert mail_server.taken == []


@pytest.mark.parametrize("verb", [campaigns.pause, campaigns.cancel])
def test_pausing_and_cancelling_after_the_claim_still_stop_the_mail(claimed, sending, mail_server, verb, now):
    verb(campaign=sending, by=BY, at=now)
    assert transmit(claimed, now) is None
    assert mail_server.taken == []


def test_lease_that_ended_keeps_a_slow_worker_from_sending(claimed, mail_server, now):
    assert transmit(claimed, now + deliveries.LEASE) is None
    assert deliveries.reconcile(at=now + deliveries.LEASE) == 1
    assert transmit(claimed, now) is None
    assert mail_server.taken == []


def test_lease_that_ended_while_sending_keeps_what_was_found_out(claimed, mail_server, now, monkeypatch):
    hand_over = mail_replies.hand_over

    def slowly(message, mailer):
        deliveries.reconcile(at=now + deliveries.LEASE)
        return hand_over(message, mailer)

    monkeypatch.setattr(mail_replies, "hand_over", slowly)
    assert transmit(claimed, now) is None
    assert outcome(claimed) == (DeliveryState.UNCERTAIN, "")


def test_reconcile_leaves_living_leases_alone(claimed, now):
    assert deliveries.reconcile(at=now + deliveries.LEASE - timedelta(seconds=1)) == 0
    assert outcome(claimed)[0] == DeliveryState.CLAIMED


@pytest.mark.django_db(transaction=True)
def test_reconcile_does_not_wait_for_a_campaign_that_is_being_cancelled(claimed, sending, now):
    with deliveries.transaction.atomic():
        campaigns.cancel(campaign=sending, by=BY, at=now)
        [found] = at_once(lambda: deliveries.reconcile(at=now + deliveries.LEASE))
    assert found == 0
    assert outcome(claimed)[0] == DeliveryState.SUPPRESSED


def test_reconcile_settles_by_whether_the_mail_had_begun_to_leave(due, now):
    claimed, begun = due(), due()
    for row, state in ((claimed, DeliveryState.CLAIMED), (begun, DeliveryState.TRANSMITTING)):
        Delivery.objects.filter(pk=row.pk).update(state=state, lease_token=uuid.uuid4(), lease_expires_at=now)
    assert deliveries.reconcile(at=now) == 2
    assert outcome(claimed)[0] == DeliveryState.PENDING
    assert outcome(begun)[0] == DeliveryState.UNCERTAIN
    assert (begun.settled_at, begun.lease_token, claimed.settled_at) == (now, None, None)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_mail_once(due, send, mail_server):
    rows = [due() for _ in range(60)]
    mail_server.seconds_per_mail = 0.005
    sent = at_once(send, send)
    assert sum(sent) == 60
    assert min(sent) > 0
    assert Counter(mail_server.recipients) == Counter(address(row) for row in rows)


@pytest.mark.django_db(transaction=True)
def test_campaign_paused_while_workers_send_stops_within_a_mail_each(due, sending, send, mail_server, now):
    for _ in range(60):
        due()
    mail_server.seconds_per_mail = 0.02

    def pause():
        while len(mail_server.taken) < 10:
            threading.Event().wait(0.005)
        campaigns.pause(campaign=sending, by=BY, at=now)
        return len(mail_server.taken)

    taken_at_pause = at_once(send, send, pause)[2]
    assert 10 <= taken_at_pause <= len(mail_server.taken) <= taken_at_pause + 2
    states = Counter(Delivery.objects.values_list("state", flat=True))
    assert states == {
        DeliveryState.ACCEPTED: len(mail_server.taken),
        DeliveryState.PENDING: 60 - len(mail_server.taken),
    }


@pytest.mark.django_db(transaction=True)
def test_begin_waits_for_a_reconciler_and_then_leaves_the_row_alone(claimed, now):
    """A guard that PostgreSQL does not look at again after waiting for the lock would send the mail twice."""
    begun = []
    late = threading.Thread(target=lambda: (begun.append(deliveries._begin(claimed, at=now)), connection.close()))
    with deliveries.transaction.atomic():
        Delivery.objects.filter(pk=claimed.pk).update(
            state=DeliveryState.PENDING, lease_token=None, lease_expires_at=None
        )
        late.start()
        late.join(0.5)
        assert late.is_alive()
    late.join(10)
    assert begun == [False]
    assert outcome(claimed)[0] == DeliveryState.PENDING


def test_send_refuses_to_run_inside_a_transaction(due, mail_server, now):
    """The claim must be committed before the network is touched."""
    with pytest.raises(RuntimeError, match="durable"), deliveries.transaction.atomic():
        deliveries.claim(limit=1, at=now)


@pytest.mark.parametrize(
    ("code", "state"),
    [(199, "UNCERTAIN"), (252, "UNCERTAIN"), (-1, "UNCERTAIN"), (400, "DEFERRED"), (500, "REJECTED")],
)
def test_outcome_by_code(code, state):
    error = mail_replies.smtplib.SMTPDataError(code, b"text\xff")
    assert mail_replies.outcome_of(error).fate == state


def test_outcome_of_a_server_that_refuses_to_greet_is_not_about_the_mail():
    with pytest.raises(ServerUnavailable, match="501 no"):
        mail_replies.outcome_of(mail_replies.smtplib.SMTPHeloError(501, b"no"))


def test_outcome_of_anything_unknown_is_uncertain():
    assert mail_replies.outcome_of(RuntimeError("?")).fate == DeliveryState.UNCERTAIN


def test_pause_before_retry_doubles_up_to_six_hours_and_differs(due):
    row = due()
    pauses = []
    for row.attempts in range(1, mail_replies.MAX_ATTEMPTS):
        pause = mail_replies.pause_before_retry(attempts=row.attempts, seed=row.pk)
        whole = min(timedelta(minutes=2 ** (row.attempts - 1)), timedelta(hours=6))
        assert whole * 0.75 <= pause <= whole
        pauses.append(pause / whole)
    assert len(set(pauses)) > 5


def test_server_that_spoils_the_goodbye_does_no_harm(due, send, mail_server, monkeypatch):
    def spoil(backend):
        close(backend)
        raise mail_replies.smtplib.SMTPResponseException(500, "Line too long.")

    close = EmailBackend.close
    monkeypatch.setattr(EmailBackend, "close", spoil)
    due()
    assert send() == 1


def test_outbox_keeps_the_mails_when_no_server_is_named(due, send, settings):
    settings.EMAIL_BACKEND = "loyalty_site.outbox.OutboxBackend"
    row = due()
    assert send() == 1
    assert outcome(row) == (DeliveryState.ACCEPTED, "")
